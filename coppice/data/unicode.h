// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// What a character is to a tokenizer.
enum class CharClass : uint8_t {
  space,        ///< white space and control characters, U+FFFD
  letter,       ///< L*, and connectors such as "_" (Pc), so that identifiers stay whole
  number,       ///< N*
  mark,         ///< M*: belongs to the character before it
  punctuation,  ///< P* but Pc
  symbol,       ///< Sm, Sc, Sk
  pictograph,   ///< So, emoji modifiers, and code points that this Unicode version does not know (newer emoji)
  ideograph     ///< letters of scripts written without spaces: Han, kana, Bopomofo, Yi, Thai, Lao, Khmer, Myanmar, Tai
};
inline constexpr size_t kCharClasses = 8;

/// What happens to characters before they are split.
enum class Normalization : uint8_t {
  fold,  ///< NFKC and case folding, default-ignorable code points dropped (Unicode's NFKC_Casefold)
  nfkc,  ///< NFKC alone
  none   ///< as they are
};

inline constexpr char32_t kReplacement = 0xFFFD;

/// One decoded character and the bytes it took.
struct Decoded {
  char32_t code_point;
  uint32_t size;
};

/// Decodes the character at `text[at]`, `at` < size. An invalid sequence gives U+FFFD and consumes its longest valid
/// beginning (Unicode 15, section 3.9, "maximal subparts"), at least one byte.
Decoded decode_utf8(std::string_view text, size_t at) noexcept;

/// Writes a code point (at most 4 bytes) and returns how many.
uint32_t encode_utf8(char32_t code_point, char* out) noexcept;

/// How one code point is normalised, where that does not depend on its neighbours.
struct FoldedChar {
  static constexpr uint8_t kFirst = 1;    ///< may be composed with a character after it
  static constexpr uint8_t kSecond = 2;   ///< may be composed with a character before it
  static constexpr uint8_t kComplex = 4;  ///< several classes, or more than fit: use `normalize_segment`
  static constexpr size_t kMost = 12;

  uint8_t size;  ///< bytes of the result; 0 = the character vanishes
  CharClass char_class;
  uint8_t flags;
  uint8_t combining_class;  ///< of the first result character; 0 = a starter
  char bytes[kMost];
};

/// A lazily filled table of `FoldedChar`, 64 code points a page, so that a character is taken apart once, not
/// wherever it stands.
///
/// Threads: not thread-safe; one per thread. Cost: a page takes some microseconds once.
class UnicodeTable {
 public:
  explicit UnicodeTable(Normalization normalization);

  Normalization normalization() const noexcept { return normalization_; }

  const FoldedChar& operator[](char32_t code_point) {
    uint16_t page = page_of_[code_point >> 6];
    if (page == 0) [[unlikely]]
      page = fill(code_point >> 6);
    return pages_[size_t{page} * 64 + (code_point & 63)];
  }

  /// Normalises a run of code points together: decomposes, reorders marks, composes. Linear.
  /// Allocates only for runs longer than any before.
  void normalize_segment(std::vector<char32_t>& segment);

 private:
  uint16_t fill(size_t page);

  Normalization normalization_;
  std::vector<uint16_t> page_of_;  ///< 0 = not filled yet
  std::vector<FoldedChar> pages_;
  std::vector<char32_t> parts_, spare_;  ///< scratch
};

/// The class of a code point by itself.
CharClass char_class(char32_t code_point) noexcept;

/// A whole text, normalised: the plain reference path, used by tests and for names.
std::string normalize(std::string_view text, Normalization normalization);

}  // namespace coppice
