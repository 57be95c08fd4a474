// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/understanding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>

#include "coppice/core/error.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

constexpr const char* kText = "w7 york w9 window in oslo";

TEST(Understanding, IsTheBestLabelAndTheSlots) {
  const Model model(assistant_sample_parts());
  const Understanding understood = understand(model, kText);
  const NamedScore best = predict_text(model, kText).front();
  ASSERT_TRUE(understood.intent.has_value());
  EXPECT_EQ(understood.intent->name, best.name);
  EXPECT_EQ(understood.intent->score, best.score);
  Tagger::State state;
  const auto slots = model.tagger()->tag(kText, state);
  ASSERT_FALSE(slots.empty());
  ASSERT_EQ(understood.slots.size(), slots.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    EXPECT_EQ(understood.slots[i].begin, slots[i].begin);
    EXPECT_EQ(understood.slots[i].text, std::string(kText).substr(slots[i].begin, slots[i].end - slots[i].begin));
    EXPECT_EQ(understood.slots[i].name, model.tagger()->slot_names()[slots[i].type]);
  }
}

TEST(Understanding, OfATaggerAloneHasNoIntent) {
  const Understanding understood = understand(Model(tagger_sample_parts()), kText);
  EXPECT_FALSE(understood.intent.has_value());
  EXPECT_FALSE(understood.slots.empty());
}

TEST(Understanding, OfManyTextsIsThatOfEachForAnyNumberOfThreads) {
  const Model model(assistant_sample_parts());
  Examples rows;
  for (int i = 0; i < 100; ++i) rows.texts.add(std::string(kText).substr(0, static_cast<size_t>(i) % 26));
  for (const size_t threads : {1U, 2U, 7U}) {
    ThreadPool pool(threads);
    const std::vector<Understanding> all = understand(model, rows, pool);
    ASSERT_EQ(all.size(), 100u);
    for (size_t i = 0; i < all.size(); ++i) {
      const Understanding one = understand(model, rows.texts[i]);
      EXPECT_EQ(all[i].intent->label, one.intent->label);
      EXPECT_EQ(all[i].intent->score, one.intent->score);
      ASSERT_EQ(all[i].slots.size(), one.slots.size());
      for (size_t k = 0; k < one.slots.size(); ++k) EXPECT_EQ(all[i].slots[k].begin, one.slots[k].begin);
    }
  }
}

TEST(Understanding, NamesTheDomainOfTheIntentWhereItHasOne) {
  const Model model(assistant_sample_parts());
  std::set<std::optional<std::string>> met;
  for (int word = 0; word < 30; ++word) {
    const Understanding understood = understand(model, "w" + std::to_string(word) + " window");
    const auto domain = model.domains().of(understood.intent->label);
    EXPECT_EQ(understood.domain, domain ? std::optional(model.domains().names()[*domain]) : std::nullopt);
    met.insert(understood.domain);
  }
  EXPECT_GT(met.size(), 1u);
  EXPECT_FALSE(understand(Model(sample_parts()), kText).domain.has_value());
}

TEST(Understanding, OfARankerAloneHasNoSlots) {
  ModelParts parts = assistant_sample_parts();
  const Understanding both = understand(Model(parts), kText);
  parts.tagger.reset();
  const Understanding understood = understand(Model(std::move(parts)), kText);
  EXPECT_EQ(understood.domain, both.domain);
  EXPECT_EQ(understood.intent->name, both.intent->name);
  EXPECT_EQ(understood.intent->score, both.intent->score);
  EXPECT_TRUE(understood.slots.empty());
}

TEST(Understanding, NeedsTexts) {
  Examples rows;
  rows.features = sample_queries();
  ThreadPool pool(1);
  for (const Model& model : {Model(tagger_sample_parts()), Model(sample_parts()), Model(deep_sample_parts())}) {
    EXPECT_THROW(understand(model, rows, pool), Error);
  }
  EXPECT_THROW(understand(Model(deep_sample_parts()), kText), Error);  // which takes features
}

TEST(Understanding, ATaggerIsMissedByName) {
  try {
    tagger_of(Model(sample_parts()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.what(), HasSubstr("no slot tagger"));
  }
}

}  // namespace
}  // namespace coppice
