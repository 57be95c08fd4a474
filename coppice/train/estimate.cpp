// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/estimate.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "coppice/core/memory.h"
#include "coppice/rank/level_training.h"

namespace coppice {
namespace {

constexpr size_t kPilotChunks = 12;
constexpr uint32_t kLargestPilotRows = 16384;
/// A chunk's weights on their way, beside their encoded form: as solved, and sorted by rows.
constexpr uint64_t kPackingCopies = 2;
/// What the allocator, the program and its libraries take beside the arrays that are counted.
constexpr double kMemoryMargin = 1.10;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// CPU time of this thread: what other programs do on the machine does not count.
double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// What training one chunk on some of its rows took.
struct Trial {
  double nonzeros = 0;
  double seconds = 0;
  double model_bytes = 0;
  double scratch_bytes = 0;
};

uint64_t nonzeros_of(const Csr& features, std::span<const uint32_t> rows) {
  uint64_t count = 0;
  for (const uint32_t row : rows) count += features.row(row).size();
  return count;
}

uint64_t scratch_of(const ChunkProblem& problem) {
  const uint64_t rows = problem.n_rows();
  constexpr uint64_t kLanes = 16;
  return problem.entries.size() * sizeof(RowEntry) + problem.own_values.size() * 4 + problem.features.size() * 4 +
         problem.n_shared * kLanes * 4 + rows * (kLanes * 4 + 64) + problem.positives.size() * sizeof(Positive);
}

/// Evenly spread rows, at most `most`.
std::vector<uint32_t> sample(std::span<const uint32_t> rows, size_t most) {
  std::vector<uint32_t> chosen;
  const size_t count = std::min(most, rows.size());
  for (size_t i = 0; i < count; ++i) chosen.push_back(rows[i * rows.size() / count]);
  return chosen;
}

/// One level: its chunks, and what trials say of it.
class LevelPilot {
 public:
  LevelPilot(const LevelTask& task, double extra_rows_per_chunk, size_t threads)
      : task_(task), extra_rows_(extra_rows_per_chunk), threads_(static_cast<double>(threads)) {}

  LevelEstimate run(Progress& progress) {
    estimate_.n_chunks = task_.row_sets.n_chunks();
    estimate_.n_children = task_.first_child.back();
    const std::vector<size_t> chunks = pilots();
    Trial sum;
    double largest_share = 0;
    for (const size_t chunk : chunks) {
      progress.throw_if_stopped();
      const Trial trial = try_chunk(chunk);
      sum.nonzeros += trial.nonzeros;
      sum.seconds += trial.seconds;
      sum.model_bytes += trial.model_bytes;
      largest_share = std::max(largest_share, trial.scratch_bytes / std::max(1.0, trial.nonzeros));
    }
    conclude(sum, largest_share, chunks.size());
    return estimate_;
  }

 private:
  /// Chunks at evenly spread ranks of size, so that their sum stands for all.
  std::vector<size_t> pilots() const {
    std::vector<size_t> by_size(task_.row_sets.n_chunks());
    std::iota(by_size.begin(), by_size.end(), size_t{0});
    std::stable_sort(by_size.begin(), by_size.end(),
                     [&](size_t a, size_t b) { return task_.row_sets.of(a).size() < task_.row_sets.of(b).size(); });
    const size_t count = std::min(kPilotChunks, by_size.size());
    std::vector<size_t> chosen;
    for (size_t i = 0; i < count; ++i) chosen.push_back(by_size[(2 * i + 1) * by_size.size() / (2 * count)]);
    return chosen;
  }

  /// The chunk's own rows, and rows of its neighbours in place of those a matcher would bring.
  std::vector<uint32_t> rows_of(size_t chunk) const {
    const auto own = task_.row_sets.of(chunk);
    std::vector<uint32_t> rows(own.begin(), own.end());
    const size_t wanted = own.size() + static_cast<size_t>(extra_rows_);
    for (size_t step = 1; rows.size() < wanted && step < task_.row_sets.n_chunks(); ++step) {
      const auto next = task_.row_sets.of((chunk + step) % task_.row_sets.n_chunks());
      rows.insert(rows.end(), next.begin(), next.end());
    }
    rows.resize(std::min(rows.size(), wanted));
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    return rows;
  }

