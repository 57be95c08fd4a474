// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coppice {

// What a line of JSON may hold, apart from the parser that reads it. Source: RFC 8259, sections 2, 6 and 7.

/// Is the token a number of JSON? 01, +1, .5 and 1. are none.
bool is_json_number(std::string_view token) noexcept;

/// The place of the first backslash that starts no escape of JSON; npos if there is none. A lone surrogate is one.
size_t find_bad_escape(std::string_view text) noexcept;

/// What stands at a place (column, from 1) where JSON has no such thing, and what it would have there.
std::string fault_at(std::string_view line, size_t column);

/// Rewrites the escapes of lone surrogates (\ud83d without its other half) to \ufffd; true if there were any.
bool replace_lone_surrogates(std::string& line);

}  // namespace coppice
