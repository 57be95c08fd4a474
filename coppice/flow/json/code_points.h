// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace coppice {

/// One character of UTF-8, or one byte that is none.
struct CodePoint {
  uint32_t value = 0xFFFD;
  uint32_t n_bytes = 1;
  bool is_valid = true;
};

/// The first of a text that is not empty. What is no UTF-8 (cut off, overlong, a surrogate) counts byte by byte.
CodePoint first_code_point(std::string_view text) noexcept;

/// How many there are.
size_t count_code_points(std::string_view text) noexcept;

/// The byte at which the character `index` begins, or the size of the text where it has no more than that.
size_t byte_of_code_point(std::string_view text, size_t index) noexcept;

/// Appends UTF-8. False, and nothing is appended, for what is no character: a surrogate, or above U+10FFFF.
bool append_code_point(uint32_t value, std::string& text);

/// Characters that separate words, in any script.
bool is_space(uint32_t value) noexcept;
/// What Python's \w matches: letters, digits and the underscore, in any script.
bool is_word_character(uint32_t value) noexcept;

/// Character by character; a sharp s becomes SS, other letters stay one.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
void append_lower(uint32_t value, std::string& text);
void append_upper(uint32_t value, std::string& text);

}  // namespace coppice
