// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/bounding_ranker.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// Adds the row of a feature to the chunks whose nodes it has: `entries` are nodes of the level, ascending.
void add_feature(uint32_t feature, SparseRow entries, std::span<const uint32_t> first_child,
                 std::vector<ChunkRows>& chunks) {
  for (size_t i = 0; i < entries.size();) {
    const auto behind = std::upper_bound(first_child.begin(), first_child.end(), entries.columns[i]);
    const auto chunk = static_cast<size_t>(behind - first_child.begin()) - 1;
    ChunkRows& rows = chunks[chunk];
    rows.features.push_back(feature);
    rows.first_entry.push_back(static_cast<uint32_t>(rows.values.size()));
    for (; i < entries.size() && entries.columns[i] < *behind; ++i) {
      rows.children.push_back(static_cast<uint16_t>(entries.columns[i] - first_child[chunk]));
      rows.values.push_back(entries.values[i]);
    }
  }
}

/// `weights`: d x nodes of the level below the chunks.
LevelWeights level_of(const Csr& weights, std::span<const uint32_t> first_child, uint32_t n_features,
                      ThreadPool& pool) {
  std::vector<ChunkRows> chunks(first_child.size() - 1);
  for (size_t feature = 0; feature < weights.n_rows(); ++feature) {
    add_feature(static_cast<uint32_t>(feature), weights.row(feature), first_child, chunks);
  }
  std::vector<EncodedChunk> encoded(chunks.size());
  pool.run(chunks.size(), [&](size_t p, size_t) {
    chunks[p].first_entry.push_back(static_cast<uint32_t>(chunks[p].values.size()));
    chunks[p].bias.assign(first_child[p + 1] - first_child[p], 0.0F);
    encoded[p] = encode_chunk(chunks[p], n_features);
    chunks[p] = {};
  });
  LevelWeightsBuilder builder(n_features);
  for (EncodedChunk& chunk : encoded) builder.add(std::exchange(chunk, {}));
  return builder.build();
}

}  // namespace

Ranker bounding_ranker(LabelTree tree, const Csr& weights, ThreadPool& pool) {
  check(weights.n_rows() == tree.n_labels, "a row of weights for each label");
  check(std::all_of(weights.values.begin(), weights.values.end(), [](float weight) { return weight >= 0; }),
        "weights that can be bounded from above are not below 0");
  std::vector<Csr> levels = labels_up_the_tree(tree, transpose(weights, pool), pool);
  Ranker ranker;
  ranker.n_features = weights.n_columns;
  ranker.post_processor = PostProcessor::noop;
  for (size_t t = 0; t < levels.size(); ++t) {
    ranker.levels.push_back(level_of(levels[t], tree.first_child[t].span(), ranker.n_features, pool));
    levels[t] = {};
  }
  ranker.tree = std::move(tree);
  return ranker;
}

}  // namespace coppice
