// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/unicode.h"

#include <gtest/gtest.h>

#include <string>

namespace coppice {
namespace {

using namespace std::string_literals;

TEST(Utf8, DecodesEveryCodePointAsEncoded) {
  for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x11000 ? 1 : 97) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    char bytes[4];
    const uint32_t size = encode_utf8(c, bytes);
    const Decoded decoded = decode_utf8({bytes, size}, 0);
    ASSERT_EQ(decoded.code_point, c);
    ASSERT_EQ(decoded.size, size);
  }
}

TEST(Utf8, ReplacesMaximalSubpartsOfInvalidSequences) {
  // Each entry: bytes, and how many replacement characters Unicode 15, table 3-8 ff., asks for.
  const std::pair<std::string, int> cases[] = {{"\xC0\xAF"s, 2},     {"\xE0\x9F\x80"s, 3},
                                               {"\xED\xA0\x80"s, 3}, {"\xF4\x91\x92\x93"s, 4},
                                               {"\xFF"s, 1},         {"\xE1\x80\xE2\xF0\x91\x92"s, 3},
                                               {"\x80"s, 1},         {"\xC2"s, 1},
                                               {"\xF0\x90\x80"s, 1}};
  for (const auto& [bytes, expected] : cases) {
    int count = 0;
    for (size_t at = 0; at < bytes.size(); ++count) {
      const Decoded decoded = decode_utf8(bytes, at);
      EXPECT_EQ(decoded.code_point, kReplacement);
      at += decoded.size;
    }
    EXPECT_EQ(count, expected) << testing::PrintToString(bytes);
  }
}

TEST(CharClass, SeparatesLettersNumbersMarksPunctuationAndSymbols) {
  EXPECT_EQ(char_class(U'a'), CharClass::letter);
  EXPECT_EQ(char_class(U'_'), CharClass::letter);
  EXPECT_EQ(char_class(U'\u00E9'), CharClass::letter);
  EXPECT_EQ(char_class(U'7'), CharClass::number);
  EXPECT_EQ(char_class(U'\u0664'), CharClass::number);  // Arabic-Indic four
  EXPECT_EQ(char_class(U'\u0301'), CharClass::mark);
  EXPECT_EQ(char_class(U'!'), CharClass::punctuation);
  EXPECT_EQ(char_class(U'\u3002'), CharClass::punctuation);
  EXPECT_EQ(char_class(U'+'), CharClass::symbol);
  EXPECT_EQ(char_class(U'\U0001F600'), CharClass::pictograph);
  EXPECT_EQ(char_class(U'\U0001F3FD'), CharClass::pictograph);
  EXPECT_EQ(char_class(U'\u4E2D'), CharClass::ideograph);
  EXPECT_EQ(char_class(U'\u30AB'), CharClass::ideograph);
  EXPECT_EQ(char_class(U'\uD55C'), CharClass::letter);  // Hangul is written with spaces
  EXPECT_EQ(char_class(U'\u0E01'), CharClass::ideograph);
  EXPECT_EQ(char_class(U'\t'), CharClass::space);
  EXPECT_EQ(char_class(U'\u00A0'), CharClass::space);
  EXPECT_EQ(char_class(kReplacement), CharClass::space);
}

TEST(Normalize, FoldsCompatibilityFormsCaseAndInvisibleCharacters) {
  EXPECT_EQ(normalize("Stra\u00DFe", Normalization::fold), "strasse");
  EXPECT_EQ(normalize("\uFF21\uFF22\uFF13", Normalization::fold), "ab3");
  EXPECT_EQ(normalize("\u338F", Normalization::fold), "kg");
  EXPECT_EQ(normalize("soft\u00ADhyphen", Normalization::fold), "softhyphen");
  EXPECT_EQ(normalize("E\u0301", Normalization::fold), "\u00E9");
  EXPECT_EQ(normalize("E\u0301", Normalization::nfkc), "\u00C9");
  EXPECT_EQ(normalize("E\u0301", Normalization::none), "E\u0301");
  EXPECT_EQ(normalize("\u1112\u1161\u11AB", Normalization::fold), "\uD55C");  // Hangul jamo compose
  EXPECT_EQ(normalize("\uFF76\uFF9E", Normalization::fold), "\u30AC");        // half-width ka + voiced mark
}

TEST(UnicodeTable, AgreesWithNormalizingEachCodePointAlone) {
  UnicodeTable table(Normalization::fold);
  for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x3400 ? 1 : 131) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const FoldedChar folded = table[c];
    if (folded.flags & FoldedChar::kComplex) continue;
    char bytes[4];
    const std::string expected = normalize({bytes, encode_utf8(c, bytes)}, Normalization::fold);
    ASSERT_EQ(std::string(folded.bytes, folded.size), expected) << static_cast<uint32_t>(c);
  }
}

}  // namespace
}  // namespace coppice
