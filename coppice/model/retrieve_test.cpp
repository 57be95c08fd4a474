// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/retrieve.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/core/error.h"
#include "coppice/model/answer.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

constexpr const char* kQuery = "w1 w2 w3 w9";

TEST(Retrieve, GivesTheBestPassagesWithTextAndMetadata) {
  const Model model(passages_sample_parts());
  PredictOptions search;
  search.top_k = 5;
  const std::vector<NamedScore> expected = predict_text(model, kQuery, search);
  const std::vector<RetrievedPassage> found = retrieve(model, kQuery);
  ASSERT_EQ(found.size(), 5u);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].id, expected[i].name);
    EXPECT_EQ(found[i].label, expected[i].label);
    EXPECT_EQ(found[i].score, expected[i].score);
    EXPECT_EQ(found[i].text, model.passages().text(found[i].label));
    EXPECT_EQ(found[i].metadata, model.passages().metadata(found[i].label));
  }
}

TEST(Retrieve, OnlyWhatIsAboveTheThresholdComesOut) {
  const Model model(passages_sample_parts());
  RetrieveOptions options;
  options.top_k = 24;
  const std::vector<RetrievedPassage> all = retrieve(model, kQuery, options);
  PredictOptions search;
  search.top_k = 24;
  const std::vector<NamedScore> labels = predict_text(model, kQuery, search);
  const auto n_above = std::count_if(labels.begin(), labels.end(), [](const NamedScore& one) { return one.score > 0; });
  ASSERT_EQ(all.size(), static_cast<size_t>(n_above));
  ASSERT_GT(all.size(), 3u);
  EXPECT_LT(all.size(), 24u);
  options.threshold = all[2].score;
  const std::vector<RetrievedPassage> best = retrieve(model, kQuery, options);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[1].id, all[1].id);
  options.threshold = 1e20F;
  EXPECT_TRUE(retrieve(model, kQuery, options).empty());
}

TEST(Retrieve, AStateServesOneQueryAfterTheOther) {
  const Model model(passages_sample_parts());
  RetrieveState state;
  for (const char* query : {kQuery, "", "w9 w20", "no known word", kQuery}) {
    const auto with_state = retrieve(model, query, {}, state), alone = retrieve(model, query);
    ASSERT_EQ(with_state.size(), alone.size());
    for (size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(with_state[i].id, alone[i].id);
  }
}

TEST(Retrieve, OfAModelWithoutPassagesTheLabelsComeOut) {
  const std::vector<RetrievedPassage> found = retrieve(Model(flat_sample_parts(12)), kQuery);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].text + found[0].metadata, "");
}

TEST(Retrieve, AModelThatTakesMoreThanTextIsRefused) {
  EXPECT_THROW(retrieve(Model(sample_parts()), kQuery), Error);
  EXPECT_THROW(retrieve(Model(deep_sample_parts()), kQuery), Error);
  EXPECT_THROW(retrieve(Model(tagger_sample_parts()), kQuery), Error);
}

}  // namespace
}  // namespace coppice
