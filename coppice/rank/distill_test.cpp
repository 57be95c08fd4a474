// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/distill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/core/random.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice {
namespace {

constexpr uint32_t kLabels = 24;
constexpr uint32_t kFeatures = 200;

/// Labels with words of their own, some of which always stand together, and words that say nothing.
struct Data {
  Csr features;
  Csr labels;
};

Data some_data() {
  Random random(1);
  CsrBuilder features(kFeatures), labels(kLabels);
  for (size_t i = 0; i < 600; ++i) {
    const uint32_t label = random.below(kLabels);
    labels.add(label, 1);
    labels.end_row();
    const uint32_t word = label * 4 + 2 * random.below(2);
    features.add(word, 1);
    features.add(word + 1, 0.4F);  // stands with the other one always
    for (int j = 0; j < 6; ++j) features.add(4 * kLabels + random.below(kFeatures - 4 * kLabels), 0.5F);
    features.end_row();
  }
  ThreadPool pool(1);
  return {normalize_rows_l2(features.build(), pool), labels.build()};
}

LabelTree two_levels() {
  LabelTree tree;
  tree.n_labels = kLabels;
  std::vector<uint32_t> leaves;
  for (uint32_t label = 0; label < kLabels; ++label) leaves.push_back(label);
  tree.first_child = {std::vector<uint32_t>{0, 4}, std::vector<uint32_t>{0, 6, 12, 18, 24}};
  tree.leaf_label = leaves;
  return tree;
}

struct Trained {
  Data data = some_data();
  RankerOptions options;
  Ranker ranker;

  Trained() {
    options.prune.threshold = 0.01F;
    ThreadPool pool(1);
    Progress progress;
    ranker = train_ranker({data.features, data.labels}, two_levels(), options, {pool, progress});
  }

  Ranker distilled(const Ranker& pruned, size_t threads = 1) const {
    ThreadPool pool(threads);
    Progress progress;
    return distill_ranker({data.features, data.labels}, Distiller(ranker, pruned), options, {pool, progress});
  }
};

/// How far the margins of the children of the root are from those of another ranker, squared and summed over rows.
double distance(const Data& data, const Ranker& a, const Ranker& b) {
  const ChunkRows x = a.levels[0].rows(0), y = b.levels[0].rows(0);
  double sum = 0;
  for (size_t i = 0; i < data.features.n_rows(); ++i) {
    std::vector<double> difference;
    for (size_t child = 0; child < x.bias.size(); ++child) difference.push_back(x.bias[child] - y.bias[child]);
    const SparseRow row = data.features.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      for (const auto& [rows, sign] : {std::pair{&x, 1.0}, std::pair{&y, -1.0}}) {
        const auto at = std::lower_bound(rows->features.begin(), rows->features.end(), row.columns[j]);
        if (at == rows->features.end() || *at != row.columns[j]) continue;
        const auto r = static_cast<size_t>(at - rows->features.begin());
        for (uint32_t e = rows->first_entry[r]; e < rows->first_entry[r + 1]; ++e) {
          difference[rows->children[e]] += sign * row.values[j] * rows->values[e];
        }
      }
    }
    for (const double d : difference) sum += d * d;
  }
  return sum;
}

/// The weights of a child by size, the largest first.
std::vector<float> sizes_of_child(const ChunkRows& rows, uint32_t child) {
  std::vector<float> sizes;
  for (size_t i = 0; i < rows.values.size(); ++i) {
    if (rows.children[i] == child) sizes.push_back(std::abs(rows.values[i]));
  }
  std::sort(sizes.rbegin(), sizes.rend());
  return sizes;
}

