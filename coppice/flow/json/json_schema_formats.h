// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace coppice::schema {

/// The formats that are checked.
enum class Format { date_time, date, email, uri, uuid };

/// Nothing for a format that is let pass.
std::optional<Format> format_named(std::string_view name);
std::string_view name(Format format);

/// Source: date and date-time RFC 3339, section 5.6; email RFC 5321, section 4.1.2; uri RFC 3986; uuid RFC 4122.
bool fits(Format format, std::string_view text);

}  // namespace coppice::schema
