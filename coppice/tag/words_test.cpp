// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> words_of(const std::string& text) {
  WordSplitter splitter;
  SplitText split;
  splitter.split(text, split);
  std::vector<std::string> words;
  for (const SplitText::Word& word : split.words) words.push_back(text.substr(word.begin, word.end - word.begin));
  return words;
}

std::vector<std::string> folded_of(const std::string& text) {
  WordSplitter splitter;
  SplitText split;
  splitter.split(text, split);
  std::vector<std::string> words;
  for (size_t i = 0; i < split.size(); ++i) words.emplace_back(split.folded_word(i));
  return words;
}

TEST(Words, AreRunsOfLettersAndNumbersAndSingleSigns) {
  EXPECT_THAT(words_of("Play Davis's \"Blue-Train\", at 4pm!"),
              ElementsAre("Play", "Davis", "'", "s", "\"", "Blue", "-", "Train", "\"", ",", "at", "4pm", "!"));
  EXPECT_THAT(words_of(""), ElementsAre());
  EXPECT_THAT(words_of(" \t\n"), ElementsAre());
}

TEST(Words, AreTheSameWhetherTokensStandApartOrNot) {
  EXPECT_EQ(words_of("i'd like r&b, please."), words_of("i 'd like r & b , please ."));
}

TEST(Words, KeepTheirPlacesInTheTextAsItIs) {
  const std::string text =
      "\xC2\xA0Z\xC3\xBCRICH\xE3\x80\x80\xE6\x9D\xB1\xE4\xBA\xAC";  // wide spaces before and between
  EXPECT_THAT(words_of(text), ElementsAre("Z\xC3\xBCRICH", "\xE6\x9D\xB1", "\xE4\xBA\xAC"));
  EXPECT_THAT(folded_of(text), ElementsAre("z\xC3\xBCrich", "\xE6\x9D\xB1", "\xE4\xBA\xAC"));
}

TEST(Words, AreFoldedAsWholeTextsAre) {
  for (const std::string word : {"STRASSE",
                                 "stra\xC3\x9F"
                                 "e",
                                 "u\xCC\x88"
                                 "ber",
                                 "\xEF\xAC\x81n",
                                 "\xC3\x85"
                                 "ngstr\xC3\xB6m",
                                 "\xEA\xB0\x80\xE1\x86\xA8",
                                 "so\xC2\xAD"
                                 "ft"}) {
    EXPECT_THAT(folded_of(word), ElementsAre(normalize(word, Normalization::fold))) << word;
  }
}

TEST(Words, MarksAndInvisibleCharactersBelongToTheWordBeforeThem) {
  EXPECT_THAT(words_of("e\xCC\x81t\xC3\xA9"), ElementsAre("e\xCC\x81t\xC3\xA9"));
  EXPECT_THAT(words_of("a\xE2\x80\x8D"
                       "b"),
              ElementsAre("a\xE2\x80\x8D"
                          "b"));  // zero width joiner
  EXPECT_THAT(words_of("\xE2\x80\x8D a"), ElementsAre("a"));
}

TEST(Words, ArePartedByBytesThatAreNoUtf8) {
  EXPECT_THAT(words_of("a\xFF"
                       "b\xE2\x82"),
              ElementsAre("a", "b"));
}

TEST(Words, OfAVeryLongTextAreRefused) {
  EXPECT_THROW(words_of(std::string(WordSplitter::kMostBytes + 1, 'a')), Error);
  EXPECT_EQ(words_of(std::string(WordSplitter::kMostBytes, 'a')).size(), 1u);
}

}  // namespace
}  // namespace coppice
