// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/math/csr.h"
#include "coppice/rank/label_filter.h"
#include "coppice/rank/ranker.h"

namespace coppice {

/// How labels are searched for.
struct PredictOptions {
  uint32_t beam = 10;
  std::vector<uint32_t> beam_per_level;  ///< empty = `beam` everywhere; else one per level, the last for all deeper
  uint32_t top_k = 10;
  float threshold = kNoThreshold;
  PostProcessor post_processor = PostProcessor::of_model;
  std::shared_ptr<const LabelFilter> filter;  ///< null = all labels; not an option by name

  static constexpr float kNoThreshold = -1e30F;
};

/// Throws `ErrorCode::usage` for values out of range when they are set.
void describe(OptionTable& table, PredictOptions& options);

/// Of them those that say how the search goes and what its scores are, not which labels come out of it.
void describe_search(OptionTable& table, PredictOptions& options);

struct ScoredLabel {
  uint32_t label;
  float score;
  bool operator==(const ScoredLabel&) const = default;
};

/// The scratch memory of one thread that predicts: grows to what its queries need, then allocates no more.
///
/// May serve any ranker and any options in turn, one query at a time.
class SearchState {
 public:
  SearchState();
  ~SearchState();
  SearchState(SearchState&&) noexcept;
  SearchState& operator=(SearchState&&) noexcept;

  struct Scratch;
  Scratch& scratch() noexcept { return *scratch_; }

 private:
  std::unique_ptr<Scratch> scratch_;
};

/// The best labels of one query, best first, ties by label: level by level the chunks of the `beam` best nodes are
/// scored, and their `beam` best children kept. A beam as wide as the tree makes it exhaustive.
///
/// A label that stands in several leaves keeps its best score and shows up once. Features of the query that the
/// ranker does not know are ignored. The result lies in `state` until its next use.
/// Cost: about 1 ns per (chunk, feature) that misses and 5 ns per one that hits.
/// Threads: one state per thread.
std::span<const ScoredLabel> predict(const Ranker& ranker, SparseRow query, const PredictOptions& options,
                                     SearchState& state);

}  // namespace coppice
