// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/slot_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coppice/tag/tagging_fixture.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;
using testing::sample_tagged_texts;
using testing::sample_tagger;

TEST(SlotCounts, FiguresFollowFromThreeCounts) {
  const SlotCounts counts{10, 8, 6};
  EXPECT_DOUBLE_EQ(counts.precision(), 75);
  EXPECT_DOUBLE_EQ(counts.recall(), 60);
  EXPECT_DOUBLE_EQ(counts.f1(), 100 * 2 * 0.75 * 0.6 / (0.75 + 0.6));
  EXPECT_EQ(SlotCounts{}.precision(), 0);
  EXPECT_EQ(SlotCounts{}.recall(), 0);
  EXPECT_EQ(SlotCounts{}.f1(), 0);
}

/// The tagger finds all slots of the sample: what is called wrong here is what the texts say.
TEST(SlotMetrics, ASlotCountsOnlyWithItsTypeAndBothEnds) {
  const Tagger tagger = sample_tagger();
  TaggedTexts texts = sample_tagged_texts(1, 1);
  texts.slot_names.push_back("unknown");
  texts.rows.clear();
  const auto add = [&](std::string text, std::vector<Slot> slots) { texts.rows.push_back({text, slots, ""}); };
  add("play something by miles davis", {{0, 18, 29}});
  add("play something by miles davis", {{0, 18, 23}});
  add("play something by miles davis", {{1, 18, 29}});
  add("play something by miles davis", {{3, 0, 4}, {0, 18, 29}});
  add("book a table in oslo at noon", {{1, 16, 20}});
  ThreadPool pool(1);
  const SlotMetrics metrics = evaluate_tagger(tagger, texts, pool);
  EXPECT_EQ(metrics.n_texts, 5u);
  EXPECT_EQ(metrics.n_right_texts, 1u);
  EXPECT_EQ(metrics.all.there, 6u);
  EXPECT_EQ(metrics.all.found, 6u);
  EXPECT_EQ(metrics.all.right, 3u);
  EXPECT_EQ(metrics.by_type[0].found, 4u);
  EXPECT_EQ(metrics.by_type[0].right, 2u);
  EXPECT_EQ(metrics.by_type[2].found, 1u);
  EXPECT_EQ(metrics.by_type[3].there, 1u);
}

TEST(SlotMetrics, AreTheSameForAnyNumberOfThreads) {
  const Tagger tagger = sample_tagger();
  TaggedTexts texts = sample_tagged_texts(300, 5);
  for (size_t i = 0; i < texts.rows.size(); i += 3) texts.rows[i].slots.clear();
  ThreadPool one(1), seven(7);
  EXPECT_EQ(to_json(evaluate_tagger(tagger, texts, one)), to_json(evaluate_tagger(tagger, texts, seven)));
}

TEST(SlotMetrics, AreShownByTypeInTheOrderOfTheirNames) {
  SlotMetrics metrics;
  metrics.names = {"b", "a"};
  metrics.by_type = {{4, 4, 2}, {1, 1, 1}};
  metrics.all = {5, 5, 3};
  metrics.n_texts = 4;
  metrics.n_right_texts = 2;
  const std::string table = to_table(metrics);
  EXPECT_LT(table.find("\na "), table.find("\nb "));
  EXPECT_THAT(table, HasSubstr("60.00"));
  EXPECT_THAT(table, HasSubstr("2 of 4 texts have all slots right and no other"));
  EXPECT_EQ(to_json(metrics)["types"]["b"]["f1"], 50);
  EXPECT_EQ(to_json(metrics)["f1"], 60);
}

}  // namespace
}  // namespace coppice
