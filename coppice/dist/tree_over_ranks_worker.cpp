// SPDX-License-Identifier: Apache-2.0
// The part of every worker but the first one.
#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <new>
#include <utility>

#include "coppice/core/memory.h"
#include "coppice/dist/tree_over_ranks.h"
#include "coppice/dist/tree_over_ranks_message.h"
#include "coppice/dist/tree_over_ranks_pulse.h"

namespace coppice {
namespace {

constexpr uint32_t kNowhere = 0xFFFFFFFF;
constexpr size_t kMostMessageBytes = size_t{4} << 20;  ///< of finished chunks, beside the last one

/// The rows of the training set that this worker was sent, one under the other. Room for all rows is there from the
/// first ones on, if it can be had, so that none is ever moved: memory is taken only where rows are written.
class KeptRows {
 public:
  void add(const SharedRows& rows) {
    const Csr& more = rows.features;
    check(more.n_rows() == rows.numbers.size(), "a number for each row");
    if (offsets_.size() == 1) make_room(rows);
    for (const uint32_t number : rows.numbers) {
      if (number >= places_.size()) places_.resize(size_t{number} + 1, kNowhere);
      places_[number] = n_rows_++;
    }
    n_columns_ = std::max(n_columns_, more.n_columns);
    for (size_t i = 1; i <= more.n_rows(); ++i) offsets_.push_back(columns_.size() + more.offsets[i]);
    columns_.insert(columns_.end(), more.columns.begin(), more.columns.end());
    values_.insert(values_.end(), more.values.begin(), more.values.end());
    weights_.insert(weights_.end(), rows.weights.begin(), rows.weights.end());
  }

  /// kNowhere for a row that was not sent.
  uint32_t place(uint32_t number) const noexcept { return number < places_.size() ? places_[number] : kNowhere; }
  size_t n_rows() const noexcept { return n_rows_; }
  /// Until more are added.
  Csr features() const {
    return {n_columns_, {std::span(offsets_), nullptr}, {std::span(columns_), nullptr}, {std::span(values_), nullptr}};
  }
  std::span<const float> weights() const noexcept { return weights_; }

 private:
  void make_room(const SharedRows& rows) {
    try {
      offsets_.reserve(rows.rows_of_all + 1);
      columns_.reserve(rows.nonzeros_of_all);
      values_.reserve(rows.nonzeros_of_all);
      if (!rows.weights.empty()) weights_.reserve(rows.rows_of_all);
    } catch (const std::bad_alloc&) {  // where even room that is not used counts: what is sent may be less
    }
  }

  uint32_t n_columns_ = 0;
  std::vector<uint64_t> offsets_{0};
  std::vector<uint32_t> columns_;
  std::vector<float> values_, weights_;
  std::vector<uint32_t> places_;  ///< by number in the training set
  uint32_t n_rows_ = 0;
};

/// Throws unless the parts of what was sent fit each other.
void expect_sound(const SharedLevel& level) {
  const ChunkRowSets& sets = level.row_sets;
  const bool fits = level.first_child.size() > 1 && sets.offsets.size() == level.first_child.size() &&
                    std::is_sorted(level.first_child.begin(), level.first_child.end()) &&
                    std::is_sorted(sets.offsets.begin(), sets.offsets.end()) &&
                    sets.offsets.back() <= sets.rows.size() && level.rows.size() == level.nodes.n_rows();
  if (!fits) throw Error(ErrorCode::remote, "a message of another worker is damaged: its parts do not fit");
}

/// The nodes of each kept row.
Csr nodes_of(const SharedLevel& level, const KeptRows& kept) {
  std::vector<uint32_t> sent_as(kept.n_rows(), kNowhere);
  for (uint32_t i = 0; i < level.rows.size(); ++i) {
    const uint32_t place = kept.place(level.rows[i]);
    if (place != kNowhere) sent_as[place] = i;
  }
  CsrBuilder nodes(level.nodes.n_columns);
  for (const uint32_t i : sent_as) {
    const SparseRow row = i == kNowhere ? SparseRow{} : level.nodes.row(i);
    for (size_t j = 0; j < row.size(); ++j) nodes.add(row.columns[j], row.values[j]);
    nodes.end_row();
  }
  return nodes.build();
}

/// Chunks that have been asked for, and what came of them.
class Errand {
 public:
  void add(SharedLevel level) {
    expect_sound(level);
    levels_.push_back(std::move(level));
  }

