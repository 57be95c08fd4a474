// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/unicode_tables.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace coppice {
namespace {

utf8proc_option_t options_of(Normalization normalization) {
  int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
  if (normalization == Normalization::fold) options |= UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
  return static_cast<utf8proc_option_t>(options);
}

/// What utf8proc makes of a text.
std::vector<char32_t> witness(const std::vector<char32_t>& text, Normalization normalization) {
  std::string bytes;
  char one[4];
  for (const char32_t c : text) bytes.append(one, encode_utf8(c, one));
  utf8proc_uint8_t* mapped = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                                 static_cast<utf8proc_ssize_t>(bytes.size()), &mapped, options_of(normalization));
  EXPECT_GE(size, 0);
  bytes.assign(reinterpret_cast<const char*>(mapped), static_cast<size_t>(std::max<utf8proc_ssize_t>(size, 0)));
  std::free(mapped);
  std::vector<char32_t> result;
  for (size_t at = 0; at < bytes.size();) {
    const Decoded decoded = decode_utf8(bytes, at);
    result.push_back(decoded.code_point);
    at += decoded.size;
  }
  return result;
}

std::vector<char32_t> normalized(std::vector<char32_t> text, UnicodeTable& table) {
  table.normalize_segment(text);
  return text;
}

bool is_surrogate(char32_t c) {
  return c >= 0xD800 && c <= 0xDFFF;
}

TEST(UnicodeTables, TakeEveryCodePointApartAsUtf8procDoes) {
  std::vector<char32_t> parts;
  for (const Normalization normalization : {Normalization::nfkc, Normalization::fold}) {
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
      utf8proc_int32_t expected[64];
      int boundary = 0;
      const auto count =
          utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), expected, 64, options_of(normalization), &boundary);
      parts.clear();
      unicode_tables::decompose(c, normalization, parts);
      ASSERT_EQ(parts, std::vector<char32_t>(expected, expected + count)) << static_cast<uint32_t>(c);
    }
  }
}

TEST(UnicodeTables, KnowEveryCombiningClassAndWhatComposes) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const utf8proc_property_t& property = *utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
    ASSERT_EQ(unicode_tables::combining_class(c), property.combining_class) << static_cast<uint32_t>(c);
    const bool hangul = (c >= 0x1100 && c <= 0x11FF) || (c >= 0xAC00 && c <= 0xD7A3);
    if (hangul) continue;  // by arithmetic, in utf8proc, too
    ASSERT_EQ(unicode_tables::composes_as_first(c), property.comb_index < 0x8000) << static_cast<uint32_t>(c);
    ASSERT_EQ(unicode_tables::composes_as_second(c), property.comb_index >= 0x8000 && property.comb_index != 0xFFFF)
        << static_cast<uint32_t>(c);
  }
}

TEST(UnicodeTables, TellTheClassOfEveryCategory) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const std::string category = utf8proc_category_string(static_cast<utf8proc_int32_t>(c));
    const CharClass got = char_class(c);
    const auto is = [&](CharClass expected) { EXPECT_EQ(got, expected) << static_cast<uint32_t>(c); };
    if (category[0] == 'M') is(CharClass::mark);
    if (category == "Nd" || category == "No") is(CharClass::number);
    if (category == "Pc") is(CharClass::letter);
    if (category[0] == 'Z') is(CharClass::space);
    if (category[0] == 'L' && got != CharClass::ideograph) is(CharClass::letter);
  }
}

TEST(UnicodeTables, NormalizeEveryCharacterAloneAsUtf8procDoes) {
  for (const Normalization normalization : {Normalization::nfkc, Normalization::fold}) {
    UnicodeTable table(normalization);
    for (char32_t c = 1; c < 0x30000; ++c) {
      if (is_surrogate(c)) continue;
      ASSERT_EQ(normalized({c}, table), witness({c}, normalization)) << static_cast<uint32_t>(c);
    }
  }
}

/// Characters that meet: letters with several marks, jamo, syllables, ideographs, what is dropped.
char32_t drawn(std::mt19937& random) {
  static constexpr std::pair<char32_t, char32_t> kBlocks[] = {
      {0x41, 0x7A},       {0xC0, 0x24F},      {0x300, 0x36F},     {0x300, 0x36F},     {0x370, 0x3FF},
      {0x591, 0x5C7},     {0x610, 0x6ED},     {0x900, 0x9FF},     {0xB80, 0xDFF},     {0x1000, 0x109F},
      {0x1100, 0x1112},   {0x1161, 0x1175},   {0x11A8, 0x11C2},   {0x1AB0, 0x1AFF},   {0x1E00, 0x1FFF},
      {0x2000, 0x206F},   {0x3040, 0x30FF},   {0xAC00, 0xD7A3},   {0xFB1D, 0xFB4F},   {0xFF00, 0xFFEF},
      {0x11080, 0x110BF}, {0x11300, 0x1137F}, {0x1D15E, 0x1D1FF}, {0x2F800, 0x2FA1D}, {0xE0000, 0xE01EF}};
  const auto& [first, last] = kBlocks[random() % std::size(kBlocks)];
  return first + static_cast<char32_t>(random() % (last - first + 1));
}

TEST(UnicodeTables, NormalizeRandomTextsAsUtf8procDoes) {
  std::mt19937 random(7);
  for (const Normalization normalization : {Normalization::nfkc, Normalization::fold}) {
    UnicodeTable table(normalization);
    for (int i = 0; i < 60000; ++i) {
      std::vector<char32_t> text(1 + random() % 8);
      for (char32_t& c : text) c = drawn(random);
      ASSERT_EQ(normalized(text, table), witness(text, normalization)) << i;
    }
  }
}

TEST(UnicodeTables, SortLongRunsOfMarksAsShortOnes) {
  std::mt19937 random(11);
  std::vector<char32_t> text{U'e'};
  for (int i = 0; i < 400; ++i) text.push_back(0x300 + static_cast<char32_t>(random() % 0x70));
  UnicodeTable table(Normalization::fold);
  EXPECT_EQ(normalized(text, table), witness(text, Normalization::fold));
}

}  // namespace
}  // namespace coppice
