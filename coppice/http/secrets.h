// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/http/message.h"

namespace coppice {

/// Keys that were sent to a server, which may repeat them: they are cut out of all that is shown, handed on or kept.
///
/// A key is found as it is, with any of its characters escaped as in JSON (`\/`, `\"`, `\u002f`, also in JSON that is a
/// text of other JSON) or percent-encoded, and in base64 and base64url, alone or in a longer text ("user:key"), unless
/// it is too short for that. It is not found where the server cuts it short or spells it otherwise (hexadecimal, turned
/// around, in HTML's entities, over several texts).
class Secrets {
 public:
  Secrets() = default;
  explicit Secrets(std::string_view secret) { add(secret); }

  /// Does nothing with an empty one.
  void add(std::string_view secret);
  bool empty() const noexcept { return forms_.empty(); }

  /// The text with "***" in the place of each key of at least so many bytes.
  std::string without(std::string_view text, size_t least_bytes = 1) const;
  /// Of all texts in the value, names of members too.
  void cut_out(nlohmann::json& value, size_t least_bytes = 1) const;
  /// Of a body that came in pieces: also a key that begins in one of them and ends in another.
  void cut_out(std::vector<std::string>& pieces) const;

 private:
  struct Form {
    std::string text;
    size_t secret_bytes = 0;
    bool is_base64 = false;
  };

  void add_form(Form form);
  size_t length_at(std::string_view text, size_t at, size_t least_bytes) const noexcept;
  template <class Take>
  void find_all(std::string_view text, size_t least_bytes, Take take) const;

  std::vector<Form> forms_;
  bool begins_form_[256] = {};  // by the first byte
};

/// The keys in a request: what follows the scheme in Authorization (of Basic the password, too), cookies, and what
/// other headers and parameters of the URL hold whose names say so (`names_secret`), if it is long enough to be a key.
Secrets secrets_of(const HttpRequest& request);

/// The error without them in any of its parts.
Error without(const Secrets& secrets, const Error& error);

/// Does a header or a parameter of that name hold a secret (key, token, ...)?
bool names_secret(std::string_view name);

}  // namespace coppice