  void train(const KeptRows& kept, Job job, const ChunkSolver& solver) {
    const Csr features = kept.features();
    std::vector<Csr> nodes;
    std::vector<LevelTask> tasks;
    std::vector<ChunkSpan> all;
    for (const SharedLevel& level : levels_) nodes.push_back(nodes_of(level, kept));
    for (size_t t = 0; t < levels_.size(); ++t) {
      SharedLevel& level = levels_[t];
      for (uint32_t& row : level.row_sets.rows) {
        row = kept.place(row);
        if (row == kNowhere) throw Error(ErrorCode::remote, "the first worker asks for a row that it did not send");
      }
      LevelTask& task = tasks.emplace_back();
      task.rows = {&features, &nodes[t], kept.weights(), level.bias};
      task.row_sets = std::move(level.row_sets);
      task.first_child = level.first_child;
      task.level = level.level;
      task.first_chunk = level.first_chunk;
      task.options = level.options;
      task.solver = &solver;
      all.push_back({0, task.n_chunks()});
    }
    train_chunks(tasks, all, job, [&](size_t task, size_t chunk, EncodedChunk encoded) {
      const std::lock_guard lock(mutex_);
      finished_.push_back({levels_[task].task, levels_[task].first_chunk + chunk, std::move(encoded)});
    });
  }

  /// In order, so that the first worker need not keep any for later.
  void send_finished(Transport& transport) {
    std::sort(finished_.begin(), finished_.end(), [](const SharedChunk& a, const SharedChunk& b) {
      return std::pair(a.task, a.chunk) < std::pair(b.task, b.chunk);
    });
    TreeMessageWriter message(TreeMessage::chunks);
    for (SharedChunk& chunk : finished_) {
      write(message, std::exchange(chunk, {}));
      if (message.bytes().size() < kMostMessageBytes) continue;
      transport.send(message.bytes(), 0);
      message = TreeMessageWriter(TreeMessage::chunks);
    }
    transport.send(message.bytes(), 0);
  }

 private:
  std::vector<SharedLevel> levels_;
  std::mutex mutex_;
  std::vector<SharedChunk> finished_;
};

/// A time limit that an operation has no need of: its other end comes when it has time.
class NoTimeLimit {
 public:
  explicit NoTimeLimit(Transport& transport) : transport_(transport), limit_(transport.time_limit()) {
    transport_.set_time_limit(std::numeric_limits<double>::infinity());
  }
  ~NoTimeLimit() { transport_.set_time_limit(limit_); }
  NoTimeLimit(const NoTimeLimit&) = delete;
  NoTimeLimit& operator=(const NoTimeLimit&) = delete;

  double limit() const noexcept { return limit_; }

 private:
  Transport& transport_;
  double limit_;
};

class Helper {
 public:
  Helper(Transport& transport, Job job, const ChunkSolver& solver)
      : transport_(transport), job_(job), solver_(solver) {}

  void work() {
    for (;;) {
      TreeMessageReader message(transport_.receive(0));
      switch (message.kind()) {
        case TreeMessage::rows:
          telling_of_failure([&] { kept_.add(read_rows(message)); });
          break;
        case TreeMessage::level:
          telling_of_failure([&] { errand_->add(read_level(message)); });
          break;
        case TreeMessage::train:
          run_errand();
          break;
        case TreeMessage::failed:
          throw_failure(read_error(message));
        case TreeMessage::dismiss:
          return transport_.barrier();
        default:
          break;  // it lives
      }
    }
  }

 private:
  void run_errand() {
    const NoTimeLimit patience(transport_);
    telling_of_failure([&] {
      const Pulse pulse(transport_, {0}, patience.limit());
      train();
    });
    errand_->send_finished(transport_);
    TreeMessageWriter message(TreeMessage::done);
    message.put(report_);
    transport_.send(message.bytes(), 0);
    errand_ = std::make_unique<Errand>();
    release_free_memory();
    take_first_pulse();
  }

  void train() {
    using Clock = std::chrono::steady_clock;
    release_free_memory();
    const Clock::time_point begin = Clock::now();
    errand_->train(kept_, job_, solver_);
    report_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    report_.peak_bytes = peak_memory_bytes();
  }

  /// The first worker trains its own part and takes those of others before it waits with us: that has no limit.
  void take_first_pulse() {
    TreeMessageReader message(transport_.receive(0));
    if (message.kind() == TreeMessage::failed) throw_failure(read_error(message));
    check(message.kind() == TreeMessage::lives, "the first worker says that it lives");
  }

  template <class Work>
  void telling_of_failure(const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      send_failure(error);
      throw;
    } catch (const std::bad_alloc&) {
      send_failure(Error(ErrorCode::memory, "out of memory"));
      throw;
    }
  }

  void send_failure(const Error& error) {
    TreeMessageWriter message(TreeMessage::failed);
    write(message, error);
    try {
      transport_.send(message.bytes(), 0);
    } catch (const Error&) {  // of no use to anybody, beside the reason itself
    }
  }

  [[noreturn]] static void throw_failure(const Error& error) {
    throw Error(error.code(), std::string("worker 0: ") + error.what(), error.where(), error.hint());
  }

  Transport& transport_;
  Job job_;
  const ChunkSolver& solver_;
  KeptRows kept_;
  std::unique_ptr<Errand> errand_ = std::make_unique<Errand>();
  RankReport report_;
};

}  // namespace

void train_for_first_rank(Transport& transport, Job job, const ChunkSolver& solver) {
  Helper(transport, job, solver).work();
}

}  // namespace coppice
