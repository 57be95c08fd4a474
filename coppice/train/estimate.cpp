// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/estimate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "coppice/core/memory.h"
#include "coppice/rank/level_training.h"
#include "coppice/train/estimate_clock.h"
#include "coppice/train/estimate_matching.h"
#include "coppice/train/training_memory.h"

namespace coppice {
namespace {

// Chunks of a level that are tried: fewer where they are large.
constexpr size_t kMostPilotChunks = 12;
constexpr size_t kFewestPilotChunks = 4;
constexpr size_t kPilotRows = size_t{1} << 19;
constexpr uint32_t kLargestPilotRows = 65536;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// What training one chunk on some of its rows took.
struct Trial {
  double nonzeros = 0;
  double seconds = 0;
  double model_bytes = 0;
  double weight_bytes = 0;
  double problem_bytes = 0;
  double solving_bytes = 0;
  ChunkSize size;
};

uint64_t nonzeros_of(const Csr& features, std::span<const uint32_t> rows) {
  uint64_t count = 0;
  for (const uint32_t row : rows) count += features.row(row).size();
  return count;
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
      : task_(task), threads_(static_cast<double>(threads)) {
    std::vector<size_t> own;
    for (size_t chunk = 0; chunk < task.n_chunks(); ++chunk) own.push_back(task.row_sets.of(chunk).size());
    extra_rows_ = spread_matches(own, extra_rows_per_chunk, task.rows.features->n_rows());
    by_size_.resize(own.size());
    std::iota(by_size_.begin(), by_size_.end(), size_t{0});
    std::stable_sort(by_size_.begin(), by_size_.end(), [&](size_t a, size_t b) { return own[a] < own[b]; });
  }

  LevelEstimate run(Progress& progress) {
    estimate_.n_chunks = task_.row_sets.n_chunks();
    estimate_.n_children = task_.first_child.back();
    Trial sum;
    for (const size_t chunk : pilots()) {
      progress.throw_if_stopped();
      trials_.push_back(try_chunk(chunk));
      encoded_.push_back(std::move(last_encoded_));
      sum.nonzeros += trials_.back().nonzeros;
      sum.seconds += trials_.back().seconds;
      sum.model_bytes += trials_.back().model_bytes;
    }
    conclude(sum);
    return estimate_;
  }

  /// After `run`.
  PilotLevel level() const { return {task_.first_child, by_size_, encoded_}; }

  /// What each chunk holds while it is trained, in the order of training.
  std::vector<ChunkMemory> memory() {
    const size_t n_chunks = task_.row_sets.n_chunks();
    if (n_chunks == 0) return {};
    std::vector<std::pair<double, size_t>> order;
    double all = 0;
    for (size_t chunk = 0; chunk < n_chunks; ++chunk) {
      order.emplace_back(nonzeros(chunk), chunk);
      all += order.back().first;
    }
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    trials_.push_back(gather_only(order.front().second));
    std::vector<ChunkMemory> chunks;
    for (const auto& [size, chunk] : order) {
      chunks.push_back(memory_of(size));
      chunks.back().encoded =
          static_cast<uint64_t>(size / std::max(1.0, all) * static_cast<double>(estimate_.model_bytes));
      chunks.back().size.n_children = task_.n_children(chunk);
      chunks.back().parts = parts_of(task_.n_children(chunk), size / std::max(1.0, all));
      chunks.back().narrows = task_.n_children(chunk) > LaneWeights::kFewestLanes * chunks.back().parts;
    }
    return chunks;
  }

 private:
  /// Into how many parts `train_levels` splits a chunk with this share of all work.
  uint32_t parts_of(uint32_t n_children, double share) const {
    if (threads_ <= 1) return 1;
    const auto pieces = static_cast<uint32_t>(share * threads_ * 2) + 1;
    uint32_t lanes = ((n_children + pieces - 1) / pieces + 7) / 8 * 8;
    if (lanes > LaneWeights::kMostLanes) lanes = lanes / LaneWeights::kMostLanes * LaneWeights::kMostLanes;
    return (n_children + lanes - 1) / lanes;
  }

  /// Chunks at evenly spread ranks of size, so that their sum stands for all.
  std::vector<size_t> pilots() const {
    const size_t n_chunks = by_size_.size();
    double rows = std::accumulate(extra_rows_.begin(), extra_rows_.end(), 1.0);
    for (const size_t chunk : by_size_) rows += static_cast<double>(task_.row_sets.of(chunk).size());
    const auto affordable = static_cast<size_t>(kPilotRows / rows * static_cast<double>(n_chunks));
    const size_t count = std::min(std::clamp(affordable, kFewestPilotChunks, kMostPilotChunks), n_chunks);
    std::vector<size_t> chosen;
    for (size_t i = 0; i < count; ++i) chosen.push_back(by_size_[(2 * i + 1) * n_chunks / (2 * count)]);
    return chosen;
  }

  /// The chunk's own rows, and rows of its neighbours in place of those a matcher would bring.
  std::vector<uint32_t> rows_of(size_t chunk) const {
    const auto own = task_.row_sets.of(chunk);
    std::vector<uint32_t> rows(own.begin(), own.end());
    const size_t wanted = own.size() + static_cast<size_t>(extra_rows_[chunk]);
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
    const ChunkProblem problem = gather(chunk, rows);
    const LaneWeights all =
        task_.solver->solve(problem, {0, problem.n_children}, task_.options.solver, task_.options.prune);
    last_encoded_ =
        encode_chunk(pack_children({&all, 1}, task_.options.prune, scratch_), task_.rows.features->n_columns);
    Trial trial = memory_of(problem, rows);
    trial.seconds = thread_seconds() - begin;
    trial.model_bytes = static_cast<double>(last_encoded_.payload.size());
    trial.weight_bytes = static_cast<double>(all.weights.size() * sizeof(ChunkWeight));
    const ChunkEntry& entry = last_encoded_.entry;
    trial.size = {entry.encoding, entry.n_children, entry.n_rows, entry.n_entries};
    return trial;
  }

  ChunkProblem gather(size_t chunk, const std::vector<uint32_t>& rows) {
    return gatherer_.gather(task_.rows, task_.range(chunk), rows);
  }

  Trial memory_of(const ChunkProblem& problem, const std::vector<uint32_t>& rows) const {
    Trial trial;
    trial.nonzeros = static_cast<double>(nonzeros_of(*task_.rows.features, rows));
    trial.problem_bytes = static_cast<double>(problem.size_bytes());
    trial.solving_bytes = static_cast<double>(solving_bytes(problem, problem.n_children, task_.options.solver.loss));
    return trial;
  }

  /// Knows its weights from the trial of the nearest size.
  Trial gather_only(size_t chunk) {
    const std::vector<uint32_t> rows = rows_of(chunk);
    Trial trial = memory_of(gather(chunk, rows), rows);
    const Trial& nearest = nearest_trial(trial.nonzeros);
    const double growth = trial.nonzeros / std::max(1.0, nearest.nonzeros);
    trial.weight_bytes = nearest.weight_bytes * growth;
    trial.size = scaled(nearest.size, growth);
    return trial;
  }

  /// The largest that is not larger, for bytes by nonzero fall with size.
  const Trial& nearest_trial(double size) const {
    const Trial* nearest = &trials_.front();
    for (const Trial& trial : trials_) {
      if (trial.nonzeros <= size && (trial.nonzeros > nearest->nonzeros || nearest->nonzeros > size)) nearest = &trial;
    }
    return *nearest;
  }

  static ChunkSize scaled(ChunkSize size, double growth) {
    size.n_rows = static_cast<uint64_t>(static_cast<double>(size.n_rows) * growth);
    size.n_entries = static_cast<uint64_t>(static_cast<double>(size.n_entries) * growth);
    return size;
  }

  ChunkMemory memory_of(double size) const {
    const Trial& trial = nearest_trial(size);
    const double growth = size / std::max(1.0, trial.nonzeros);
    ChunkMemory memory;
    memory.problem = static_cast<uint64_t>(trial.problem_bytes * growth);
    memory.solving = static_cast<uint64_t>(trial.solving_bytes * growth);
    memory.weights = static_cast<uint64_t>(trial.weight_bytes * growth);
    memory.size = scaled(trial.size, growth);
    return memory;
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
    Trial trial = memory_of(gather(chunk, rows), rows);
    trial.seconds = carried(&Trial::seconds);
    trial.model_bytes = carried(&Trial::model_bytes);
    trial.weight_bytes = carried(&Trial::weight_bytes);
    trial.size = scaled(whole.size, trial.weight_bytes / std::max(1.0, whole.weight_bytes));
    return trial;
  }

  /// Of a chunk's own rows, and of those that a matcher brings.
  double nonzeros(size_t chunk) const {
    const Csr& features = *task_.rows.features;
    const double per_row =
        static_cast<double>(features.n_nonzeros()) / static_cast<double>(std::max<size_t>(1, features.n_rows()));
    return static_cast<double>(nonzeros_of(features, task_.row_sets.of(chunk))) + extra_rows_[chunk] * per_row;
  }

  void conclude(const Trial& sum) {
    double all = 0;
    for (size_t chunk = 0; chunk < task_.row_sets.n_chunks(); ++chunk) {
      estimate_.n_rows += task_.row_sets.of(chunk).size() + static_cast<uint64_t>(extra_rows_[chunk]);
      all += nonzeros(chunk);
    }
    const double share = all / std::max(1.0, sum.nonzeros);
    estimate_.pilot_chunks = static_cast<uint32_t>(trials_.size());
    estimate_.cpu_seconds = sum.seconds * share;
    const double parts = static_cast<double>(estimate_.n_children) / 4;  // a large chunk is split by children
    estimate_.wall_seconds = estimate_.cpu_seconds / std::max(1.0, std::min(threads_, parts));
    estimate_.model_bytes = static_cast<uint64_t>(sum.model_bytes * share) + 4 * estimate_.n_children +
                            sizeof(ChunkEntry) * estimate_.n_chunks;
  }

  const LevelTask& task_;
  std::vector<double> extra_rows_;  ///< that a matcher will bring, by chunk
  double threads_;
  ChunkGatherer gatherer_;
  PackScratch scratch_;
  std::vector<size_t> by_size_;  ///< chunks, the one of fewest rows first
  std::vector<Trial> trials_;
  std::vector<EncodedChunk> encoded_;
  EncodedChunk last_encoded_;
  LevelEstimate estimate_;
};

/// What training would be given, and the tree.
struct PlanInput {
  const TrainingSet& set;
  const TrainOptions& options;
  const TrainExtras& extras;
  const LabelTree& tree;
};

/// Which rows the chunks of a level learn from, as far as that is known before the levels above are trained.
struct PlannedRows {
  ChunkRowSets sets;
  bool all_rows = false;         ///< in each chunk
  bool search = false;           ///< a matcher is asked
  double matched_per_chunk = 0;  ///< rows that it brings beside those in `sets`
  uint64_t lookup_bytes = 0;     ///< what the user's own negatives take until `sets` are known
};

/// Our own beam, given room for all nodes, finds them all.
bool beam_holds_all(const PlanInput& input, size_t level) {
  return level == 0 ||
         (input.extras.matcher == nullptr && input.tree.n_chunks(level) <= input.options.ranker.matcher_beam);
}

/// The last level that a matcher brings rows to; 0: none.
size_t deepest_search(const PlanInput& input) {
  for (size_t level = input.tree.depth(); level-- > 1;) {
    if (options_of_level(input.options.ranker, level).negatives.man && !beam_holds_all(input, level)) return level;
  }
  return 0;
}

/// How many rows per chunk a matcher brings beside those of `sets`, which hold the rows that belong to the chunk
/// (`parents`) and those of the user's. `hits` is the share of the former that it finds.
double matched_rows_per_chunk(const Csr& parents, const ChunkRowSets& sets, double beam, double hits) {
  const double chunks = parents.n_columns;
  const auto rows = static_cast<double>(parents.n_rows());
  const double found = std::min(beam, chunks);
  const double own = static_cast<double>(parents.n_nonzeros()) / rows;
  const double users = static_cast<double>(sets.rows.size()) / rows - own;
  // What is found beside the row's own chunks may be among the user's.
  const double free_share = chunks > own ? std::clamp(1 - users / (chunks - own), 0.0, 1.0) : 0.0;
  return std::max(0.0, found - hits * std::min(own, found)) * free_share * rows / chunks;
}

uint64_t bytes_of(const std::vector<Csr>& levels) {
  uint64_t bytes = 0;
  for (const Csr& level : levels) {
    bytes += level.offsets.size_bytes() + level.columns.size_bytes() + level.values.size_bytes();
  }
  return bytes;
}

/// As `train_ranker` chooses them. Without teacher-forced negatives the rows that belong to a chunk stand in for those
/// that a matcher finds first.
PlannedRows plan_rows(const PlanInput& input, const std::vector<Csr>& members, size_t level, ThreadPool& pool) {
  const Negatives kinds = options_of_level(input.options.ranker, level).negatives;
  const size_t n_chunks = input.tree.n_chunks(level);
  PlannedRows planned;
  planned.all_rows = level == 0 || (kinds.man && beam_holds_all(input, level));
  if (planned.all_rows) {
    planned.sets = all_rows_in_each(input.set.n_rows(), n_chunks);
    return planned;
  }
  std::vector<const Csr*> memberships;
  std::vector<Csr> users;
  if (kinds.tfn || kinds.man) memberships.push_back(&members[level - 1]);
  if (kinds.usn) {
    users = labels_up_the_tree(input.tree, *input.extras.negatives, pool);
    memberships.push_back(&users[level - 1]);
    planned.lookup_bytes = bytes_of(users);
  }
  planned.sets = rows_by_chunk(memberships, n_chunks);
  planned.search = kinds.man;
  if (kinds.man) {
    planned.matched_per_chunk = matched_rows_per_chunk(members[level - 1], planned.sets,
                                                       input.options.ranker.matcher_beam, kinds.tfn ? 0.9 : 1.0);
  }
  return planned;
}

/// Another run may take a thirty-second more: threads meet otherwise, and the C library keeps other pages.
uint64_t with_spread(uint64_t bytes) {
  return bytes + bytes / 32;
}

/// And so much more than in this run reading and indexing may take in the next, however small they are.
constexpr uint64_t kSpreadBytes = uint64_t{16} << 20;

/// Pilots miss the weights of a level by up to a tenth (deep trees), either way: of finished levels an eighth is added.
constexpr uint64_t kShareOfError = 8;

/// Adds up what levels hold, from the first one on.
class MemoryOfLevels {
 public:
  MemoryOfLevels(uint64_t resident, const TrainingSet& set, size_t beam, size_t threads)
      : resident_(resident),
        features_(set.features),
        n_features_(set.features.n_columns),
        block_(first_block(set.features, beam, threads)),
        beam_(beam),
        threads_(threads) {}

