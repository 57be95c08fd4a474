// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "coppice/data/unicode.h"

namespace coppice {

/// What normalisation asks of single code points (up to U+10FFFF), out of tables that `generate_unicode` makes, when
/// the project is built, of what utf8proc knows: a hundred kilobytes, and no library to link.
namespace unicode_tables {

CharClass char_class(char32_t c) noexcept;

/// 0 = a starter.
uint8_t combining_class(char32_t c) noexcept;

/// Is there a character after (before) it that it may be composed with?
bool composes_as_first(char32_t c) noexcept;
bool composes_as_second(char32_t c) noexcept;

/// The two as one character; 0 when there is none.
char32_t compose(char32_t first, char32_t second) noexcept;

/// Appends what the character is taken apart into, fully; nothing for one that is dropped. `fold` or `nfkc`.
void decompose(char32_t c, Normalization normalization, std::vector<char32_t>& out);

}  // namespace unicode_tables
}  // namespace coppice
