// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/level_training.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace coppice {
namespace {

/// Children solved by one thread when a chunk is split: a full SIMD block, or less where threads would stay idle.
constexpr uint32_t kFewestLanes = 4;
constexpr uint32_t kMostLanes = 16;

uint32_t lanes_per_part(uint32_t n_children, size_t threads) {
  const auto even = static_cast<uint32_t>((n_children + threads - 1) / threads);
  const uint32_t rounded = (even + kFewestLanes - 1) / kFewestLanes * kFewestLanes;
  return std::clamp(rounded, kFewestLanes, kMostLanes);
}

/// Appends chunks in order although they are finished in any order.
class OrderedAppend {
 public:
  explicit OrderedAppend(LevelWeightsBuilder& builder) : builder_(builder) {}

  void add(size_t chunk, EncodedChunk encoded) {
    std::lock_guard lock(mutex_);
    waiting_.emplace(chunk, std::move(encoded));
    for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_;
         first = waiting_.erase(first)) {
      builder_.add(first->second);
      ++next_;
    }
  }

 private:
  LevelWeightsBuilder& builder_;
  std::mutex mutex_;
  std::map<size_t, EncodedChunk> waiting_;
  size_t next_ = 0;
};

class LevelTrainer {
 public:
  LevelTrainer(const LevelTask& task, ThreadPool& pool, Progress& progress)
      : task_(task),
        pool_(pool),
        progress_(progress),
        builder_(task.rows.features->n_columns),
        append_(builder_),
        trainers_(pool.threads(), ChunkTrainer(task)) {}

  LevelWeights train() {
    const size_t n_chunks = task_.row_sets.n_chunks();
    for (size_t begin = 0; begin < n_chunks;) {
      if (is_large(begin)) {
        train_split(begin++);
        continue;
      }
      size_t end = begin + 1;
      while (end < n_chunks && !is_large(end)) ++end;
      pool_.run(end - begin, [&](size_t part, size_t worker) { train_whole(begin + part, worker); });
      begin = end;
    }
    return builder_.build();
  }

 private:
  uint32_t n_children(size_t chunk) const { return task_.first_child[chunk + 1] - task_.first_child[chunk]; }

  uint64_t work(size_t chunk) const { return uint64_t{n_children(chunk)} * task_.row_sets.of(chunk).size(); }

  uint64_t total_work() {
    if (total_work_ == 0) {
      for (size_t chunk = 0; chunk < task_.row_sets.n_chunks(); ++chunk) total_work_ += work(chunk);
    }
    return total_work_;
  }

  /// So large that one thread would work on it while the others have run out of chunks.
  bool is_large(size_t chunk) { return pool_.threads() > 1 && work(chunk) * 4 * pool_.threads() > total_work(); }

  void train_whole(size_t chunk, size_t worker) {
    progress_.throw_if_stopped();
    append_.add(chunk, encode_chunk(trainers_[worker].train(chunk), task_.rows.features->n_columns));
    progress_.advance(work(chunk));
  }

  void train_split(size_t chunk) {
    const ChunkProblem problem = trainers_[0].gather(chunk);
    const uint32_t lanes = lanes_per_part(n_children(chunk), pool_.threads());
    std::vector<LaneWeights> parts((n_children(chunk) + lanes - 1) / lanes);
    pool_.run(parts.size(), [&](size_t part, size_t) {
      progress_.throw_if_stopped();
      const auto first = static_cast<uint32_t>(part) * lanes;
      const uint32_t count = std::min(lanes, n_children(chunk) - first);
      parts[part] = solve_children(problem, first, count, task_.options.solver, task_.options.prune);
      progress_.advance(uint64_t{count} * problem.n_rows());
    });
    append_.add(chunk, encode_chunk(trainers_[0].pack(parts), task_.rows.features->n_columns));
  }

  const LevelTask& task_;
  ThreadPool& pool_;
  Progress& progress_;
  LevelWeightsBuilder builder_;
  OrderedAppend append_;
  std::vector<ChunkTrainer> trainers_;
  uint64_t total_work_ = 0;
};

}  // namespace

ChunkProblem ChunkTrainer::gather(size_t chunk) {
  const uint32_t first = task_.first_child[chunk];
  const uint64_t id = uint64_t{task_.level} << 32 | chunk;
  return gatherer_.gather(task_.rows, {id, first, task_.first_child[chunk + 1] - first}, task_.row_sets.of(chunk));
}

ChunkRows ChunkTrainer::train(size_t chunk) {
  const ChunkProblem problem = gather(chunk);
  const LaneWeights all = solve_children(problem, 0, problem.n_children, task_.options.solver, task_.options.prune);
  return pack({&all, 1});
}

LevelWeights train_level(const LevelTask& task, ThreadPool& pool, Progress& progress) {
  return LevelTrainer(task, pool, progress).train();
}

}  // namespace coppice
