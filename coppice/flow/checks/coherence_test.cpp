// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/coherence.h"

#include <gtest/gtest.h>

#include <set>

#include "coppice/core/random.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

TEST(WordsF1, CountsWordsAsOftenAsTheyOccur) {
  EXPECT_DOUBLE_EQ(words_f1({"a", "b"}, {"b", "a"}), 1);
  EXPECT_DOUBLE_EQ(words_f1({"a", "a", "b"}, {"a", "c", "c"}), 2.0 / 6);
  EXPECT_DOUBLE_EQ(words_f1({"a"}, {}), 0);
  EXPECT_DOUBLE_EQ(words_f1({}, {}), 1);
}

TEST(WordWeights, WhatIsUsualCountsForLittle) {
  const WordWeights weights({"a page", "a page with a roof", "a page"});
  EXPECT_LT(weights.of("page"), weights.of("roof"));
  EXPECT_LT(weights.of("roof"), weights.of("sun"));
  EXPECT_DOUBLE_EQ(weights.of("page"), 1);
  EXPECT_DOUBLE_EQ(WordWeights().of("page"), 1);
}

const char* const kPageText =
    "Brightleaf Solar\nYour roof in Leeds is made for Brightleaf panels. They last 25 years and give 30 kWh a day.\n"
    "Our house colour is teal, #008080.";

TEST(Coherence, BranchesThatAgreeHaveNoContradiction) {
  const Coherence found =
      coherence({{"page", kPageText}, {"image", "The teal panels of Brightleaf on a roof in Leeds, 25 years old"}});
  EXPECT_TRUE(found.contradictions.empty()) << found.contradictions[0];
  EXPECT_EQ(found.names, 1);
  EXPECT_EQ(found.numbers, 1);
  EXPECT_EQ(found.colors, 1);
  EXPECT_GT(found.terms, 0.5);
  EXPECT_DOUBLE_EQ(found.all, (found.terms + 3) / 4);
}

TEST(Coherence, ContradictionsAreTold) {
  const Coherence found =
      coherence({{"page", kPageText}, {"image", "The crimson panels of Brightlief, good for 20 years, on a roof"}});
  ASSERT_EQ(found.contradictions.size(), 3u);
  EXPECT_EQ(found.contradictions[0], "'page' writes 'brightleaf', 'image' 'brightlief'");
  EXPECT_EQ(found.contradictions[1], "'page' says 25 for 'year', 'image' 20");
  EXPECT_EQ(found.contradictions[2], "'image' has the colour crimson, 'page' none like it");
  EXPECT_EQ(found.names, 0);
  EXPECT_EQ(found.numbers, 0);
  EXPECT_EQ(found.colors, 0);
  EXPECT_LT(found.all, 0.3);
}

TEST(Coherence, RareTermsWeighMore) {
  const std::vector<Branch> common = {{"a", "page image zebra"}, {"b", "page image lion"}};
  const std::vector<Branch> rare = {{"a", "page zebra crossing"}, {"b", "image zebra crossing"}};
  EXPECT_DOUBLE_EQ(coherence(common).terms, coherence(rare).terms);
  const WordWeights weights({"page image", "page image", "page image"});
  EXPECT_LT(coherence(common, weights).terms, coherence(rare, weights).terms);
}

TEST(Coherence, WhatCannotBeComparedIsNoFigure) {
  EXPECT_EQ(coherence({}).all, 1);
  EXPECT_EQ(coherence({{"a", "one branch"}}).terms, -1);
  const Coherence found = coherence({{"a", "roof"}, {"b", ""}});
  EXPECT_EQ(found.terms, -1);
  EXPECT_EQ(found.colors, -1);
  EXPECT_EQ(found.all, 1);
  const Coherence other = coherence({{"a", "roof"}, {"b", "wall"}});
  EXPECT_EQ(other.terms, 0);
  EXPECT_EQ(other.all, 0);
}

TEST(Coherence, FiguresStayWithinTheirBounds) {
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    std::vector<Branch> branches(1 + random.below(4));
    for (Branch& branch : branches) {
      for (uint32_t n = random.below(80); n > 0; --n) branch.text += "ab A#1.,5rgb(teal)\n\xC3\xA9"[random.below(20)];
    }
    const Coherence found = coherence(branches);
    for (const double one : {found.terms, found.names, found.numbers, found.colors})
      EXPECT_TRUE(one == -1 || (one >= 0 && one <= 1 + 1e-9));
    EXPECT_TRUE(found.all >= 0 && found.all <= 1 + 1e-9);
  }
}

/// The diversity, from its definition.
double plain_diversity(const std::vector<std::string>& texts) {
  std::vector<std::set<std::string>> sets;
  for (const std::string& text : texts) {
    const std::vector<std::string> words = words_of(text);
    std::set<std::string> set;
    for (size_t i = 0; i == 0 || i + 5 <= words.size(); ++i) {
      std::string shingle;
      for (size_t j = i; j < std::min(words.size(), i + 5); ++j) shingle += words[j] + " ";
      set.insert(shingle);
    }
    sets.push_back(set);
  }
  double sum = 0;
  for (size_t i = 0; i < sets.size(); ++i) {
    for (size_t j = i + 1; j < sets.size(); ++j) {
      size_t common = 0;
      for (const std::string& one : sets[i]) common += sets[j].count(one);
      sum += static_cast<double>(common) / static_cast<double>(sets[i].size() + sets[j].size() - common);
    }
  }
  return 1 - sum * 2 / static_cast<double>(sets.size() * (sets.size() - 1));
}

std::vector<std::string> random_texts(size_t count, Random& random) {
  constexpr const char* kParts[] = {"the sun is on the roof today ", "a house with a red door ",
                                    "we save you money every day ", "one two three four five six "};
  std::vector<std::string> texts(count);
  for (std::string& text : texts) {
    for (uint32_t n = random.below(6); n > 0; --n) text += kParts[random.below(4)];
  }
  return texts;
}

TEST(Novelty, DiversityIsThatOfTheDefinition) {
  Random random(1);
  for (int i = 0; i < 50; ++i) {
    const std::vector<std::string> texts = random_texts(2 + random.below(10), random);
    EXPECT_NEAR(novelty(texts).diversity, plain_diversity(texts), 1e-12);
  }
}

TEST(Novelty, OfManyTextsItIsEstimatedWell) {
  Random random(2);
  const std::vector<std::string> texts = random_texts(150, random);
  const Novelty found = novelty(texts);
  EXPECT_TRUE(found.is_estimated);
  EXPECT_NEAR(found.diversity, plain_diversity(texts), 0.03);
}

TEST(Novelty, CopiesHaveNone) {
  const std::string text = "the sun is on the roof of your house";
  const Novelty copies = novelty({text, "The SUN is on the roof of your house!", text});
  EXPECT_EQ(copies.diversity, 0);
  EXPECT_EQ(copies.copies, 2u);
  EXPECT_DOUBLE_EQ(copies.distinct_1, 8.0 / 27);
  EXPECT_DOUBLE_EQ(copies.distinct_2, 8.0 / 24);
  const Novelty different = novelty({text, "quite another text that says nothing alike", "and a third"});
  EXPECT_EQ(different.diversity, 1);
  EXPECT_EQ(different.copies, 0u);
  EXPECT_EQ(novelty({}).diversity, 1);
  EXPECT_EQ(novelty({}).distinct_1, 0);
  EXPECT_EQ(novelty({text}).diversity, 1);
  EXPECT_EQ(novelty({"", ""}).diversity, 0);
}

}  // namespace
}  // namespace coppice
