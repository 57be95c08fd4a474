// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/core/options.h"
#include "coppice/math/csr.h"
#include "coppice/rank/matcher.h"
#include "coppice/rank/negatives.h"
#include "coppice/rank/ranker.h"
#include "coppice/rank/solver.h"

namespace coppice {

/// What the relevance of labels is used for.
enum class Relevance : uint8_t {
  ignore,  ///< every label counts alike
  leaf,    ///< costs of the last level only
  induce   ///< costs of every level; a node's relevance is the largest of its labels
};

/// How the recursive ranker is trained. Lists per level start below the root; the last entry serves all deeper levels,
/// and an empty list means the single value.
struct RankerOptions {
  SolverOptions solver;
  PruneOptions prune;
  std::vector<std::string> negatives{"tfn"};
  uint32_t matcher_beam = 10;
  std::vector<float> level_threshold;
  std::vector<float> level_c_positive;
  std::vector<float> level_c_negative;
  std::vector<uint32_t> level_max_weights;
  Relevance relevance = Relevance::ignore;
  PostProcessor post_processor = PostProcessor::l3_hinge;
};

/// Describes the solver's and the pruning's options too.
void describe(OptionTable& table, RankerOptions& options);

/// The options of one level, 0 = the root's children.
struct LevelOptions {
  SolverOptions solver;
  PruneOptions prune;
  Negatives negatives{.tfn = true};
};
LevelOptions options_of_level(const RankerOptions& options, size_t level);

/// What the ranker learns from. Borrowed for the time of training.
///
/// Shapes: features n x d, labels n x L (values: relevance), weights n or empty, negatives n x L or null.
struct RankerInput {
  const Csr& features;
  const Csr& labels;
  std::span<const float> weights = {};
  const Csr* negatives = nullptr;  ///< rows that a label learns from as negatives, for usn
};

/// Throws `ErrorCode::data` for input that no tree would make good: NaN, values too large, shapes that differ. Part of
/// `train_ranker`; for those who want to know before they build the tree.
void check_ranker_input(const RankerInput& input, const RankerOptions& options);

/// The other part: throws `ErrorCode::data` for a tree that does not fit the input, `ErrorCode::usage` when a level
/// wants negatives of the user's own and there are none.
void check_ranker_tree(const RankerInput& input, const LabelTree& tree, const RankerOptions& options);

struct LevelTask;

/// Trains levels that do not depend on each other, and hands them over, the first first (level_training.h).
using TrainLevels =
    std::function<void(std::span<const LevelTask> levels, Job job, const std::function<void(LevelWeights)>& done)>;

/// Stages of the caller's own, where training starts, and who hears of finished levels.
struct TrainingHooks {
  const Matcher* matcher = nullptr;     ///< brings matcher-aware negatives; null = a beam search, `matcher_beam` wide
  const ChunkSolver* solver = nullptr;  ///< null = `joint_solver()`
  TrainLevels train_levels;             ///< where the chunks are trained; empty = all of them here
  std::vector<LevelWeights> finished;   ///< the first levels, when training goes on from a checkpoint
  /// After each level, from any thread, one call at a time; may be empty.
  std::function<void(const std::vector<LevelWeights>& levels)> level_done;
};

/// Trains all levels from the root down, the chunks of a level in parallel.
///
/// All rows take part at the root. Levels that need no matcher are trained at once, so that the threads are busy while
/// one of them works on the root's chunk.
/// The result is the same for any number of threads, and whether or not some levels were given as finished.
/// Throws `ErrorCode::data` for input that breaks an invariant (NaN, shapes that differ) and for weights that come out
/// not finite, `ErrorCode::usage` when negatives are asked for that were not given, `ErrorCode::cancelled` on request.
/// Memory: the finished levels, one gathered chunk per thread, and with matcher-aware negatives a beam per row.
/// Source: Yu et al., "PECOS", 2022, section 4.
Ranker train_ranker(const RankerInput& input, LabelTree tree, const RankerOptions& options, Job job,
                    TrainingHooks hooks = {});

}  // namespace coppice
