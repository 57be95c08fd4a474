// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/rank/chunk_problem.h"
#include "coppice/rank/level_weights.h"
#include "coppice/rank/negatives.h"
#include "coppice/rank/ranker_training.h"

namespace coppice {

/// One level to be trained: who belongs where, and which rows each chunk learns from.
struct LevelTask {
  TrainingRows rows;
  ChunkRowSets row_sets;
  std::span<const uint32_t> first_child;  ///< n_chunks + 1
  uint32_t level = 0;
  LevelOptions options;
  const ChunkSolver* solver = &joint_solver();
  size_t first_chunk = 0;  ///< the number that the first of these chunks has in its level

  size_t n_chunks() const noexcept { return row_sets.n_chunks(); }
  uint32_t n_children(size_t chunk) const noexcept { return first_child[chunk + 1] - first_child[chunk]; }
  /// Row visits of one pass over all children: the unit in which progress is reported.
  uint64_t work(size_t chunk) const noexcept { return uint64_t{n_children(chunk)} * row_sets.of(chunk).size(); }
  uint64_t work() const noexcept;

  ChunkRange range(size_t chunk) const noexcept {
    return {uint64_t{level} << 32 | (first_chunk + chunk), first_child[chunk], n_children(chunk)};
  }
};

/// Bytes of finished chunks that may stay with the C library before they are given back to the system.
constexpr uint64_t kMostFreeBytes = 16 << 20;

/// Puts levels together of chunks that come in any order, and hands the levels over one by one, the first first, as
/// soon as they and those before are complete.
///
/// Threads: `add` may be called from any thread; `done` is called by those that do, one call at a time.
class LevelsInWork {
 public:
  LevelsInWork(std::span<const LevelTask> tasks, const std::function<void(LevelWeights)>& done);
  ~LevelsInWork();
  LevelsInWork(const LevelsInWork&) = delete;
  LevelsInWork& operator=(const LevelsInWork&) = delete;

  /// Chunk `chunk` of `tasks[task]`, each once.
  void add(size_t task, size_t chunk, EncodedChunk encoded);

 private:
  class Level;
  void hand_over();

  const std::function<void(LevelWeights)>& done_;
  std::mutex mutex_;
  std::vector<Level> levels_;  // guarded by mutex_, as is next_
  size_t next_ = 0;
};

/// Chunks [begin, end) of a task.
struct ChunkSpan {
  size_t begin = 0;
  size_t end = 0;
};

/// Takes a finished chunk of `tasks[task]`.
using TakeChunk = std::function<void(size_t task, size_t chunk, EncodedChunk encoded)>;

/// Trains some chunks of levels that do not depend on each other: spans[t] of tasks[t].
///
/// Chunks go to the threads by level, the largest of a level first, so that the few of the top, which one thread may
/// be long at, are worked on beside those of deeper levels. A chunk larger than a thread's fair share is split by
/// children. A child's weights depend on none of this.
/// Memory: a gathered chunk per thread, and kMostFreeBytes.
/// Threads: `take` is called from any thread of the pool, several calls at a time. Throws `ErrorCode::cancelled` on
/// request.
void train_chunks(std::span<const LevelTask> tasks, std::span<const ChunkSpan> spans, Job job, const TakeChunk& take);

/// Trains all chunks of these levels here, and hands the levels over as `LevelsInWork` does. Memory: the finished
/// chunks beside those in work.
void train_levels(std::span<const LevelTask> tasks, Job job, const std::function<void(LevelWeights)>& done);

}  // namespace coppice
