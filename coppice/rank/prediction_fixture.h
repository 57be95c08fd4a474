// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/rank/beam_search.h"
#include "coppice/rank/ranker.h"

namespace coppice::testing {

/// What a ranker for tests is made of.
struct RandomRanker {
  std::vector<uint32_t> branching = {5, 7, 9};  ///< most children per level
  uint32_t n_features = 400;
  double density = 0.2;       ///< share of (feature, child) pairs with a weight
  double wide_share = 0.1;    ///< share of rows that nearly all children use
  uint32_t label_copies = 1;  ///< leaves per label
  uint64_t seed = 1;
};

inline ChunkRows random_chunk(const RandomRanker& shape, uint32_t n_children, Random& random) {
  ChunkRows rows;
  rows.first_entry.push_back(0);
  for (uint32_t feature = 0; feature < shape.n_features; ++feature) {
    const double density = random.uniform() < shape.wide_share ? 0.9 : shape.density;
    for (uint32_t child = 0; child < n_children; ++child) {
      if (random.uniform() >= density) continue;
      rows.children.push_back(static_cast<uint16_t>(child));
      rows.values.push_back(static_cast<float>(random.uniform() * 2 - 1) + 1e-6F);
    }
    if (rows.values.size() == rows.first_entry.back()) continue;
    rows.features.push_back(feature);
    rows.first_entry.push_back(static_cast<uint32_t>(rows.values.size()));
  }
  for (uint32_t child = 0; child < n_children; ++child) rows.bias.push_back(static_cast<float>(random.uniform() - 0.5));
  return rows;
}

inline Ranker random_ranker(const RandomRanker& shape) {
  Random random(shape.seed);
  Ranker ranker;
  ranker.n_features = shape.n_features;
  uint32_t n_nodes = 1;
  for (const uint32_t most : shape.branching) {
    std::vector<uint32_t> first{0};
    LevelWeightsBuilder builder(shape.n_features);
    for (uint32_t node = 0; node < n_nodes; ++node) {
      const uint32_t n_children = 1 + most / 2 + random.below(most - most / 2);
      first.push_back(first.back() + n_children);
      builder.add(random_chunk(shape, n_children, random));
    }
    n_nodes = first.back();
    ranker.tree.first_child.push_back(first);
    ranker.levels.push_back(builder.build());
  }
  ranker.tree.n_labels = (n_nodes + shape.label_copies - 1) / shape.label_copies;
  std::vector<uint32_t> labels(n_nodes);
  for (uint32_t leaf = 0; leaf < n_nodes; ++leaf) labels[leaf] = leaf % ranker.tree.n_labels;
  random.shuffle(std::span<uint32_t>(labels));
  ranker.tree.leaf_label = std::move(labels);
  return ranker;
}

/// Rows of `n_columns` features, some beyond those that the ranker knows when n_columns is larger.
inline Csr random_queries(size_t n, uint32_t n_columns, size_t nonzeros, uint64_t seed) {
  Random random(seed, 77);
  CsrBuilder builder(n_columns);
  for (size_t i = 0; i < n; ++i) {
    std::set<uint32_t> columns;
    while (columns.size() < std::min<size_t>(nonzeros, n_columns) && i % 10 != 9)
      columns.insert(random.below(n_columns));
    for (const uint32_t column : columns) builder.add(column, static_cast<float>(random.uniform()));
    builder.end_row();
  }
  return builder.build();
}

/// The margins of one chunk in double precision, from the rows that went in.
inline std::vector<double> naive_margins(const ChunkRows& rows, SparseRow query) {
  std::vector<double> margins(rows.bias.begin(), rows.bias.end());
  const std::map<uint32_t, float> values = [&] {
    std::map<uint32_t, float> map;
    for (size_t j = 0; j < query.size(); ++j) map[query.columns[j]] = query.values[j];
    return map;
  }();
  for (size_t r = 0; r < rows.features.size(); ++r) {
    const auto value = values.find(rows.features[r]);
    if (value == values.end()) continue;
    for (uint32_t i = rows.first_entry[r]; i < rows.first_entry[r + 1]; ++i) {
      margins[rows.children[i]] += double{value->second} * rows.values[i];
    }
  }
  return margins;
}

/// The score of every leaf, by the plainest recursion over the rows.
inline std::vector<float> naive_leaf_scores(const Ranker& ranker, SparseRow query, PostProcessor post_processor) {
  std::vector<float> scores{combine_identity(post_processor)};
  for (size_t level = 0; level < ranker.levels.size(); ++level) {
    std::vector<float> below;
    for (size_t chunk = 0; chunk < scores.size(); ++chunk) {
      const std::vector<double> margins = naive_margins(ranker.levels[level].rows(chunk), query);
      std::vector<float> children(margins.begin(), margins.end());
      transform_siblings(post_processor, scores[chunk], children.data(), children.data(), children.size());
      below.insert(below.end(), children.begin(), children.end());
    }
    scores = std::move(below);
  }
  return scores;
}

/// The best score of each label, from the scores of the leaves.
inline std::vector<float> naive_label_scores(const Ranker& ranker, SparseRow query, PostProcessor post_processor) {
  const std::vector<float> leaves = naive_leaf_scores(ranker, query, post_processor);
  std::vector<float> labels(ranker.tree.n_labels, -1e30F);
  for (size_t leaf = 0; leaf < leaves.size(); ++leaf) {
    float& label = labels[ranker.tree.leaf_label[leaf]];
    label = std::max(label, leaves[leaf]);
  }
  return labels;
}

inline PredictOptions exhaustive(uint32_t top_k = 1000000) {
  PredictOptions options;
  options.beam = 1000000;
  options.top_k = top_k;
  return options;
}

}  // namespace coppice::testing