  /// A level that is trained with those before it since the last `search`.
  void add(const std::vector<ChunkMemory>& chunks, uint64_t row_sets_bytes, LevelEstimate& level) {
    for (const ChunkMemory& chunk : chunks) unpacked_ = std::max(unpacked_, unpacked_bytes(chunk.size, block_));
    level.scratch_bytes = peak_of_chunks(chunks, threads_);
    together_.insert(together_.end(), chunks.begin(), chunks.end());
    row_sets_bytes_ += row_sets_bytes;
    hold(matched_bytes_);
    matched_bytes_ = 0;
    uint64_t freed = 0;
    for (const ChunkMemory& chunk : together_) freed += chunk.problem + chunk.weights;
    // Each thread counts features in one array, and places their weights by another.
    const uint64_t by_feature = threads_ * 2 * sizeof(uint32_t) * n_features_;
    reach(resident_ + row_sets_bytes_ + by_feature + peak_of_chunks(together_, threads_) +
          std::min(freed, kMostFreeBytes));
  }

  /// The levels before are finished, and find `width` nodes for each row: as keys, while each thread takes a block of
  /// rows down the tree, then as a matrix too, and as that beside the row sets made of it.
  void search(size_t width) {
    for (const ChunkMemory& chunk : together_) resident_ += chunk.encoded + chunk.encoded / kShareOfError;
    together_.clear();
    row_sets_bytes_ = 0;
    matched_bytes_ = features_.n_rows() * (width + 1) * sizeof(uint64_t);
    const uint64_t walking = threads_ * (unpacked_ + block_search_bytes(features_, beam_, threads_));
    const uint64_t kept = walking / 8;  // pages that the C library cannot give back, as something on them is in use
    reach(resident_ + matched_bytes_ + std::max(matched_bytes_ + kept, walking));
  }

