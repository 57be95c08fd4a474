// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/regular_expression.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

bool matches(const std::string& pattern, const std::string& text) {
  return RegularExpression(pattern).matches_in(text);
}

TEST(RegularExpression, MatchesAnywhereUnlessItIsAnchored) {
  EXPECT_TRUE(matches("b", "abc"));
  EXPECT_FALSE(matches("^b", "abc"));
  EXPECT_TRUE(matches("^a.c$", "abc"));
  EXPECT_FALSE(matches("^a.c$", "abcd"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_TRUE(matches("^$", ""));
  EXPECT_FALSE(matches("^$", "\n"));
  EXPECT_FALSE(matches("a$", "a\n"));
  EXPECT_TRUE(matches("x|^b|c$", "abc"));
}

TEST(RegularExpression, RepeatsAreCounted) {
  EXPECT_TRUE(matches("^a*$", ""));
  EXPECT_FALSE(matches("^a+$", ""));
  EXPECT_TRUE(matches("^(ab)?c$", "abc"));
  EXPECT_TRUE(matches("^a{2,3}$", "aaa"));
  EXPECT_FALSE(matches("^a{2,3}$", "aaaa"));
  EXPECT_TRUE(matches("^a{2,}$", "aaaa"));
  EXPECT_FALSE(matches("^a{3}$", "aa"));
  EXPECT_TRUE(matches("^a{0}b$", "b"));
  EXPECT_TRUE(matches("^(?:a*?)*?b{1,2}?$", "aab"));
  EXPECT_TRUE(matches("^(a|b|)*$", "abab"));
}

TEST(RegularExpression, ClassesHoldWhatTheySay) {
  EXPECT_TRUE(matches("^[a-c_\\-]+$", "ab_-"));
  EXPECT_FALSE(matches("^[^a-c]$", "b"));
  EXPECT_TRUE(matches("^[^a-c]$", "\n"));
  EXPECT_TRUE(matches("^[\\]\\\\^-]+$", "]\\^-"));
  EXPECT_TRUE(matches("^[\\d.]+$", "3.14"));
  EXPECT_TRUE(matches("^[\\Sx]$", "y"));
  EXPECT_FALSE(matches("^[\\Sx]$", " "));
  EXPECT_TRUE(matches("^[^\\S\\n]$", " "));
  EXPECT_FALSE(matches("^[^\\S\\n]$", "\n"));
  EXPECT_FALSE(matches("[]", "a"));
  EXPECT_TRUE(matches("^[^]$", "\n"));
  EXPECT_FALSE(matches("^.$", "\n"));
  EXPECT_TRUE(matches("^[-a]+$", "-a"));
}

TEST(RegularExpression, EscapesOfEcmaAreUnderstood) {
  EXPECT_TRUE(matches("^\\t\\n\\v\\f\\r\\cJ\\x41\\u0042\\u{1F600}\\ud83d\\ude00\\/\\.$", "\t\n\v\f\r\nAB😀😀/."));
  EXPECT_TRUE(matches("^\\w+\\W\\d\\D\\s\\S$", "ab_9-1x z"));
  EXPECT_FALSE(matches("^\\d$", "٣"));
  EXPECT_FALSE(matches("^\\w$", "é"));
  EXPECT_TRUE(matches("^\\s+$", "\xC2\xA0\xE2\x80\xA9\xEF\xBB\xBF\xE3\x80\x80"));
  EXPECT_TRUE(matches("^\\p{L}+\\P{L}\\p{Letter}$", "éЖ本-a"));
  EXPECT_TRUE(matches("^[\\p{Lu}\\p{Nd}]+$", "É٣"));
  EXPECT_TRUE(matches("\\bfoo\\b", "a foo."));
  EXPECT_FALSE(matches("\\bfoo\\b", "afoo"));
  EXPECT_TRUE(matches("o\\Bo", "foo"));
  EXPECT_TRUE(matches(std::string("^\\0$"), std::string(1, '\0')));
}

TEST(RegularExpression, OneCharacterIsOneHoweverManyBytesItHas) {
  EXPECT_TRUE(matches("^.{3}$", "é本😀"));
  EXPECT_TRUE(matches("^[à-ü]$", "é"));
  EXPECT_TRUE(matches("^..$", "\xFF\xFE"));  // what is no text counts byte by byte
}

TEST(RegularExpression, LookAroundAndReferencesBackAreRefused) {
  for (const char* pattern :
       {"(?=a)", "a(?!b)", "(?<=a)b", "(?<!a)b", "(a)\\1", "(?<n>a)\\k<n>", "\\p{Script=Greek}"}) {
    try {
      RegularExpression{pattern};
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported) << pattern;
    }
  }
}

TEST(RegularExpression, FaultsAreSaid) {
  for (const char* pattern :
       {"(",      ")",    "a)",  "[",    "[a",  "[b-a]", "[\\d-z]", "*",           "a**",     "a{", "a{2",
        "a{3,2}", "a{x}", "\\",  "\\a",  "\\Z", "\\x1",  "\\u12",   "\\u{110000}", "(?x)",    "}",  "]",
        "^*",     "\\c",  "\\_", "\xFF", "\\p", "\\pL",  "(?<>a)",  "\\00",        "a{99999}"}) {
    EXPECT_THROW(RegularExpression{pattern}, Error) << pattern;
  }
  EXPECT_THROW(RegularExpression("((a{100}){100}){100}"), Error);
  EXPECT_TRUE(matches("^((((){9999}){9999}){9999}|b){2}$", "b"));
  EXPECT_THROW(RegularExpression(std::string(100'000, '(')), Error);
}

TEST(RegularExpression, NoTextTakesMoreThanOnePass) {
  const std::string text(100'000, 'a');
  EXPECT_FALSE(matches("^(a+)+$", text + "b"));
  EXPECT_FALSE(matches("(a|aa)+b", text));
  EXPECT_FALSE(matches("(.*)*x", text));
  EXPECT_TRUE(matches("^(a?){50}a{50}", text));
  EXPECT_FALSE(matches("^.{1,4000}$", std::string(5'000'000, 'a')));
}

/// std::regex is the reference, on short texts, where it keeps to its stack.
TEST(RegularExpression, AgreesWithTheStandardLibrary) {
  const std::vector<std::string> atoms{"a",   "b",     "c",        ".", "[ab]", "[^a]", "\\d",    "\\w", "\\s",
                                       "\\b", "(a|b)", "(?:bc|a)", "^", "$",    "(ab)", "[a-c1]", "\\W", "(|a)"};
  const std::vector<std::string> repeats{"", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "*?", "+?", "|"};
  const std::string letters = "aabbc1 _-";
  Random random(5);
  const auto pick = [&](const auto& from) { return from[random.below(static_cast<uint32_t>(from.size()))]; };
  size_t n_matches = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string pattern;
    for (uint32_t n = random.below(5); n > 0; --n) {
      const std::string atom = pick(atoms);
      const bool is_assertion = atom == "^" || atom == "$" || atom == "\\b";
      pattern += atom + (is_assertion ? "" : pick(repeats));
    }
    std::string text;
    for (uint32_t n = random.below(7); n > 0; --n) text += pick(letters);
    const bool expected = std::regex_search(text, std::regex(pattern, std::regex::ECMAScript));
    n_matches += expected ? 1 : 0;
    ASSERT_EQ(matches(pattern, text), expected) << pattern << " in '" << text << "'";
  }
  EXPECT_GT(n_matches, 500u);
}

}  // namespace
}  // namespace coppice
