// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/words.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

using Words = std::vector<std::string>;

TEST(Words, AreFoldedAndSplitAsPeopleReadThem) {
  EXPECT_EQ(words_of("Hello,  WORLD!"), (Words{"hello", "world"}));
  EXPECT_EQ(words_of("Ann's solar-powered roof"), (Words{"ann", "s", "solar", "powered", "roof"}));
  EXPECT_EQ(words_of("4.5 kWh, 1,200 \xE2\x82\xAC and 30%."),
            (Words{"4.5", "kwh", "1,200", "\xE2\x82\xAC", "and", "30", "%"}));
  EXPECT_EQ(words_of("end. 5. Next"), (Words{"end", "5", "next"}));
  EXPECT_EQ(words_of("STRA\xC3\x9F"
                     "E"),
            words_of("strasse"));
  EXPECT_EQ(words_of("cafe\xCC\x81"), words_of("CAF\xC3\x89"));  // composed or not
  EXPECT_EQ(words_of("so\xC2\xADlar"), (Words{"solar"}));        // a soft hyphen
  EXPECT_EQ(words_of("a\xC2\xA0"
                     "b"),
            (Words{"a", "b"}));  // a no-break space
  EXPECT_EQ(words_of("\xE5\xA4\xAA\xE9\x99\xBD"), (Words{"\xE5\xA4\xAA", "\xE9\x99\xBD"}));
  EXPECT_EQ(words_of("C++ is C"), (Words{"c", "+", "+", "is", "c"}));
  EXPECT_TRUE(words_of(" -- ... \n").empty());
}

TEST(Words, BytesThatAreNoUtf8AreNoError) {
  EXPECT_EQ(words_of("a\xFF\x62\xC3"), (Words{"a", "b"}));
  EXPECT_FALSE(is_text("a\xFF"));
  EXPECT_FALSE(is_text(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_text("caf\xC3\xA9\n"));
  EXPECT_EQ(shown("a\xFF\x1B[2J"), "a? [2J");
}

TEST(Words, ALongRunOfMarksTakesNoQuadraticTime) {
  std::string text = "a";
  for (int i = 0; i < 100'000; ++i) text += i % 2 == 0 ? "\xCC\x95" : "\xCC\xA3";  // above and below in turn
  const std::clock_t begin = std::clock();
  EXPECT_EQ(words_of(text).size(), 1u);
  EXPECT_LT(std::clock() - begin, 1 * CLOCKS_PER_SEC);
}

TEST(Words, SymbolsAreNotCounted) {
  EXPECT_EQ(count_words(words_of("30 % of C++ = 2 words")), 5u);
  EXPECT_EQ(count_words({}), 0u);
}

TEST(Glob, AStarStandsForAnything) {
  EXPECT_TRUE(matches_glob("index.html", "*.html"));
  EXPECT_TRUE(matches_glob("", "*"));
  EXPECT_TRUE(matches_glob("abcbc", "a*bc"));
  EXPECT_FALSE(matches_glob("abcb", "a*bc"));
  EXPECT_FALSE(matches_glob("", "a"));
  EXPECT_TRUE(matches_glob("a", "**a**"));
  EXPECT_FALSE(matches_glob("index.html", "index"));
}

/// What a glob means, by recursion.
bool plainly_matches(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (size_t i = 0; i <= text.size(); ++i) {
      if (plainly_matches(text.substr(i), pattern.substr(1))) return true;
    }
    return false;
  }
  return !text.empty() && text[0] == pattern[0] && plainly_matches(text.substr(1), pattern.substr(1));
}

TEST(Glob, IsWhatRecursionSays) {
  Random random(3);
  for (int i = 0; i < 5000; ++i) {
    std::string text, pattern;
    for (uint32_t n = random.below(8); n > 0; --n) text += static_cast<char>('a' + random.below(2));
    for (uint32_t n = random.below(6); n > 0; --n) pattern += "ab*"[random.below(3)];
    EXPECT_EQ(matches_glob(text, pattern), plainly_matches(text, pattern)) << text << " " << pattern;
  }
}

std::optional<size_t> found(const char* phrase, const char* text) {
  return Phrase(phrase).find(words_of(text));
}

TEST(Phrase, IsFoundWordByWord) {
  EXPECT_EQ(found("solar roof", "Our SOLAR\n roof."), 1u);
  EXPECT_EQ(found("art", "party art"), 1u);
  EXPECT_FALSE(found("art", "party"));
  EXPECT_FALSE(found("solar roof", "roof solar"));
  EXPECT_FALSE(found("solar roof", ""));
  EXPECT_EQ(found("Ann Lee", "says Ann Lee's sister"), 1u);
  EXPECT_EQ(found("C++", "C and C++"), 2u);
}

TEST(Phrase, AStarStandsForPartOfAWordOrForAFewWords) {
  EXPECT_EQ(found("solar*", "the solarpanel"), 1u);
  EXPECT_FALSE(found("solar*", "a solstice"));
  EXPECT_EQ(found("save * percent", "you save up to thirty percent"), 1u);
  EXPECT_EQ(found("save * percent", "save percent"), 0u);
  EXPECT_FALSE(found("save * percent", "save one two three four five six percent"));
  EXPECT_EQ(found("a * b * c", "a x a b a x b x c"), 0u);
  EXPECT_EQ(found("* b *", "a b"), 1u);
  // The nearer of two beginnings is too far from neither end.
  EXPECT_EQ(found("a * b", "a x x x x x x a b"), 7u);
}

TEST(Phrase, NeedsAWord) {
  for (const char* text : {"", " ", "*", " * * ", "...", "-"}) EXPECT_THROW(Phrase{text}, Error) << text;
}

TEST(Shown, IsOneLineAndNotTooLong) {
  EXPECT_EQ(shown("  a \n\t b  "), "a b");
  EXPECT_EQ(shown(std::string(100, 'x'), 5), "xxxxx...");
  EXPECT_EQ(shown("\xC3\xA9\xC3\xA9\xC3\xA9", 2), "\xC3\xA9\xC3\xA9...");
  EXPECT_EQ(shown("ab  ", 2), "ab");
}

}  // namespace
}  // namespace coppice
