// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coppice {

bool is_valid_utf8(std::string_view text) noexcept;

/// How many bytes at the front of `text` are valid UTF-8: all of them, or those before the first fault.
size_t valid_utf8_bytes(std::string_view text) noexcept;

/// `text` with U+FFFD for each maximal sequence of bytes that is no UTF-8.
/// Source: The Unicode Standard 15.0, section 3.9, "substitution of maximal subparts".
std::string repair_utf8(std::string_view text);

}  // namespace coppice