TEST(Pruning, KeepsTheLargestOfEachLabel) {
  const Trained trained;
  ThreadPool pool(2);
  const Ranker pruned = prune_ranker(trained.ranker, {0.05F, 3}, pool);
  for (size_t level = 0; level < pruned.levels.size(); ++level) {
    for (size_t chunk = 0; chunk < pruned.levels[level].n_chunks(); ++chunk) {
      const ChunkRows before = trained.ranker.levels[level].rows(chunk), after = pruned.levels[level].rows(chunk);
      for (uint32_t child = 0; child < before.bias.size(); ++child) {
        const std::vector<float> all = sizes_of_child(before, child), kept = sizes_of_child(after, child);
        const auto large = std::count_if(all.begin(), all.end(), [](float size) { return size >= 0.05F; });
        EXPECT_EQ(kept.size(), std::min<size_t>(3, static_cast<size_t>(large)));
        EXPECT_TRUE(std::equal(kept.begin(), kept.end(), all.begin()));
      }
    }
  }
}

TEST(PruneRanker, KeepsTheWeightsThatAreLargeEnoughAndTheBiases) {
  const Trained trained;
  ThreadPool pool(2);
  const Ranker pruned = prune_ranker(trained.ranker, {0.3F}, pool);
  EXPECT_LT(pruned.n_weights(), trained.ranker.n_weights());
  EXPECT_GT(pruned.n_weights(), 0U);
  const ChunkRows before = trained.ranker.levels[0].rows(0), after = pruned.levels[0].rows(0);
  EXPECT_EQ(before.bias, after.bias);
  size_t n_large = 0;
  for (const float value : before.values) n_large += std::abs(value) >= 0.3F;
  EXPECT_EQ(after.values.size(), n_large);
  for (const float value : after.values) EXPECT_GE(std::abs(value), 0.3F);
}

TEST(Distiller, LeavesARankerThatLostNothingAsItIs) {
  const Trained trained;
  const Ranker same = trained.distilled(trained.ranker);
  const ChunkRows before = trained.ranker.levels[1].rows(0), after = same.levels[1].rows(0);
  ASSERT_EQ(before.features, after.features);
  ASSERT_EQ(before.children, after.children);
  for (size_t i = 0; i < before.values.size(); ++i) EXPECT_NEAR(before.values[i], after.values[i], 1e-5);
}

TEST(Distiller, BringsTheMarginsNearerWithoutAnotherWeight) {
  const Trained trained;
  ThreadPool pool(1);
  for (const float threshold : {0.1F, 0.3F, 0.6F}) {
    const Ranker pruned = prune_ranker(trained.ranker, {threshold}, pool);
    const Ranker distilled = trained.distilled(pruned);
    EXPECT_LE(distilled.n_weights(), pruned.n_weights());
    EXPECT_LT(distance(trained.data, distilled, trained.ranker), 0.7 * distance(trained.data, pruned, trained.ranker))
        << threshold;
  }
}

TEST(Distiller, IsTheSameForAnyNumberOfThreads) {
  const Trained trained;
  ThreadPool pool(1);
  const Ranker pruned = prune_ranker(trained.ranker, {0.3F}, pool);
  const Ranker one = trained.distilled(pruned, 1), seven = trained.distilled(pruned, 7);
  for (size_t level = 0; level < one.levels.size(); ++level) {
    EXPECT_TRUE(std::ranges::equal(one.levels[level].arrays().payload, seven.levels[level].arrays().payload));
    EXPECT_TRUE(std::ranges::equal(one.levels[level].arrays().bias, seven.levels[level].arrays().bias));
  }
}

TEST(Distiller, KeepsWeightsOfFeaturesThatTheRowsDoNotHave) {
  Trained trained;
  const Ranker pruned = trained.ranker;
  CsrBuilder rows(kFeatures);
  for (size_t i = 0; i < trained.data.features.n_rows(); ++i) {
    rows.add(kFeatures - 1, 1);
    rows.end_row();
  }
  trained.data.features = rows.build();
  const Ranker distilled = trained.distilled(pruned);
  EXPECT_EQ(distilled.n_weights(), pruned.n_weights());
}

}  // namespace
}  // namespace coppice
