// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/tokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

using namespace std::string_literals;
using Words = std::vector<std::string>;

Words tokens_of(const TokenizedText& text) {
  Words words;
  for (size_t i = 0; i < text.n_tokens; ++i) words.emplace_back(text.token(i));
  return words;
}

/// A tokenizer with its own tables, used for many texts.
struct Cutter {
  explicit Cutter(const TokenizerOptions& options) : tokenizer(options), table(options.normalization) {}

  Words operator()(std::string_view text) {
    tokenizer.tokenize(text, table, result);
    return tokens_of(result);
  }

  Tokenizer tokenizer;
  UnicodeTable table;
  TokenizedText result;
};

Words tokenize(std::string_view text, const TokenizerOptions& options = {}) {
  return Cutter(options)(text);
}

std::vector<TokenizerOptions> many_options() {
  std::vector<TokenizerOptions> all;
  for (const TokenSplit split : {TokenSplit::words, TokenSplit::whitespace, TokenSplit::space}) {
    for (const Normalization normalization : {Normalization::fold, Normalization::nfkc, Normalization::none}) {
      for (int bits = 0; bits < 8; ++bits) {
        TokenizerOptions options;
        options.split = split;
        options.normalization = normalization;
        options.punctuation = bits & 1 ? PunctuationTokens::keep : PunctuationTokens::drop;
        options.symbols = bits & 2 ? SymbolTokens::keep : SymbolTokens::pictographs;
        options.split_letters_numbers = bits & 4;
        all.push_back(options);
      }
    }
  }
  return all;
}

TEST(Tokenizer, CutsWordsAtSpaceAndPunctuationAndFoldsCase) {
  EXPECT_EQ(tokenize("Buffer overflow (ip_input.c), v2.3.1!\n"),
            (Words{"buffer", "overflow", "ip_input", "c", "v2", "3", "1"}));
  EXPECT_EQ(tokenize(""), Words{});
  EXPECT_EQ(tokenize(" \t\r\n"), Words{});
}

TEST(Tokenizer, KeepsPunctuationAndSymbolsWhenAsked) {
  TokenizerOptions options;
  options.punctuation = PunctuationTokens::keep;
  options.symbols = SymbolTokens::keep;
  EXPECT_EQ(tokenize("C++, a.b", options), (Words{"c", "+", "+", ",", "a", ".", "b"}));
  options.split_letters_numbers = true;
  EXPECT_EQ(tokenize("mp3.x86_64", options), (Words{"mp", "3", ".", "x", "86", "_", "64"}));
}

TEST(Tokenizer, TakesIdeographsOneByOneAndMarksWithTheirBase) {
  EXPECT_EQ(tokenize("\u4E2D\u6587abc\u30AB\u30E1\u30E9"),
            (Words{"\u4E2D", "\u6587", "abc", "\u30AB", "\u30E1", "\u30E9"}));
  EXPECT_EQ(tokenize("\u0E01\u0E34\u0E19"), (Words{"\u0E01\u0E34", "\u0E19"}));
  EXPECT_EQ(tokenize("\uD55C\uAD6D \uB9D0"), (Words{"\uD55C\uAD6D", "\uB9D0"}));
  TokenizerOptions runs;
  runs.cjk = CjkTokens::runs;
  EXPECT_EQ(tokenize("\u4E2D\u6587", runs), (Words{"\u4E2D\u6587"}));
}

TEST(Tokenizer, ComposesAcrossTheBorderOfAsciiAndTheRest) {
  EXPECT_EQ(tokenize("Cafe\u0301 x"), (Words{"caf\u00E9", "x"}));
  EXPECT_EQ(tokenize("a\u0323\u0302"), tokenize("a\u0302\u0323"));  // canonically equivalent
  EXPECT_EQ(tokenize("q\u0307\u0323"), (Words{"q\u0323\u0307"}));   // reordered, nothing to compose
  EXPECT_EQ(tokenize("so\u00ADft \U0001F44D\uFE0F\U0001F3FD"), (Words{"soft", "\U0001F44D", "\U0001F3FD"}));
}

TEST(Tokenizer, TurnsInvalidBytesIntoGaps) {
  EXPECT_EQ(tokenize("ab\xFF"
                     "cd\xC3"),
            (Words{"ab", "cd"}));
  EXPECT_EQ(tokenize("nul\0byte"s), (Words{"nul", "byte"}));
}

