// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/math/csr.h"
#include "coppice/rank/beam_search.h"

namespace coppice {

/// Scores given labels, without a search: every path to them is followed (PECOS: selected outputs).
///
/// The score of a label is, to the bit, the one that an exhaustive search gives it: the best of its leaves. Made once
/// per ranker, which has to outlive it. Const use is thread-safe.
/// Cost: making it is O(leaves); a label costs the chunks on its path, shared among the labels of one query.
class LabelScorer {
 public:
  explicit LabelScorer(const Ranker& ranker, PostProcessor post_processor = PostProcessor::of_model);

  struct Scratch;
  /// The scratch memory of one thread.
  class State {
   public:
    State();
    ~State();
    State(State&&) noexcept;
    State& operator=(State&&) noexcept;

   private:
    friend class LabelScorer;
    std::unique_ptr<Scratch> scratch_;
  };

  /// One score per label, in the order given; a label without a leaf gets the worst score there is (0, or minus
  /// infinity where scores are added along the path). The result lies in `state` until its next use.
  /// Throws `ErrorCode::usage` for a label that the tree does not have.
  std::span<const float> score(SparseRow query, std::span<const uint32_t> labels, State& state) const;

  /// The scores of exactly the entries of `selected` (n x L), whose pattern the result has.
  Csr score_all(const Csr& queries, const Csr& selected, ThreadPool& pool) const;

  /// The leaves of a label, ascending.
  std::span<const uint32_t> leaves(uint32_t label) const;

 private:
  void score_level(size_t level, Scratch& scratch) const;

  const Ranker& ranker_;
  PostProcessor post_processor_;
  std::vector<uint32_t> first_leaf_;
  std::vector<uint32_t> leaves_;
};

/// The node above `node` (of level `level` + 1) in level `level`: 0 <= result < n_nodes(level), whatever the arrays
/// hold.
uint32_t parent_of(const LabelTree& tree, size_t level, uint32_t node) noexcept;

}  // namespace coppice