  /// Something that is held for a moment, beside what is held anyway.
  void hold(uint64_t bytes) { reach(resident_ + row_sets_bytes_ + bytes); }

  uint64_t peak() const { return with_spread(peak_); }

 private:
  void reach(uint64_t bytes) { peak_ = std::max(peak_, bytes); }

  uint64_t resident_;
  const Csr& features_;
  uint64_t n_features_;
  BlockSize block_;
  size_t beam_;
  size_t threads_;
  uint64_t unpacked_ = 0;  ///< the largest of what a thread may hold of one chunk
  uint64_t row_sets_bytes_ = 0;
  uint64_t matched_bytes_ = 0;
  uint64_t peak_ = 0;
  std::vector<ChunkMemory> together_;
};

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

Estimate estimate_training(const TrainingSet& set, const TrainOptions& options, const TrainExtras& extras, Job job) {
  Estimate estimate;
  estimate.n_rows = set.n_rows();
  estimate.n_features = set.features.n_columns;
  estimate.n_labels = set.labels.n_columns;
  estimate.n_nonzeros = set.features.n_nonzeros();
  const auto begin = std::chrono::steady_clock::now();
  const LabelTree tree = index_labels(set, options, extras, job);
  estimate.index_seconds = seconds_since(begin);
  check_ranker_tree({set.features, set.labels, set.weights, extras.negatives}, tree, options.ranker);
  const std::vector<Csr> members = labels_up_the_tree(tree, set.labels, job.pool);
  release_free_memory();
  MemoryOfLevels memory(resident_memory_bytes(), set, options.ranker.matcher_beam, job.pool.threads());
  estimate.peak_bytes = with_spread(peak_memory_bytes()) + kSpreadBytes;
  estimate.model_bytes = bytes_beside_weights(set, tree);
  const size_t deepest = deepest_search({set, options, extras, tree});
  double search_seconds = 0;  // of one thread, from the root through the levels so far
  job.progress.stage("training pilot chunks", tree.depth());
  for (size_t level = 0; level < tree.depth(); ++level) {
    const LevelOptions own = options_of_level(options.ranker, level);
    const PlannedRows rows = plan_rows({set, options, extras, tree}, members, level, job.pool);
    const LevelTask task{{&set.features, &members[level], set.weights, own.solver.bias},
                         rows.sets,
                         tree.first_child[level].span(),
                         static_cast<uint32_t>(level),
                         own,
                         extras.solver != nullptr ? extras.solver : &joint_solver()};
    if (rows.search) {
      memory.search(std::min<size_t>(options.ranker.matcher_beam, rows.sets.n_chunks()));
    }
    memory.hold(rows.lookup_bytes);
    LevelPilot pilot(task, rows.matched_per_chunk, job.pool.threads());
    LevelEstimate one = pilot.run(job.progress);
    memory.add(pilot.memory(), (rows.all_rows ? set.n_rows() : one.n_rows) * sizeof(uint32_t), one);
    if (rows.search) one.matching_seconds = search_seconds / static_cast<double>(job.pool.threads());
    if (extras.matcher == nullptr && level < deepest) {
      search_seconds += level_search_seconds(pilot.level(), {set.features, level == 0 ? nullptr : &members[level - 1],
                                                             options.ranker, job.pool.threads()});
    }
    estimate.model_bytes += one.model_bytes;
    estimate.train_seconds += one.wall_seconds + one.matching_seconds;
    estimate.levels.push_back(one);
    job.progress.advance(1);
  }
  estimate.peak_bytes = std::max(estimate.peak_bytes, memory.peak());
  return estimate;
}

}  // namespace coppice
