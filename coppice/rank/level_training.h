// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/core/progress.h"
#include "coppice/rank/chunk_problem.h"
#include "coppice/rank/level_weights.h"
#include "coppice/rank/negatives.h"
#include "coppice/rank/ranker_training.h"

namespace coppice {

/// One level to be trained: who belongs where, and which rows each chunk learns from.
struct LevelTask {
  TrainingRows rows;
  const ChunkRowSets& row_sets;
  std::span<const uint32_t> first_child;  ///< n_chunks + 1
  uint32_t level = 0;
  LevelOptions options;
};

/// Trains chunks of one level; each thread brings its own.
class ChunkTrainer {
 public:
  explicit ChunkTrainer(const LevelTask& task) : task_(task) {}

  ChunkProblem gather(size_t chunk);
  ChunkRows train(size_t chunk);
  ChunkRows pack(std::span<const LaneWeights> parts) { return pack_children(parts, task_.options.prune, scratch_); }

 private:
  const LevelTask& task_;
  ChunkGatherer gatherer_;
  SolverScratch scratch_;
};

/// All chunks of the level. Chunks with much work are split over the threads by children, the others go to one thread
/// each; a child's weights do not depend on that.
LevelWeights train_level(const LevelTask& task, ThreadPool& pool, Progress& progress);

}  // namespace coppice
