// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace coppice {

/// "Sun, 06 Nov 1994 08:49:37 GMT", as headers have it. Source: RFC 9110, section 5.6.7.
std::string http_date(std::chrono::system_clock::time_point time);

/// The same back, and the two obsolete forms that a recipient has to understand; nothing where it is none.
std::optional<std::chrono::system_clock::time_point> parse_http_date(std::string_view text);

}  // namespace coppice
