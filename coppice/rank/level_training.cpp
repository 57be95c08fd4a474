// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/level_training.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/memory.h"

namespace coppice {
namespace {

/// What one thread does in one go: some children of a chunk.
struct Part {
  uint32_t task;
  uint32_t chunk;
  uint32_t first;
  uint32_t count;
  uint32_t split;  ///< number of the split chunk, kWhole when the part is the whole chunk
  static constexpr uint32_t kWhole = 0xFFFFFFFFU;
};

/// A chunk that several threads work on: gathered by the first, packed by the last.
struct SplitChunk {
  std::once_flag gather_once;
  ChunkProblem problem;
  std::mutex mutex;
  std::vector<LaneWeights> results;
  size_t n_parts = 0;
};

/// Time of a chunk relative to others: lanes are solved in vectors, and not less than half a vector at that.
uint64_t cost(const LevelTask& task, size_t chunk) {
  const uint64_t lanes = (task.n_children(chunk) + 7) / 8 * 8;
  return lanes * (task.row_sets.of(chunk).size() + 1);
}

std::vector<Part> parts_of_chunk(const LevelTask& task, const Part& whole, uint64_t fair_cost) {
  constexpr uint32_t kFewestLanes = 8;
  const uint64_t pieces = cost(task, whole.chunk) / std::max<uint64_t>(1, fair_cost) + 1;
  const auto even = static_cast<uint32_t>((whole.count + pieces - 1) / pieces);
  uint32_t lanes = (even + kFewestLanes - 1) / kFewestLanes * kFewestLanes;
  if (lanes > LaneWeights::kMostLanes) lanes = lanes / LaneWeights::kMostLanes * LaneWeights::kMostLanes;
  std::vector<Part> parts;
  for (uint32_t first = 0; first < whole.count; first += lanes) {
    parts.push_back({whole.task, whole.chunk, first, std::min(lanes, whole.count - first), Part::kWhole});
  }
  return parts;
}

/// A weight that overflowed would make every score of its chunk useless, and the model one that is called damaged.
void expect_finite(const LaneWeights& weights, const LevelTask& task, size_t chunk) {
  const auto is_finite = [](float value) { return std::isfinite(value); };
  if (std::all_of(weights.bias.begin(), weights.bias.end(), is_finite) &&
      std::all_of(weights.weights.begin(), weights.weights.end(),
                  [](const ChunkWeight& weight) { return std::isfinite(weight.value); })) {
    return;
  }
  throw Error(ErrorCode::data, "training came to a weight that is not finite",
              "level " + std::to_string(task.level + 1) + ", chunk " + std::to_string(task.first_chunk + chunk),
              "values of features, weights of rows or relevances are too large; scale them down");
}

class ChunksTrainer {
 public:
  ChunksTrainer(std::span<const LevelTask> tasks, std::span<const ChunkSpan> spans, Job job, const TakeChunk& take)
      : tasks_(tasks), pool_(job.pool), progress_(job.progress), take_(take), workers_(job.pool.threads()) {
    plan(spans);
  }

  void train() {
    pool_.run(parts_.size(), [&](size_t part, size_t worker) { train_part(parts_[part], workers_[worker]); });
  }

 private:
  struct Worker {
    ChunkGatherer gatherer;
    PackScratch scratch;
  };

  void plan(std::span<const ChunkSpan> spans) {
    uint64_t total = 0;
    for (size_t t = 0; t < tasks_.size(); ++t) {
      for (size_t chunk = spans[t].begin; chunk < spans[t].end; ++chunk) total += cost(tasks_[t], chunk);
    }
    const uint64_t fair = pool_.threads() > 1 ? total / pool_.threads() / 2 : total;
    for (size_t t = 0; t < tasks_.size(); ++t) {
      const LevelTask& task = tasks_[t];
      std::vector<uint32_t> order(spans[t].end - spans[t].begin);
      std::iota(order.begin(), order.end(), static_cast<uint32_t>(spans[t].begin));
      std::stable_sort(order.begin(), order.end(),
                       [&](uint32_t a, uint32_t b) { return cost(task, a) > cost(task, b); });
      for (const uint32_t chunk : order) {
        add_parts(task, {static_cast<uint32_t>(t), chunk, 0, task.n_children(chunk), Part::kWhole}, fair);
      }
    }
  }

  void add_parts(const LevelTask& task, const Part& whole, uint64_t fair_cost) {
    std::vector<Part> parts = parts_of_chunk(task, whole, fair_cost);
    if (parts.size() > 1) {
      for (Part& part : parts) part.split = static_cast<uint32_t>(splits_.size());
      splits_.push_back(std::make_unique<SplitChunk>());
      splits_.back()->n_parts = parts.size();
    }
    parts_.insert(parts_.end(), parts.begin(), parts.end());
  }

  void train_part(const Part& part, Worker& worker) {
    progress_.throw_if_stopped();
    const LevelTask& task = tasks_[part.task];
    if (part.split == Part::kWhole) {
      std::vector<LaneWeights> all(1);
      {
        const ChunkProblem problem = gather(task, part, worker);
        all[0] = solve(task, problem, part);
        count_free(problem.size_bytes());
      }
      finish(part, packed(std::move(all), task, worker));
    } else {
      train_split(part, *splits_[part.split], worker);
    }
    progress_.advance(uint64_t{part.count} * task.row_sets.of(part.chunk).size());
  }

