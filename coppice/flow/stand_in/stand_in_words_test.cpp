// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_words.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "coppice/flow/stand_in/stand_in_pattern.h"

namespace coppice {
namespace {

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

TEST(StandInWords, ATokenIsFourBytesTheLastOneWhatIsLeft) {
  EXPECT_EQ(stand_in_tokens(""), 0);
  EXPECT_EQ(stand_in_tokens("a"), 1);
  EXPECT_EQ(stand_in_tokens("abcd"), 1);
  EXPECT_EQ(stand_in_tokens("abcde"), 2);
}

TEST(StandInWords, NoTokenEndsInTheMiddleOfACharacter) {
  for (const std::string text : {"plain text", "üöäßüöäßü", "日本語の文章です", "a😀b😀😀😀c", "é", ""}) {
    std::string joined;
    const uint64_t n = stand_in_tokens(text);
    for (uint64_t i = 0; i < n; ++i) {
      const size_t begin = stand_in_token_begin(text, i), end = stand_in_token_begin(text, i + 1);
      ASSERT_LT(begin, end) << text;
      const std::string token = text.substr(begin, end - begin);
      EXPECT_NO_THROW(nlohmann::json(token).dump()) << text;  // throws for what is no UTF-8
      joined += token;
      EXPECT_EQ(stand_in_tokens(joined), i + 1) << text;
    }
    EXPECT_EQ(joined, text);
    EXPECT_EQ(stand_in_token_begin(text, n + 5), text.size());
  }
}

TEST(StandInWords, BytesThatAreNoUtf8AreCutSomewhereAndEnd) {
  const std::string text(100, '\x80');
  for (uint64_t i = 0; i < 30; ++i) EXPECT_LE(stand_in_token_begin(text, i), stand_in_token_begin(text, i + 1));
}

TEST(StandInWords, KeywordsAreWhatATextIsAbout) {
  const auto words =
      stand_in_keywords("Please describe the Garden of roses: a garden with 12 roses, and a wall. Garden!", 3);
  EXPECT_EQ(words, (std::vector<std::string>{"garden", "roses", "describe"}));
  EXPECT_TRUE(stand_in_keywords("", 5).empty());
  EXPECT_TRUE(stand_in_keywords("the and 12 of - + !", 5).empty());
  EXPECT_EQ(stand_in_keywords("Über über", 5).size(), 2) << "case is folded in ASCII alone";
}

TEST(StandInWords, AWriterWritesTheSameFromTheSameDraws) {
  const std::vector<std::string> words{"rose", "wall", "stone"};
  StandInWriter one(words, Random(5)), other(words, Random(5)), third(words, Random(6)), empty({}, Random(5));
  const std::string text = one.paragraph(200);
  EXPECT_EQ(text, other.paragraph(200));
  EXPECT_NE(text, third.paragraph(200));
  EXPECT_GE(stand_in_tokens(text), 200);
  EXPECT_LT(stand_in_tokens(text), 230);
  EXPECT_FALSE(empty.sentence().empty());
  EXPECT_FALSE(one.paragraph(0).empty());
}

TEST(StandInWords, SimilarTextsHaveVectorsThatAreNear) {
  const auto vector = [](std::string_view text) { return stand_in_embedding(text, 256, 1); };
  const auto rose = vector("red roses along a stone wall");
  EXPECT_NEAR(cosine(rose, rose), 1, 1e-5);
  EXPECT_GT(cosine(rose, vector("a stone wall with red roses")), 0.7);
  EXPECT_LT(cosine(rose, vector("quarterly revenue of tax offices")), 0.3);
  EXPECT_GT(cosine(vector("gardens"), vector("garden")), 0.1 + cosine(vector("gardens"), vector("violin")));
  EXPECT_NEAR(cosine(vector(""), vector("!?")), 1, 1e-6) << "texts of no words are alike";
  EXPECT_NE(rose, stand_in_embedding("red roses along a stone wall", 256, 2));
  EXPECT_EQ(stand_in_embedding("x", 1, 1).size(), 1);
}

TEST(StandInPattern, ATextOfAPatternMatchesIt) {
  Random random(3);
  for (const char* pattern :
       {"^#[0-9a-f]{6}$", "^[A-Z]{2}-\\d{3,5}$", "(red|green|blue)+", "a?b*c", "^(?:\\w+\\.)?[^a-y0-9_]x$",
        "\\$\\d+(\\.\\d{2})?", "", "x{0}", "^v[0-9]+\\.[0-9]+$", "[+-]?\\d", "[a-c-]{4}"}) {
    for (int i = 0; i < 50; ++i) {
      const auto text = stand_in_pattern_text(pattern, random);
      ASSERT_TRUE(text) << pattern;
      EXPECT_TRUE(std::regex_search(*text, std::regex(pattern))) << pattern << " " << *text;
    }
  }
}

TEST(StandInPattern, WhatItDoesNotKnowIsNoText) {
  Random random(3);
  for (const char* pattern : {"(?=a)b", "a{2", "(a", "a)", "[a", "\\", "a{5,2}", "*", "\\p{L}", "a{99999}", "[]",
                              "(((((a{60}){60}){60})))", "((((){4000}){4000}){4000})"}) {
    EXPECT_FALSE(stand_in_pattern_text(pattern, random)) << pattern;
  }
}

TEST(StandInPattern, AnyBytesEndWithoutHarm) {
  Random random(11);
  constexpr std::string_view kAlphabet = "ab()[]{}|\\*+?^$-.,019:\xC3\xA9";
  for (int i = 0; i < 20'000; ++i) {
    std::string pattern(random.below(14), ' ');
    for (char& c : pattern) c = kAlphabet[random.below(kAlphabet.size())];
    const auto text = stand_in_pattern_text(pattern, random);
    EXPECT_LE(text.value_or("").size(), 8192);
  }
}

}  // namespace
}  // namespace coppice
