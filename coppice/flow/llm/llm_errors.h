// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "coppice/core/error.h"

namespace coppice {

/// What a server says went wrong. Each part may be empty.
struct ServerError {
  std::string message, type, code, param;
};

/// Of {"error": {message, type, code, param}}, or what else servers send: {"error": "..."}, {"message": ...},
/// {"detail": ...}, a list with one of them. Of a body that is nothing of the kind, its first characters. What is
/// quoted is cut to a line's length, without control characters.
ServerError read_server_error(std::string_view body);
/// Of JSON that came with a status 2xx: is it an error all the same?
bool is_server_error(const nlohmann::json& answer);

/// A status that is no 2xx, or an error in the place of an answer.
class RefusedByServer : public Error {
 public:
  /// `status`: 0 where the error stood in an answer with a status of 2xx. `endpoint`: its name.
  RefusedByServer(const std::string& endpoint, int status, ServerError said);
  /// The same, with more to say behind its sentence.
  RefusedByServer(const RefusedByServer& refused, const std::string& more);

  int status() const noexcept { return status_; }
  const ServerError& said() const noexcept { return said_; }

  /// Does it look as if the server did not take the form in which a schema was sent, so that another one may do?
  bool is_about_format() const;

 private:
  int status_;
  ServerError said_;
};

/// Text of a server's on one line: control characters become blanks, bytes that are no UTF-8 become '?'; cut.
std::string one_line(std::string_view text);

}  // namespace coppice
