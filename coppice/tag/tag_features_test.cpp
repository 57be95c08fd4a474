// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/tag_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/core/parallel.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;

constexpr TagFeatureOptions kNothing{0, 0, 0, 0, 0, 0, false};

TagFeatures features_of(const std::string& text, const TagFeatureOptions& options,
                        std::span<const Gazetteer> gazetteers = {}) {
  WordSplitter splitter;
  SplitText split;
  splitter.split(text, split);
  TagFeatureExtractor extractor;
  TagFeatures features;
  extractor.extract({options, gazetteers}, text, split, features);
  return features;
}

bool has(std::span<const KeyHash> keys, const std::string& bytes) {
  return std::ranges::find(keys, hash_tag_feature(bytes)) != keys.end();
}

std::string shape(const std::string& word) {
  std::string text;
  append_shape(word, text);
  return text;
}

TEST(TagFeatures, OfAWordAreItselfAndItsShapeAtTheLeast) {
  const TagFeatures features = features_of("Play JAZZ", kNothing);
  ASSERT_EQ(features.n_words(), 2u);
  EXPECT_EQ(features.of_word(0).size(), 2u);
  EXPECT_TRUE(has(features.of_word(0), "wFplay"));
  EXPECT_TRUE(has(features.of_word(0), "sFXx"));
  EXPECT_TRUE(has(features.of_word(1), "wFjazz"));
  EXPECT_TRUE(has(features.of_word(1), "sFX"));
  EXPECT_TRUE(features.of_text().empty());
}

TEST(TagFeatures, SeeTheWordsAroundAndTheEndsOfTheText) {
  TagFeatureOptions options = kNothing;
  options.word_window = 2;
  const TagFeatures features = features_of("a b c", options);
  EXPECT_TRUE(has(features.of_word(1), "wEa"));
  EXPECT_TRUE(has(features.of_word(1), "wD\x02"));
  EXPECT_FALSE(has(features.of_word(0), "wD\x02"));  // the nearest end says it
  EXPECT_TRUE(has(features.of_word(0), "wE\x02"));
  EXPECT_TRUE(has(features.of_word(0), "wGb"));
  EXPECT_TRUE(has(features.of_word(0), "wHc"));
  EXPECT_TRUE(has(features.of_word(2), "wG\x03"));
  EXPECT_TRUE(has(features.of_word(2), "wDa"));
}

TEST(TagFeatures, JoinPairsAndTriplesOfNeighbours) {
  TagFeatureOptions options = kNothing;
  options.pair_window = 1;
  options.triple_window = 1;
  const TagFeatures features = features_of("a b c", options);
  EXPECT_TRUE(has(features.of_word(1),
                  "pEa\x1F"
                  "b"));
  EXPECT_TRUE(has(features.of_word(1),
                  "pFb\x1F"
                  "c"));
  EXPECT_TRUE(has(features.of_word(1),
                  "tEa\x1F"
                  "b\x1F"
                  "c"));
  EXPECT_TRUE(has(features.of_word(0),
                  "pE\x02\x1F"
                  "a"));
  EXPECT_EQ(features.of_word(1).size(), 5u);
}

TEST(TagFeatures, CutAffixesBetweenCharacters) {
  TagFeatureOptions options = kNothing;
  options.prefix_chars = 2;
  options.suffix_chars = 3;
  const TagFeatures features = features_of("\xC3\xA9t\xC3\xA9", options);
  EXPECT_TRUE(has(features.of_word(0), "bF1\xC3\xA9"));
  EXPECT_TRUE(has(features.of_word(0), "bF2\xC3\xA9t"));
  EXPECT_TRUE(has(features.of_word(0), "eF2t\xC3\xA9"));
  EXPECT_TRUE(has(features.of_word(0), "eF3\xC3\xA9t\xC3\xA9"));
  EXPECT_EQ(features_of("a", options).of_word(0).size(), 4u);  // no prefix is longer than its word
}

TEST(TagFeatures, OfTheTextAreItsWordsEachOnce) {
  TagFeatureOptions options = kNothing;
  options.sentence_words = true;
  const TagFeatures features = features_of("to be or not To BE", options);
  EXPECT_EQ(features.of_text().size(), 4u);
  EXPECT_TRUE(has(features.of_text(), "aFbe"));
  EXPECT_FALSE(has(features.of_word(1), "aFbe"));
}

TEST(TagFeatures, SayWhereInAPhraseOfAGazetteerAWordAndItsNeighboursStand) {
  ThreadPool pool(1);
  const std::vector<std::string> phrases{"new york"};
  const std::vector<Gazetteer> gazetteers{make_gazetteer("city", phrases, pool)};
  const TagFeatures features = features_of("in new york now", kNothing, gazetteers);
  EXPECT_TRUE(has(features.of_word(0), "gGBcity"));
  EXPECT_TRUE(has(features.of_word(1), "gFBcity"));
  EXPECT_TRUE(has(features.of_word(1), "gGIcity"));
  EXPECT_TRUE(has(features.of_word(2), "gFIcity"));
  EXPECT_TRUE(has(features.of_word(3), "gEIcity"));
  EXPECT_EQ(features.of_word(3).size(), 3u);
}

TEST(TagFeatures, AreTheSameWhenStorageIsUsedAgain) {
  const TagFeatureOptions options;
  WordSplitter splitter;
  SplitText split;
  TagFeatureExtractor extractor;
  TagFeatures features;
  for (const std::string text : {"a long text of seven words here", "b", "", "b c"}) {
    splitter.split(text, split);
    extractor.extract({options, {}}, text, split, features);
    EXPECT_EQ(features.keys, features_of(text, options).keys);
    EXPECT_EQ(features.begin, features_of(text, options).begin);
  }
}

TEST(TagFeatures, ShapesTellCapitalsDigitsAndSigns) {
  EXPECT_EQ(shape("Davis"), "Xx");
  EXPECT_EQ(shape("McDonald"), "XxXx");
  EXPECT_EQ(shape("r2d2"), "xdxd");
  EXPECT_EQ(shape("1999"), "dddd");
  EXPECT_EQ(shape("123456"), "dddd");
  EXPECT_EQ(shape("\xC3\xA9t\xC3\xA9"), "x");
  EXPECT_EQ(shape("\xF0\x9F\x98\x80"), "u");
  EXPECT_EQ(shape("&"), "&");
}

}  // namespace
}  // namespace coppice
