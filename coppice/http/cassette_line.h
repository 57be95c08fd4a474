// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/http/message.h"

namespace coppice {

/// One request and what came of it, as a cassette keeps it.
struct CassetteEntry {
  struct Failure {
    ErrorCode code = ErrorCode::remote;
    std::string message;
    bool was_sent = true;  ///< else it was a RequestNotSent
  };

  std::string method, url, request_body;
  int status = 0;  ///< 0 = no answer came
  HttpHeaders headers;
  std::vector<std::string> pieces;  ///< of the body, as they came
  std::optional<Failure> failure;   ///< after those pieces, if any
};

/// One line of JSON with its line break:
///
///     {"cassette": 1, "request": {"method", "url", "body"}, "response": {"status", "headers": {...}, "body": [...]},
///      "failure": {"code", "message", "sent"}}
///
/// `sent` is there where it is false. A text that is not UTF-8 is {"base64": "..."}. Not every header of an answer is
/// kept, and of a URL's query no value whose name says that it is a secret (key, token, ...).
std::string cassette_line(const CassetteEntry& entry);

/// Throws `ErrorCode::data` for a line that is none, `ErrorCode::unsupported` for one of a later version.
CassetteEntry parse_cassette_line(std::string_view line);

/// Equal for requests that count as the same one.
std::string cassette_key(std::string_view method, std::string_view url, std::string_view body);

/// The URL with "-" for what its query names a secret.
std::string url_without_secrets(std::string_view url);

}  // namespace coppice
