// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/bounding_ranker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "coppice/core/random.h"
#include "coppice/index/indexer.h"
#include "coppice/rank/beam_search.h"

namespace coppice {
namespace {

constexpr uint32_t kFeatures = 120;

Csr random_rows(size_t n, double scale, uint64_t seed) {
  Random random(seed);
  CsrBuilder builder(kFeatures);
  for (size_t i = 0; i < n; ++i) {
    std::map<uint32_t, float> row;
    for (uint32_t k = random.below(20); k > 0; --k) {
      row[static_cast<uint32_t>(kFeatures * random.uniform() * random.uniform())] =
          static_cast<float>(scale * random.uniform()) + 1e-3F;
    }
    for (const auto& [column, value] : row) builder.add(column, value);
    builder.end_row();
  }
  builder.set_columns(kFeatures);
  return builder.build();
}

LabelTree tree_of(const Csr& weights, uint32_t branching, uint32_t max_leaf) {
  ThreadPool pool(1);
  Progress progress;
  IndexOptions options;
  options.branching = branching;
  options.max_leaf = max_leaf;
  return build_label_tree(normalize_rows_l2(weights, pool), options, {pool, progress});
}

double naive_score(SparseRow weights, SparseRow query) {
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    for (size_t j = 0; j < query.size(); ++j) {
      if (weights.columns[i] == query.columns[j]) sum += double{weights.values[i]} * query.values[j];
    }
  }
  return sum;
}

PredictOptions all_of(uint32_t n_labels) {
  PredictOptions options;
  options.beam = options.top_k = n_labels;
  return options;
}

TEST(BoundingRanker, ScoresAreTheSumsOfTheWeightsWhateverTheTree) {
  ThreadPool pool(2);
  const Csr weights = random_rows(300, 5, 1), queries = random_rows(40, 2, 2);
  SearchState state;
  for (const LabelTree& tree : {flat_tree(300), tree_of(weights, 3, 7), tree_of(weights, 16, 150)}) {
    const Ranker ranker = bounding_ranker(tree, weights, pool);
    ranker.check_shapes();
    ranker.verify();
    for (size_t i = 0; i < queries.n_rows(); ++i) {
      const auto found = predict(ranker, queries.row(i), all_of(300), state);
      ASSERT_EQ(found.size(), 300u);
      for (const ScoredLabel& label : found) {
        const double expected = naive_score(weights.row(label.label), queries.row(i));
        EXPECT_NEAR(label.score, expected, 1e-5 * (1 + expected));
      }
    }
  }
}

/// The best score below each node of a level, and the node's own, by searches that end there.
void expect_bounds(const Ranker& ranker, SparseRow query, SearchState& state) {
  std::vector<float> best(ranker.tree.n_labels);
  for (const ScoredLabel& label : predict(ranker, query, all_of(ranker.tree.n_labels), state)) {
    best[label.label] = label.score;
  }
  for (size_t depth = 1; depth < ranker.tree.depth(); ++depth) {
    Ranker upper = ranker;
    upper.levels.resize(depth);
    upper.tree.first_child.resize(depth);
    upper.tree.n_labels = static_cast<uint32_t>(upper.tree.n_nodes(depth));
    std::vector<uint32_t> nodes(upper.tree.n_labels);
    for (uint32_t node = 0; node < nodes.size(); ++node) nodes[node] = node;
    upper.tree.leaf_label = nodes;
    for (const ScoredLabel& node : predict(upper, query, all_of(upper.tree.n_labels), state)) {
      const NodeRange leaves = leaves_below(ranker.tree, depth, node.label);
      for (uint32_t leaf = leaves.begin; leaf < leaves.end; ++leaf) {
        EXPECT_GE(node.score, best[ranker.tree.leaf_label[leaf]]);
      }
    }
  }
}

TEST(BoundingRanker, ANodeScoresAtLeastWhatEachLabelBelowItDoes) {
  ThreadPool pool(1);
  const Csr weights = random_rows(400, 5, 3), queries = random_rows(60, 2, 4);
  const Ranker ranker = bounding_ranker(tree_of(weights, 3, 5), weights, pool);
  ASSERT_GT(ranker.tree.depth(), 3u);
  SearchState state;
  for (size_t i = 0; i < queries.n_rows(); ++i) expect_bounds(ranker, queries.row(i), state);
}

TEST(BoundingRanker, LabelsWithoutAWeightScoreZero) {
  ThreadPool pool(1);
  CsrBuilder builder(kFeatures);
  for (size_t i = 0; i < 5; ++i) builder.end_row();
  const Csr weights = builder.build();
  const Ranker ranker = bounding_ranker(flat_tree(5), weights, pool);
  SearchState state;
  for (const ScoredLabel& label : predict(ranker, random_rows(9, 1, 5).row(8), all_of(5), state)) {
    EXPECT_EQ(label.score, 0);
  }
}

TEST(BoundingRanker, ThreadsChangeNothing) {
  const Csr weights = random_rows(500, 5, 6);
  const LabelTree tree = tree_of(weights, 4, 20);
  ThreadPool one(1);
  const Ranker expected = bounding_ranker(tree, weights, one);
  for (const size_t threads : {2, 7}) {
    ThreadPool pool(threads);
    const Ranker ranker = bounding_ranker(tree, weights, pool);
    for (size_t t = 0; t < tree.depth(); ++t) {
      EXPECT_TRUE(
          std::ranges::equal(ranker.levels[t].arrays().payload.span(), expected.levels[t].arrays().payload.span()));
    }
  }
}

}  // namespace
}  // namespace coppice
