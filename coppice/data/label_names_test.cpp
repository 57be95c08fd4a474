// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/label_names.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/core/error.h"
#include "coppice/data/label_index.h"

namespace coppice {
namespace {

TEST(LabelNames, EachNameIsFoundAtItsPlace) {
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) names.push_back("label " + std::to_string(i * 17));
  const LabelNames labels = LabelNames::from(names);
  ASSERT_EQ(labels.size(), names.size());
  for (uint32_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(labels.name(i), names[i]);
    EXPECT_EQ(labels.find(names[i]), i);
  }
  EXPECT_EQ(labels.find("label 1"), std::nullopt);
  EXPECT_GE(labels.slots().size(), 2 * labels.size());
}

TEST(LabelNames, NoNamesFindNothing) {
  EXPECT_EQ(LabelNames().size(), 0u);
  EXPECT_EQ(LabelNames().find("a"), std::nullopt);
  EXPECT_EQ(LabelNames().name(0), "");
  EXPECT_EQ(LabelNames::from({}).size(), 0u);
}

TEST(LabelNames, OfRepeatedNamesTheFirstIsFound) {
  const LabelNames labels = LabelNames::from({"a", "b", "a", ""});
  EXPECT_EQ(labels.size(), 4u);
  EXPECT_EQ(labels.find("a"), 0u);
  EXPECT_EQ(labels.name(2), "a");
  EXPECT_EQ(labels.find(""), 3u);
  EXPECT_TRUE(labels.is_repeated("a"));
  for (const char* once_or_never : {"b", "", "c"}) EXPECT_FALSE(labels.is_repeated(once_or_never)) << once_or_never;
}

TEST(LabelNames, OfAnyNumberOfEqualNamesTwoAreInTheTable) {
  std::vector<std::string> names(40'000, "same");
  names[20'000] = "other";
  const LabelNames labels = LabelNames::from(names);
  EXPECT_EQ(labels.size(), names.size());
  EXPECT_EQ(labels.find("same"), 0u);
  EXPECT_EQ(labels.find("other"), 20'000u);
  EXPECT_TRUE(labels.is_repeated("same"));
  EXPECT_FALSE(labels.is_repeated("other"));
  const auto free = static_cast<size_t>(std::count(labels.slots().begin(), labels.slots().end(), 0u));
  EXPECT_EQ(labels.slots().size() - free, 3u);
  EXPECT_EQ(LabelIndex(labels).names().slots().size(), labels.slots().size());
}

TEST(LabelNames, DamagedArraysNeitherReadOutsideNorLoop) {
  const std::vector<char> bytes{'a', 'b'};
  const LabelNames full(bytes, std::vector<uint64_t>{0, 9, 1, 2}, std::vector<uint32_t>(8, 4'000'000'000u));
  EXPECT_EQ(full.find("a"), std::nullopt);
  EXPECT_EQ(full.name(0), "");
  EXPECT_EQ(full.name(1), "");
  EXPECT_EQ(full.name(2), "b");
  EXPECT_EQ(full.name(3), "");
  const LabelNames odd(bytes, std::vector<uint64_t>{0, 1, 2}, std::vector<uint32_t>{2, 2, 1});
  EXPECT_EQ(odd.find("a"), 0u);
}

TEST(LabelIndex, NamesGetIdsInTheOrderOfTheirFirstAppearance) {
  LabelIndex index;
  EXPECT_EQ(index.add("b"), 0u);
  EXPECT_EQ(index.add("a"), 1u);
  EXPECT_EQ(index.add("b"), 0u);
  EXPECT_EQ(index.size(), 2u);
  EXPECT_EQ(index.n_known(), 0u);
  EXPECT_EQ(index.names().name(1), "a");
}

TEST(LabelIndex, LabelsThatAModelDoesNotKnowComeBehindItsOwn) {
  LabelIndex index(LabelNames::from({"a", "b"}));
  EXPECT_EQ(index.add("b"), 1u);
  EXPECT_EQ(index.add("new"), 2u);
  EXPECT_EQ(index.add("new"), 2u);
  EXPECT_EQ(index.n_known(), 2u);
  EXPECT_EQ(index.n_unseen(), 1u);
  EXPECT_EQ(index.size(), 3u);
}

TEST(LabelIndex, NoNameTakesTheIdOfALabelThatIsKnownByNumber) {
  LabelIndex index(LabelNames(), 10);
  EXPECT_THROW(index.add("a"), Error);
  EXPECT_EQ(index.find("a"), std::nullopt);
}

TEST(LabelIndex, BareIdsBeyondAModelAreCountedOnceEach) {
  LabelIndex index(LabelNames(), 10);
  index.add_id(9);
  index.add_id(10);
  index.add_id(12);
  index.add_id(12);
  EXPECT_EQ(index.n_unseen(), 2u);
  EXPECT_EQ(index.size(), 13u);
  EXPECT_FALSE(index.has_names());
}

}  // namespace
}  // namespace coppice
