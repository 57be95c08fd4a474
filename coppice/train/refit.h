// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/math/csr.h"
#include "coppice/model/model.h"
#include "coppice/rank/matcher.h"
#include "coppice/rank/ranker_training.h"
#include "coppice/train/evaluate.h"

namespace coppice {

/// Rows with labels, as a model sees them: n x its features, n x its labels. Labels that it does not know are left out.
struct RefitRows {
  Csr features;
  Csr labels;
  std::vector<float> weights;  ///< n, or empty = 1 each
};

/// Throws as `evaluate` does.
RefitRows read_refit_rows(const Model& model, const EvaluationInput& input, Job job);

/// Takes weights off a model, the smallest first. Where there are rows, those that stay are fitted to the margins of
/// the whole model after each step (see Distiller): in several steps better than in one.
///
/// The model and the rows are borrowed. Threads: one at a time.
class Pruner {
 public:
  /// `rows` may be null: then weights that stay are as they were. Cost, with rows: a search for each of them.
  Pruner(const Model& model, const RefitRows* rows, ThreadPool& pool);

  /// Keeps the `n_weights` largest of those left, by size; where many are equal, fewer. Throws `ErrorCode::cancelled`.
  void keep(uint64_t n_weights, Job job);
  /// The same in steps of `fewer`, where weights are fitted: less is lost than when most go at once.
  void descend_to(uint64_t n_weights, Job job);
  /// All those steps but the last, so that several last ones can be tried on copies.
  void descend_near(uint64_t n_weights, Job job);
  /// Keeps what the options keep.
  void prune(const PruneOptions& options, Job job);

  uint64_t n_weights() const noexcept { return ranker_.n_weights(); }
  /// How many a step keeps of those left: 7 in 10.
  uint64_t fewer() const noexcept;
  /// The model with the weights left.
  Model model() const;

 private:
  static constexpr double kShareKept = 0.7;

  const Model* model_;
  const RefitRows* rows_;
  RankerOptions options_;
  std::shared_ptr<const FoundMatches> matches_;  ///< of the whole model: what rows a chunk learns from stays the same
  Ranker ranker_;
};

}  // namespace coppice