  Trial try_rows(size_t chunk, const std::vector<uint32_t>& rows) {
    const double begin = thread_seconds();
    const uint32_t first = task_.first_child[chunk];
    const uint64_t id = uint64_t{task_.level} << 32 | chunk;
    const ChunkProblem problem = gatherer_.gather(task_.rows, {id, first, task_.first_child[chunk + 1] - first}, rows);
    const LaneWeights all =
        task_.solver->solve(problem, {0, problem.n_children}, task_.options.solver, task_.options.prune);
    const EncodedChunk encoded =
        encode_chunk(pack_children({&all, 1}, task_.options.prune, scratch_), task_.rows.features->n_columns);
    return {static_cast<double>(nonzeros_of(*task_.rows.features, rows)), thread_seconds() - begin,
            static_cast<double>(encoded.payload.size()),
            static_cast<double>(scratch_of(problem) + kPackingCopies * encoded.payload.size())};
  }

  /// A chunk whole, or, where it is too large, carried on from two samples of its rows by the power they grow with.
  Trial try_chunk(size_t chunk) {
    const std::vector<uint32_t> rows = rows_of(chunk);
    if (rows.size() <= 2 * kLargestPilotRows) return try_rows(chunk, rows);
    const Trial half = try_rows(chunk, sample(rows, kLargestPilotRows / 2));
    const Trial whole = try_rows(chunk, sample(rows, kLargestPilotRows));
    const double growth = static_cast<double>(rows.size()) / kLargestPilotRows;
    const auto carried = [&](double Trial::*figure) {
      const double power = std::log2(std::max(1e-9, whole.*figure) / std::max(1e-9, half.*figure));
      return whole.*figure * std::pow(growth, std::clamp(power, 0.3, 1.3));
    };
    return {static_cast<double>(nonzeros_of(*task_.rows.features, rows)), carried(&Trial::seconds),
            carried(&Trial::model_bytes), carried(&Trial::scratch_bytes)};
  }

  void conclude(const Trial& sum, double scratch_per_nonzero, size_t n_pilots) {
    double all = 0, largest = 0;
    const double per_row = static_cast<double>(task_.rows.features->n_nonzeros()) /
                           static_cast<double>(std::max<size_t>(1, task_.rows.features->n_rows()));
    for (size_t chunk = 0; chunk < task_.row_sets.n_chunks(); ++chunk) {
      const double extra = task_.row_sets.n_chunks() > 1 ? extra_rows_ : 0;
      const double nonzeros =
          static_cast<double>(nonzeros_of(*task_.rows.features, task_.row_sets.of(chunk))) + extra * per_row;
      estimate_.n_rows += task_.row_sets.of(chunk).size() + static_cast<uint64_t>(extra);
      all += nonzeros;
      largest = std::max(largest, nonzeros);
    }
    const double share = all / std::max(1.0, sum.nonzeros);
    estimate_.pilot_chunks = static_cast<uint32_t>(n_pilots);
    estimate_.cpu_seconds = sum.seconds * share;
    const double parts = static_cast<double>(estimate_.n_children) / 4;  // a large chunk is split by children
    estimate_.wall_seconds = estimate_.cpu_seconds / std::max(1.0, std::min(threads_, parts));
    estimate_.model_bytes = static_cast<uint64_t>(sum.model_bytes * share) + 4 * estimate_.n_children +
                            sizeof(ChunkEntry) * estimate_.n_chunks;
    const double at_once = std::min(threads_, static_cast<double>(estimate_.n_chunks));
    estimate_.scratch_bytes = static_cast<uint64_t>(largest * scratch_per_nonzero * std::max(1.0, at_once));
  }

