// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/rank/ranker.h"
#include "coppice/rank/ranker_training.h"
#include "coppice/rank/solver.h"

namespace coppice {

/// What makes good for pruning.
struct DistillOptions {
  /// How hard the kept weights hold on to what they were: lambda of the problem below. None would let features that
  /// few rows have swing freely.
  float ridge = 0.01F;
  uint32_t iterations = 12;  ///< of conjugate gradients
};

/// Fits the weights that a pruned ranker has kept to the margins that the original gives: for each child it seeks
/// min over v of sum_i (v.x_i - w.x_i)^2 + lambda |v - v0|^2, where the rows i are those the child was trained on, w
/// are the original's weights and bias, v0 the pruned ones, and v has weights (and the bias) where v0 has.
///
/// To solve the problem of training again, on the kept features only, is worse than to do nothing: dropped features
/// were what told training rows apart, and without them the kept ones grow until they fit those rows. The original's
/// margins carry no such pull.
/// Cost: two passes over the nonzeros of the kept features by child and iteration.
/// Threads: `solve` is thread-safe. Both rankers are borrowed, and have the same tree.
class Distiller final : public ChunkSolver {
 public:
  Distiller(const Ranker& original, const Ranker& pruned, const DistillOptions& options = {})
      : original_(original), pruned_(pruned), options_(options) {}

  /// The options of training have no say.
  const Ranker& pruned() const noexcept { return pruned_; }

  LaneWeights solve(const ChunkProblem& problem, ChildRange children, const SolverOptions& options,
                    const PruneOptions& prune) const override;

 private:
  const Ranker& original_;
  const Ranker& pruned_;
  DistillOptions options_;
};

/// Distils all levels: `input` and `options` are those that `original` was trained on, or rows like them; `matcher`
/// brings their matcher-aware negatives, null = the beam of the levels that are distilled already.
/// Throws as `train_ranker` does, and `ErrorCode::data` when the rows have other features or labels than the ranker.
Ranker distill_ranker(const RankerInput& input, const Distiller& distiller, const RankerOptions& options, Job job,
                      const Matcher* matcher = nullptr);

}  // namespace coppice
