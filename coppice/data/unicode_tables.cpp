// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/unicode_tables.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace coppice::unicode_tables {
namespace {

/// A value for each code point: equal runs of values are stored once, and so are equal runs of their places.
template <class Value>
struct Table {
  const uint16_t* top;     ///< code point >> (leaf_bits + middle_bits) -> which run of places
  const uint16_t* middle;  ///< places of leaves
  const Value* leaves;
  uint32_t middle_bits;
  uint32_t leaf_bits;

  /// `c` at most U+10FFFF.
  Value operator[](char32_t c) const noexcept {
    const uint32_t run = c >> leaf_bits;
    const size_t place = size_t{top[run >> middle_bits]} << middle_bits | (run & ((1U << middle_bits) - 1));
    return leaves[size_t{middle[place]} << leaf_bits | (c & ((1U << leaf_bits) - 1))];
  }
};

/// A pair of characters and the one they make.
template <class Code>
struct Composition {
  Code first, second, composed;
};

// Defines kKinds, kCombiningClasses, kNfkc, kFold (Table), kSequences, kCompositions and kFarCompositions.
#include "unicode_tables.inc"

// A kind: the class, and these.
constexpr uint8_t kClass = 7;
constexpr uint8_t kFirst = 8;
constexpr uint8_t kSecond = 16;

// Hangul syllables are composed by arithmetic. Source: The Unicode Standard 15.0, section 3.12.
constexpr char32_t kSyllables = 0xAC00, kLeading = 0x1100, kVowels = 0x1161, kTrailing = 0x11A7;
constexpr uint32_t kVowelCount = 21, kTrailingCount = 28, kLeadingCount = 19;
constexpr uint32_t kSyllableCount = kLeadingCount * kVowelCount * kTrailingCount;

bool is_leading(char32_t c) noexcept {
  return c - kLeading < kLeadingCount;
}
bool is_vowel(char32_t c) noexcept {
  return c - kVowels < kVowelCount;
}
bool is_trailing(char32_t c) noexcept {
  return c - kTrailing - 1 < kTrailingCount - 1;
}
bool is_syllable(char32_t c) noexcept {
  return c - kSyllables < kSyllableCount;
}
bool is_open_syllable(char32_t c) noexcept {
  return is_syllable(c) && (c - kSyllables) % kTrailingCount == 0;
}

void decompose_syllable(char32_t c, std::vector<char32_t>& out) {
  const uint32_t index = c - kSyllables;
  out.push_back(kLeading + index / (kVowelCount * kTrailingCount));
  out.push_back(kVowels + index / kTrailingCount % kVowelCount);
  if (index % kTrailingCount != 0) out.push_back(kTrailing + index % kTrailingCount);
}

/// What the pair makes by the table, which ascends by pairs; or 0.
template <class Code, size_t n>
char32_t find(const Composition<Code> (&table)[n], char32_t first, char32_t second) noexcept {
  const auto before = [](const Composition<Code>& entry, const std::pair<char32_t, char32_t>& wanted) {
    return entry.first != wanted.first ? entry.first < wanted.first : entry.second < wanted.second;
  };
  const auto* const found = std::lower_bound(std::begin(table), std::end(table), std::pair(first, second), before);
  return found != std::end(table) && found->first == first && found->second == second ? found->composed : 0;
}

}  // namespace

CharClass char_class(char32_t c) noexcept {
  return static_cast<CharClass>(kKinds[c] & kClass);
}

uint8_t combining_class(char32_t c) noexcept {
  return kCombiningClasses[c];
}

bool composes_as_first(char32_t c) noexcept {
  return (kKinds[c] & kFirst) != 0 || is_leading(c) || is_open_syllable(c);
}

bool composes_as_second(char32_t c) noexcept {
  return (kKinds[c] & kSecond) != 0 || is_vowel(c) || is_trailing(c);
}

char32_t compose(char32_t first, char32_t second) noexcept {
  if (is_leading(first) && is_vowel(second)) {
    return kSyllables + ((first - kLeading) * kVowelCount + (second - kVowels)) * kTrailingCount;
  }
  if (is_open_syllable(first) && is_trailing(second)) return first + (second - kTrailing);
  if ((kKinds[first] & kFirst) == 0 || (kKinds[second] & kSecond) == 0) return 0;
  const bool far = first > 0xFFFF || second > 0xFFFF;  // no such pair makes a character below
  return far ? find(kFarCompositions, first, second) : find(kCompositions, first, second);
}

void decompose(char32_t c, Normalization normalization, std::vector<char32_t>& out) {
  if (is_syllable(c)) return decompose_syllable(c, out);
  uint16_t place = normalization == Normalization::fold ? kFold[c] : uint16_t{0};
  if (place == 0) place = kNfkc[c];  // what folding leaves as it is
  if (place == 0) return out.push_back(c);
  const uint16_t* units = kSequences + place;
  for (const uint16_t* const end = units + units[-1]; units < end; ++units) {
    char32_t part = *units;  // UTF-16
    if (part >= 0xD800 && part < 0xDC00) part = 0x10000 + ((part - 0xD800) << 10) + (*++units - 0xDC00U);
    out.push_back(part);
  }
}

}  // namespace coppice::unicode_tables