  void train_split(const Part& part, SplitChunk& split, Worker& worker) {
    const LevelTask& task = tasks_[part.task];
    std::call_once(split.gather_once, [&] { split.problem = gather(task, part, worker); });
    LaneWeights weights = solve(task, split.problem, part);
    {
      std::lock_guard lock(split.mutex);
      split.results.push_back(std::move(weights));
      if (split.results.size() < split.n_parts) return;
    }
    count_free(split.problem.size_bytes());
    split.problem = ChunkProblem();
    std::sort(split.results.begin(), split.results.end(),
              [](const LaneWeights& a, const LaneWeights& b) { return a.first_child < b.first_child; });
    finish(part, packed(std::move(split.results), task, worker));
  }

  /// Takes the parts, so that they are gone before the chunk is encoded.
  ChunkRows packed(std::vector<LaneWeights> parts, const LevelTask& task, Worker& worker) {
    for (const LaneWeights& part : parts) count_free(part.weights.size() * sizeof(ChunkWeight));
    return pack_children(parts, task.options.prune, worker.scratch);
  }

  static ChunkProblem gather(const LevelTask& task, const Part& part, Worker& worker) {
    return worker.gatherer.gather(task.rows, task.range(part.chunk), task.row_sets.of(part.chunk));
  }

  LaneWeights solve(const LevelTask& task, const ChunkProblem& problem, const Part& part) const {
    SolverOptions options = task.options.solver;
    options.stop = &progress_;
    LaneWeights weights = task.solver->solve(problem, {part.first, part.count}, options, task.options.prune);
    expect_finite(weights, task, part.chunk);
    return weights;
  }

  void finish(const Part& part, const ChunkRows& rows) {
    take_(part.task, part.chunk, encode_chunk(rows, tasks_[part.task].rows.features->n_columns));
    uint64_t freed = free_bytes_;
    if (freed < kMostFreeBytes || !free_bytes_.compare_exchange_strong(freed, 0)) return;
    release_free_memory();
  }

  /// Freed blocks that are too small to go back to the system at once are sent there now and then.
  void count_free(uint64_t bytes) { free_bytes_ += bytes; }

  std::span<const LevelTask> tasks_;
  ThreadPool& pool_;
  Progress& progress_;
  const TakeChunk& take_;
  std::vector<Worker> workers_;
  std::vector<Part> parts_;
  std::vector<std::unique_ptr<SplitChunk>> splits_;
  std::atomic<uint64_t> free_bytes_ = 0;  // of chunks, since memory was last given back
};

}  // namespace

/// Takes the chunks of one level as they are finished, in any order, and appends them in theirs.
class LevelsInWork::Level {
 public:
  explicit Level(const LevelTask& task) : builder_(task.rows.features->n_columns), n_chunks_(task.n_chunks()) {}

  void add(size_t chunk, EncodedChunk encoded) {
    waiting_.emplace(chunk, std::move(encoded));
    uint64_t freed = 0;  // when the first chunk comes last, all others of the level go to the builder at once
    for (auto first = waiting_.begin(); first != waiting_.end() && first->first == builder_.n_chunks();
         first = waiting_.erase(first)) {
      builder_.add(first->second);
      freed += first->second.payload.size();
      if (freed < kMostFreeBytes) continue;
      freed = 0;
      release_free_memory();
    }
  }
  bool complete() const noexcept { return builder_.n_chunks() == n_chunks_; }
  LevelWeights build() { return builder_.build(); }

 private:
  LevelWeightsBuilder builder_;
  size_t n_chunks_;
  std::map<size_t, EncodedChunk> waiting_;
};

LevelsInWork::LevelsInWork(std::span<const LevelTask> tasks, const std::function<void(LevelWeights)>& done)
    : done_(done) {
  for (const LevelTask& task : tasks) levels_.emplace_back(task);
  hand_over();  // levels without chunks
}
LevelsInWork::~LevelsInWork() = default;

void LevelsInWork::add(size_t task, size_t chunk, EncodedChunk encoded) {
  const std::lock_guard lock(mutex_);
  levels_[task].add(chunk, std::move(encoded));
  hand_over();
}

void LevelsInWork::hand_over() {
  while (next_ < levels_.size() && levels_[next_].complete()) done_(levels_[next_++].build());
}

uint64_t LevelTask::work() const noexcept {
  uint64_t sum = 0;
  for (size_t chunk = 0; chunk < n_chunks(); ++chunk) sum += work(chunk);
  return sum;
}

void train_chunks(std::span<const LevelTask> tasks, std::span<const ChunkSpan> spans, Job job, const TakeChunk& take) {
  ChunksTrainer(tasks, spans, job, take).train();
}

void train_levels(std::span<const LevelTask> tasks, Job job, const std::function<void(LevelWeights)>& done) {
  LevelsInWork levels(tasks, done);
  std::vector<ChunkSpan> all;
  for (const LevelTask& task : tasks) all.push_back({0, task.n_chunks()});
  train_chunks(tasks, all, job,
               [&](size_t task, size_t chunk, EncodedChunk encoded) { levels.add(task, chunk, std::move(encoded)); });
}

}  // namespace coppice
