// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/math/csr.h"
#include "coppice/rank/beam_search.h"

namespace coppice {

/// The best labels of many queries. Row i holds counts[i] <= top_k labels, best first, at i * top_k.
struct Predictions {
  uint32_t top_k = 0;
  std::vector<uint32_t> labels;  ///< n x top_k
  std::vector<float> scores;     ///< n x top_k
  std::vector<uint32_t> counts;  ///< n

  size_t n_rows() const noexcept { return counts.size(); }
  std::span<const uint32_t> row_labels(size_t i) const noexcept { return {labels.data() + i * top_k, counts[i]}; }
  std::span<const float> row_scores(size_t i) const noexcept { return {scores.data() + i * top_k, counts[i]}; }

  /// n x L with the scores as values, columns ascending: what SciPy users and PECOS expect.
  Csr to_csr(uint32_t n_labels) const;
};

/// `predict` for every row of `queries`, bit for bit the same, in their order. Inside, a block of queries walks the
/// tree together and visits each chunk once for all of them.
///
/// Memory: the result, and per thread about 1 KiB a query of a block of some thousands.
/// Threads: the same bytes for any number of them.
Predictions predict_batch(const Ranker& ranker, const Csr& queries, const PredictOptions& options, ThreadPool& pool);

/// Nodes of one level of the tree that a matcher found for each query.
struct NodeMatches {
  size_t level;      ///< 0 = the root, depth() - 1 = the nodes whose children are the labels
  const Csr& nodes;  ///< n x n_nodes(level), scores as values
};

/// The best labels below the nodes that a matcher of your own found: the ranking stage alone. What `predict_batch` does
/// from the root is done from these nodes, their scores taken for those of the path so far (noop: not looked at).
///
/// Throws `ErrorCode::data` when `matches.nodes` does not fit queries and tree.
Predictions rank_matches(const Ranker& ranker, const Csr& queries, const NodeMatches& matches,
                         const PredictOptions& options, ThreadPool& pool);

}  // namespace coppice