TEST(Tokenizer, SplitsPreTokenizedTextAtWhiteSpaceOnly) {
  TokenizerOptions options;
  options.split = TokenSplit::whitespace;
  EXPECT_EQ(tokenize("Foo, (bar)\tbaz\u00A0\u00DCber", options), (Words{"foo,", "(bar)", "baz", "\u00FCber"}));
  options.split = TokenSplit::space;
  options.normalization = Normalization::none;
  EXPECT_EQ(tokenize("Foo,  bar\tbaz \xFF", options), (Words{"Foo,", "bar\tbaz", "\xFF"}));
}

TEST(Tokenizer, VectorLoopAgreesWithPlainLoopOnEveryLength) {
  Random random(7);
  const std::string alphabet = "abzAZ019_ ,.+-\t\n\x7F$'";
  for (const TokenizerOptions& options : many_options()) {
    const Tokenizer tokenizer(options);
    UnicodeTable table(options.normalization);
    for (size_t length = 0; length < 200; length += 1 + length / 40) {
      std::string text;
      for (size_t i = 0; i < length; ++i) text += alphabet[random.below(static_cast<uint32_t>(alphabet.size()))];
      TokenizedText fast, any;
      tokenizer.tokenize(text, table, fast);
      tokenizer.tokenize_any(text, table, any);
      ASSERT_EQ(tokens_of(fast), tokens_of(any)) << testing::PrintToString(text);
    }
  }
}

/// Normalises the text as a whole first and cuts it character by character then.
Words reference(const std::string& text) {
  const std::string folded = normalize(text, Normalization::fold);
  Words words;
  bool open = false, single = false;
  for (size_t at = 0; at < folded.size();) {
    const Decoded decoded = decode_utf8(folded, at);
    const std::string character = folded.substr(at, decoded.size);
    at += decoded.size;
    const CharClass c = char_class(decoded.code_point);
    const bool is_single = c == CharClass::ideograph || c == CharClass::pictograph;
    const bool gap = c == CharClass::space || c == CharClass::punctuation || c == CharClass::symbol;
    if (gap) {
      open = false;
    } else if (open && (c == CharClass::mark || (!is_single && !single))) {
      words.back() += character;
    } else {
      words.push_back(character);
      open = true;
      single = is_single;
    }
  }
  return words;
}

TEST(Tokenizer, NormalizesOnTheFlyAsIfTheWholeTextWereNormalizedFirst) {
  const char32_t interesting[] = {U'a',   U'E',   U' ',   U',',    U'1',    0xE9,   0x301,  0x302,  0x323,  0x327,
                                  0x344,  0x1100, 0x1161, 0x11A8,  0xAC00,  0x9C7,  0x9BE,  0xBC6,  0xBBE,  0x3099,
                                  0xFF76, 0xFF9E, 0x304B, 0xDF,    0x130,   0x1E9E, 0x2126, 0xFB03, 0xFDFA, 0xBD,
                                  0x200D, 0xAD,   0xFE0F, 0x1F600, 0x1F3FD, 0x4E2D, 0xE01,  0xE34,  0xE48,  0x94D,
                                  0x93C,  0x915,  0x345,  0x3B1,   0x313,   0x390,  0x338,  0x3000, 0xFFFD, 0xE40};
  Random random(3);
  Cutter cut({});
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    const uint32_t length = 1 + random.below(9);
    for (uint32_t i = 0; i < length; ++i) {
      char bytes[4];
      text.append(bytes, encode_utf8(interesting[random.below(std::size(interesting))], bytes));
    }
    ASSERT_EQ(cut(text), reference(text)) << testing::PrintToString(text) << " round " << round;
  }
}

TEST(Tokenizer, SurvivesRandomBytes) {
  Random random(5);
  for (const TokenizerOptions& options : many_options()) {
    Cutter cut(options);
    for (int round = 0; round < 50; ++round) {
      std::string text;
      for (uint32_t i = random.below(100); i > 0; --i) text += static_cast<char>(random.below(256));
      for (const std::string& word : cut(text)) ASSERT_FALSE(word.empty());
    }
  }
}

TEST(Tokenizer, TakesTenMillionCharactersWithoutAHitch) {
  EXPECT_EQ(tokenize(std::string(10'000'000, 'x')).size(), 1u);
  std::string marks = "a";
  for (int i = 0; i < 500'000; ++i) marks += i % 2 == 0 ? "\u0301" : "\u0323";
  EXPECT_EQ(tokenize(marks).size(), 1u);
}

TEST(Tokenizer, RefusesATextTooLargeForItsPlaces) {
  const std::string_view huge("x", Tokenizer::kMostBytes + 1);  // never read
  EXPECT_THROW(tokenize(huge), Error);
}

}  // namespace
}  // namespace coppice
