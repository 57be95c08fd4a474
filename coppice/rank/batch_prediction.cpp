// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/batch_prediction.h"

#include <string>

#include "coppice/core/error.h"
#include "coppice/rank/block_search.h"
#include "coppice/rank/matcher.h"

namespace coppice {
namespace {

Predictions search_all(const SearchPlan& plan, const SearchRows& rows, ThreadPool& pool) {
  const size_t n_rows = rows.queries.n_rows();
  Predictions predictions;
  predictions.top_k = plan.keep.back();
  predictions.counts.resize(n_rows);
  predictions.labels.resize(n_rows * predictions.top_k);
  predictions.scores.resize(n_rows * predictions.top_k);
  search_blocks(plan, rows, pool, [&](size_t row, std::span<const uint64_t> candidates) {
    predictions.counts[row] = static_cast<uint32_t>(candidates.size());
    for (size_t j = 0; j < candidates.size(); ++j) {
      predictions.labels[row * predictions.top_k + j] = candidate_id(candidates[j]);
      predictions.scores[row * predictions.top_k + j] = candidate_score(candidates[j]);
    }
  });
  return predictions;
}

}  // namespace

Csr Predictions::to_csr(uint32_t n_labels) const {
  CsrBuilder builder(n_labels);
  for (size_t i = 0; i < n_rows(); ++i) {
    for (size_t j = 0; j < counts[i]; ++j) builder.add(row_labels(i)[j], row_scores(i)[j]);
    builder.end_row();
  }
  return builder.build();
}

Predictions predict_batch(const Ranker& ranker, const Csr& queries, const PredictOptions& options, ThreadPool& pool) {
  SearchPlan plan;
  make_plan(ranker, options, plan);
  return search_all(plan, {queries}, pool);
}

Predictions rank_matches(const Ranker& ranker, const Csr& queries, const NodeMatches& matches,
                         const PredictOptions& options, ThreadPool& pool) {
  if (matches.level >= ranker.levels.size()) {
    throw Error(ErrorCode::usage, "matches of level " + std::to_string(matches.level) +
                                      ", but the nodes above labels are of level 0 to " +
                                      std::to_string(ranker.levels.size() - 1));
  }
  check_matches(matches.nodes, queries.n_rows(), ranker.tree.n_nodes(matches.level));
  SearchPlan plan;
  make_plan(ranker, options, plan);
  return search_all(plan, {queries, matches.level, &matches.nodes}, pool);
}

}  // namespace coppice