  const LevelTask& task_;
  double extra_rows_;
  double threads_;
  ChunkGatherer gatherer_;
  PackScratch scratch_;
  LevelEstimate estimate_;
};

/// How many rows per chunk a matcher brings beside those that belong there.
double matched_rows_per_chunk(const Csr& parents, const RankerOptions& options, Negatives negatives) {
  if (!negatives.man) return 0;
  const double chunks = parents.n_columns;
  const double found = std::min<double>(options.matcher_beam, chunks);
  const double own = static_cast<double>(parents.n_nonzeros()) / static_cast<double>(parents.n_rows());
  return std::max(0.0, found - 0.9 * std::min(own, found)) * static_cast<double>(parents.n_rows()) / chunks;
}

uint64_t bytes_beside_weights(const TrainingSet& set, const LabelTree& tree) {
  uint64_t bytes = 8192 + set.label_names.bytes().size() + set.label_names.offsets().size_bytes() +
                   set.label_names.slots().size_bytes() + 4ull * set.labels.n_columns + tree.leaf_label.size_bytes();
  for (const auto& level : tree.first_child) bytes += level.size_bytes();
  if (set.vectorizer) {
    const VectorizerTables& tables = set.vectorizer->tables();
    bytes += tables.buckets.size_bytes() + tables.idf.size_bytes() + tables.name_offsets.size_bytes() +
             tables.name_bytes.size_bytes();
  }
  return bytes;
}

}  // namespace

Estimate estimate_training(const TrainingSet& set, const TrainOptions& options, const TrainExtras& extras,
                           ThreadPool& pool, Progress& progress) {
  Estimate estimate;
  estimate.n_rows = set.n_rows();
  estimate.n_features = set.features.n_columns;
  estimate.n_labels = set.labels.n_columns;
  estimate.n_nonzeros = set.features.n_nonzeros();
  const auto begin = std::chrono::steady_clock::now();
  const LabelTree tree = index_labels(set, options, extras, pool, progress);
  estimate.index_seconds = seconds_since(begin);
  const std::vector<Csr> members = labels_up_the_tree(tree, set.labels, pool);
  release_free_memory();
  uint64_t resident = resident_memory_bytes();
  estimate.peak_bytes = peak_memory_bytes();
  estimate.model_bytes = bytes_beside_weights(set, tree);
  progress.stage("training pilot chunks", tree.depth());
  for (size_t level = 0; level < tree.depth(); ++level) {
    const LevelOptions own = options_of_level(options.ranker, level);
    const ChunkRowSets sets = level == 0
                                  ? all_rows_in_each(set.n_rows(), 1)
                                  : rows_by_chunk(std::vector<const Csr*>{&members[level - 1]}, tree.n_chunks(level));
    const LevelTask task{{&set.features, &members[level], set.weights, own.solver.bias},
                         sets,
                         tree.first_child[level].span(),
                         static_cast<uint32_t>(level),
                         own,
                         extras.solver != nullptr ? extras.solver : &joint_solver()};
    const double extra = level == 0 ? 0 : matched_rows_per_chunk(members[level - 1], options.ranker, own.negatives);
    LevelEstimate one = LevelPilot(task, extra, pool.threads()).run(progress);
    const uint64_t row_sets_bytes = one.n_rows * 4 + (extra > 0 ? set.n_rows() * options.ranker.matcher_beam * 16 : 0);
    resident += one.model_bytes;
    const uint64_t now = resident + one.scratch_bytes + row_sets_bytes;
    estimate.peak_bytes =
        std::max(estimate.peak_bytes, static_cast<uint64_t>(static_cast<double>(now) * kMemoryMargin));
    estimate.model_bytes += one.model_bytes;
    estimate.train_seconds += one.wall_seconds;
    estimate.levels.push_back(one);
    progress.advance(1);
  }
  return estimate;
}

}  // namespace coppice
