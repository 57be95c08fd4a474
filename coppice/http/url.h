// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice {

/// The parts of an absolute URL of the schemes http and https (RFC 3986).
struct Url {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< without the brackets of IPv6
  uint16_t port = 0;   ///< 80 or 443 where the URL names none
  std::string target;  ///< path and query, "/" at least; a fragment is left out

  /// As the header Host names it: with brackets, without a port that goes without saying.
  std::string authority() const;
};

/// Throws `ErrorCode::usage` for another scheme, no host, a name and password in it (they would come into logs), or
/// characters that stand in no URL.
Url parse_url(std::string_view text);

/// "base/v1" and "chat/completions" give "base/v1/chat/completions", whatever slashes stand at the seam.
std::string join_url(std::string_view base, std::string_view path);

/// RFC 3986, section 2.1: what is not unreserved becomes %XX.
std::string percent_encode(std::string_view text);
/// Throws `ErrorCode::data` for a % without two digits.
std::string percent_decode(std::string_view text);

}  // namespace coppice
