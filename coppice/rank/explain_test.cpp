// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/explain.h"

#include <gtest/gtest.h>

#include "coppice/core/error.h"
#include "coppice/rank/ensemble.h"
#include "coppice/rank/prediction_fixture.h"

namespace coppice {
namespace {

using testing::exhaustive;
using testing::random_queries;
using testing::random_ranker;
using testing::RandomRanker;

TEST(Explain, ContributionsSumToMarginsAndStepsToTheScore) {
  for (const PostProcessor post_processor :
       {PostProcessor::l3_hinge, PostProcessor::log_sigmoid, PostProcessor::softmax}) {
    RandomRanker shape;
    shape.label_copies = 2;
    const Ranker ranker = random_ranker(shape);
    const Csr queries = random_queries(8, shape.n_features + 20, 50, 1);
    PredictOptions options = exhaustive(5);
    options.post_processor = post_processor;
    for (size_t i = 0; i < queries.n_rows(); ++i) {
      SearchState state;
      const auto found = predict(ranker, queries.row(i), options, state);
      const std::vector<Explanation> explained = explain_best(ranker, queries.row(i), options);
      ASSERT_EQ(explained.size(), found.size());
      for (size_t e = 0; e < explained.size(); ++e) {
        EXPECT_EQ(explained[e].label, found[e].label);
        EXPECT_NEAR(explained[e].score, found[e].score, 1e-5);
        ASSERT_EQ(explained[e].levels.size(), ranker.levels.size());
        float path = combine_identity(post_processor);
        for (const LevelExplanation& step : explained[e].levels) {
          double sum = step.bias;
          for (const FeatureContribution& part : step.features) {
            EXPECT_EQ(part.contribution, part.value * part.weight);
            sum += part.contribution;
          }
          EXPECT_NEAR(sum, step.margin, 1e-4);
          for (size_t j = 1; j < step.features.size(); ++j) {
            EXPECT_GE(std::fabs(step.features[j - 1].contribution), std::fabs(step.features[j].contribution));
          }
          path = combine(post_processor, path, step.score);
          EXPECT_EQ(step.path_score, path);
        }
        EXPECT_EQ(explained[e].score, path);
      }
    }
  }
}

TEST(Explain, PathFollowsTheTree) {
  const Ranker ranker = random_ranker({});
  const Csr queries = random_queries(1, ranker.n_features, 50, 2);
  const Explanation explained = explain_label(ranker, queries.row(0), 42);
  uint32_t parent = 0;
  for (size_t level = 0; level < explained.levels.size(); ++level) {
    const uint32_t node = explained.levels[level].node;
    EXPECT_GE(node, ranker.tree.first_child[level][parent]);
    EXPECT_LT(node, ranker.tree.first_child[level][parent + 1]);
    parent = node;
  }
  EXPECT_EQ(ranker.tree.leaf_label[parent], 42U);
  EXPECT_THROW(explain_label(ranker, queries.row(0), ranker.tree.n_labels), Error);
}

Predictions predictions(uint32_t top_k, std::vector<uint32_t> labels, std::vector<float> scores) {
  Predictions result;
  result.top_k = top_k;
  result.counts = {static_cast<uint32_t>(labels.size())};
  result.labels = std::move(labels);
  result.scores = std::move(scores);
  result.labels.resize(top_k);
  result.scores.resize(top_k);
  return result;
}

TEST(Ensemble, AveragesScoresAndRanks) {
  const std::vector<Predictions> models = {predictions(3, {4, 7}, {0.9F, 0.5F}),
                                           predictions(3, {7, 1, 4}, {0.8F, 0.4F, 0.1F})};
  const Predictions mean = combine_predictions(models, {});
  EXPECT_EQ(mean.labels, (std::vector<uint32_t>{7, 4, 1}));
  EXPECT_FLOAT_EQ(mean.scores[0], 0.65F);
  EXPECT_FLOAT_EQ(mean.scores[1], 0.5F);
  EXPECT_FLOAT_EQ(mean.scores[2], 0.2F);
  EnsembleOptions ranks;
  ranks.method = EnsembleMethod::rank_average;
  const Predictions by_rank = combine_predictions(models, ranks);
  EXPECT_EQ(by_rank.labels, (std::vector<uint32_t>{7, 4, 1}));
  EXPECT_FLOAT_EQ(by_rank.scores[0], (2.0F / 3 + 1) / 2);
  EXPECT_FLOAT_EQ(by_rank.scores[1], (1 + 1.0F / 3) / 2);
}

TEST(Ensemble, WeightsCountAndMissingLogScoresCountAsTheLowest) {
  EnsembleOptions weighted;
  weighted.weights = {3, 1};
  const std::vector<Predictions> models = {predictions(2, {0, 1}, {-1, -2}), predictions(2, {2, 0}, {-0.5F, -4})};
  const Predictions mean = combine_predictions(models, weighted);
  EXPECT_EQ(mean.row_labels(0)[0], 2U) << "(3 * -2 + -0.5) / 4 = -1.625";
  EXPECT_FLOAT_EQ(mean.scores[0], -1.625F);
  EXPECT_FLOAT_EQ(mean.scores[1], -1.75F);
  weighted.weights = {1};
  EXPECT_THROW(combine_predictions(models, weighted), Error);
}

TEST(Ensemble, AThresholdHoldsForTheCombinedScore) {
  const std::vector<Predictions> models = {predictions(3, {4, 7}, {0.9F, 0.5F}),
                                           predictions(3, {7, 1, 4}, {0.8F, 0.4F, 0.1F})};
  EnsembleOptions options;
  options.threshold = 0.45F;  // label 4 has 0.5, though 0.1 in the second model
  const Predictions mean = combine_predictions(models, options);
  EXPECT_EQ(std::vector<uint32_t>(mean.row_labels(0).begin(), mean.row_labels(0).end()), (std::vector<uint32_t>{7, 4}));
  EXPECT_FLOAT_EQ(mean.row_scores(0)[1], 0.5F);
  options.threshold = 0.66F;
  EXPECT_EQ(combine_predictions(models, options).counts, std::vector<uint32_t>{0});
}

TEST(Ensemble, LabelsGetTheNumbersOfTheFirstModel) {
  Predictions found;
  found.top_k = 2;
  found.counts = {2, 0, 1};
  found.labels = {0, 2, 7, 7, 1, 7};  // 7: no label stands there
  renumber_labels(found, {});
  EXPECT_EQ(found.labels, (std::vector<uint32_t>{0, 2, 7, 7, 1, 7}));
  renumber_labels(found, std::vector<uint32_t>{1, 2, 0});
  EXPECT_EQ(found.labels, (std::vector<uint32_t>{1, 0, 7, 7, 2, 7}));
}

TEST(Ensemble, OfOneModelIsThatModel) {
  const std::vector<Predictions> one = {predictions(3, {4, 7}, {0.9F, 0.5F})};
  const Predictions same = combine_predictions(one, {});
  EXPECT_EQ(same.labels, one[0].labels);
  EXPECT_EQ(same.scores, one[0].scores);
  const Csr csr = same.to_csr(10);
  EXPECT_EQ(std::vector<uint32_t>(csr.columns.begin(), csr.columns.end()), (std::vector<uint32_t>{4, 7}));
}

}  // namespace
}  // namespace coppice
