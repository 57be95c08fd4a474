// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/job.h"
#include "coppice/dist/transport.h"
#include "coppice/rank/level_training.h"

namespace coppice {

/// What one worker did for the training of a ranker.
struct RankReport {
  uint64_t chunks = 0;
  uint64_t rows = 0;        ///< that it has, of the training set
  uint64_t cost = 0;        ///< of its chunks, in the unit by which they were shared out
  double seconds = 0;       ///< of training, which waiting is no part of
  uint64_t peak_bytes = 0;  ///< of the process
};

/// The first worker's part in training one linear ranker on the machines of several.
///
/// It reads, builds the tree, and searches for negatives, as if it were alone. The chunks of each level are shared out:
/// to each worker a run of neighbours, so sub-trees, of about the same work; a level of one chunk stays here. A worker
/// is sent the rows that its sub-trees learn from, each once, and sends finished chunks back. So the others need
/// neither the input nor a disk, and a ranker has the same bytes for any number of workers.
///
/// While this one does what the others have no part in, a thread of its own tells them that it lives.
/// Threads: as Transport, which nobody else uses meanwhile.
class TreeOverRanks {
 public:
  /// All others call `train_for_first_rank` at the same time.
  explicit TreeOverRanks(Transport& transport);
  /// Where neither `finish` nor `fail` was called, the others are told that this one ended.
  ~TreeOverRanks();
  TreeOverRanks(const TreeOverRanks&) = delete;
  TreeOverRanks& operator=(const TreeOverRanks&) = delete;

  /// What `TrainExtras::train_levels` wants. Throws what a worker's training threw, naming it; `ErrorCode::cancelled`
  /// when `job` says so, also while it waits for others; as Transport does.
  void train_levels(std::span<const LevelTask> tasks, Job job, const std::function<void(LevelWeights)>& done);

  /// Lets the others go, those that are left; a second time it does nothing. By rank.
  std::vector<RankReport> finish();

  /// They end with the same error.
  void fail(const Error& error) noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The part of every other worker: trains what the first one sends until that lets it go. `solver`: one's own, the same
/// for all workers.
///
/// Throws the first one's error, `ErrorCode::timeout` when that does not say for longer than the time limit that it
/// lives; what its own training throws, after telling the first one.
/// Memory: the rows that it was sent, the chunks that it was given, as it has finished them, and a gathered one for
/// each thread.
void train_for_first_rank(Transport& transport, Job job, const ChunkSolver& solver = joint_solver());

/// By rank, for each task: its chunks. Runs of neighbours whose costs are about equal over the ranks; all of a task
/// with one chunk goes to the first rank, which gets the less of the others. Shapes: costs[task][chunk],
/// result[rank][task].
std::vector<std::vector<ChunkSpan>> share_chunks(std::span<const std::vector<uint64_t>> costs, uint32_t n_ranks);

/// The chunks' costs relative to one another: nonzeros of the rows that are learned from, times lanes of the solver.
std::vector<uint64_t> chunk_costs(const LevelTask& task);

}  // namespace coppice
