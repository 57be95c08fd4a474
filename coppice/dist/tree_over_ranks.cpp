// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/tree_over_ranks.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "coppice/core/memory.h"
#include "coppice/dist/tree_over_ranks_message.h"
#include "coppice/dist/tree_over_ranks_pulse.h"

namespace coppice {
namespace {

/// Of rows that go out in one message: small beside what a worker holds of them.
constexpr uint64_t kMostNonzeros = uint64_t{1} << 20;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Which rows of the training set the worker has been sent.
class SentRows {
 public:
  /// Those that these chunks learn from and that it does not have yet; it is taken to have them from now on.
  std::vector<uint32_t> more_for(std::span<const LevelTask> tasks, std::span<const ChunkSpan> spans) {
    std::vector<bool> wanted(tasks.front().rows.features->n_rows());
    sent_.resize(wanted.size());
    for (size_t t = 0; t < tasks.size(); ++t) {
      const ChunkRowSets& sets = tasks[t].row_sets;
      const size_t end = sets.shared ? std::min(spans[t].end, spans[t].begin + 1) : spans[t].end;
      for (size_t chunk = spans[t].begin; chunk < end; ++chunk) {
        for (const uint32_t row : sets.of(chunk)) wanted[row] = true;
      }
    }
    std::vector<uint32_t> more;
    for (uint32_t row = 0; row < wanted.size(); ++row) {
      if (!wanted[row] || sent_[row]) continue;
      sent_[row] = true;
      more.push_back(row);
    }
    return more;
  }

 private:
  std::vector<bool> sent_;
};

}  // namespace

class TreeOverRanks::Impl {
 public:
  explicit Impl(Transport& transport)
      : transport_(transport), others_(transport.size() - 1), sent_(transport.size()), reports_(transport.size()) {
    check(transport.rank() == 0, "the first worker shares the work out");
    std::iota(others_.begin(), others_.end(), 1U);
    let_them_wait();
  }

  ~Impl() {
    if (!has_ended_) fail(Error(ErrorCode::remote, "it ended without a reason"));
  }

  void train_levels(std::span<const LevelTask> tasks, Job job, const std::function<void(LevelWeights)>& done) {
    pulse_.reset();
    are_waiting_ = false;
    std::vector<std::vector<uint64_t>> costs;
    for (const LevelTask& task : tasks) costs.push_back(chunk_costs(task));
    const auto shares = share_chunks(costs, transport_.size());
    for (uint32_t rank = 0; rank < transport_.size(); ++rank) note_share(rank, costs, shares[rank]);
    reports_[0].rows = tasks.front().rows.features->n_rows();
    for (const uint32_t other : others_) {
      job.progress.throw_if_stopped();
      send_share(other, tasks, shares[other]);
    }
    LevelsInWork levels(tasks, done);
    train_own(tasks, shares[0], job, levels);
    try {
      const AbortOnStop abort(transport_, job.progress);
      for (const uint32_t other : others_) take_chunks(other, tasks, shares[other], job, levels);
    } catch (const Error&) {
      job.progress.throw_if_stopped();
      throw;
    }
    let_them_wait();
  }

  std::vector<RankReport> finish() {
    reports_[0].peak_bytes = peak_memory_bytes();
    if (std::exchange(has_ended_, true)) return reports_;
    try {
      pulse_.reset();
      for (const uint32_t other : others_) transport_.send(TreeMessageWriter(TreeMessage::dismiss).bytes(), other);
      transport_.barrier();
    } catch (const Error&) {  // who is gone need not be let go, and what there was to do is done
    }
    return reports_;
  }

  void fail(const Error& error) noexcept {
    if (has_ended_) return;
    has_ended_ = true;
    try {
      pulse_.reset();
      if (are_waiting_) {
        TreeMessageWriter message(TreeMessage::failed);
        write(message, error);
        for (const uint32_t other : others_) transport_.send(message.bytes(), other);
        return;
      }
    } catch (const std::exception&) {  // then the hard way
    }
    transport_.abort(std::string("worker 0: ") + error.what());
  }

 private:
  void let_them_wait() {
    are_waiting_ = true;
    pulse_ = std::make_unique<Pulse>(transport_, others_, transport_.time_limit());
  }

  void note_share(uint32_t rank, std::span<const std::vector<uint64_t>> costs, std::span<const ChunkSpan> share) {
    for (size_t t = 0; t < costs.size(); ++t) {
      reports_[rank].chunks += share[t].end - share[t].begin;
      for (size_t chunk = share[t].begin; chunk < share[t].end; ++chunk) reports_[rank].cost += costs[t][chunk];
    }
  }

  void send_share(uint32_t other, std::span<const LevelTask> tasks, std::span<const ChunkSpan> share) {
    const std::vector<uint32_t> more = sent_[other].more_for(tasks, share);
    reports_[other].rows += more.size();
    send_rows(other, tasks.front().rows, more);
    for (size_t t = 0; t < tasks.size(); ++t) {
      if (share[t].begin == share[t].end) continue;
      TreeMessageWriter message(TreeMessage::level);
      SharedLevel level = shared_level(tasks[t], share[t]);
      level.task = t;
      write(message, level);
      transport_.send(message.bytes(), other);
    }
    transport_.send(TreeMessageWriter(TreeMessage::train).bytes(), other);
  }

  void send_rows(uint32_t other, const TrainingRows& all, std::span<const uint32_t> numbers) {
    for (size_t begin = 0, end = 0; begin < numbers.size(); begin = end) {
      uint64_t nonzeros = 0;
      while (end < numbers.size() && nonzeros < kMostNonzeros) nonzeros += all.features->row(numbers[end++]).size();
      SharedRows rows;
      rows.rows_of_all = all.features->n_rows();
      rows.nonzeros_of_all = all.features->n_nonzeros();
      rows.numbers.assign(numbers.begin() + static_cast<std::ptrdiff_t>(begin),
                          numbers.begin() + static_cast<std::ptrdiff_t>(end));
      rows.features = select_rows(*all.features, rows.numbers);
      if (!all.weights.empty()) {
        for (const uint32_t row : rows.numbers) rows.weights.push_back(all.weights[row]);
      }
      TreeMessageWriter message(TreeMessage::rows);
      write(message, rows);
      transport_.send(message.bytes(), other);
    }
  }

  void train_own(std::span<const LevelTask> tasks, std::span<const ChunkSpan> share, Job job, LevelsInWork& levels) {
    const auto begin = std::chrono::steady_clock::now();
    train_chunks(tasks, share, job,
                 [&](size_t task, size_t chunk, EncodedChunk encoded) { levels.add(task, chunk, std::move(encoded)); });
    reports_[0].seconds += seconds_since(begin);
  }

  /// All that the worker has finished, until it says that there is no more.
  void take_chunks(uint32_t other, std::span<const LevelTask> tasks, std::span<const ChunkSpan> share, Job job,
                   LevelsInWork& levels) {
    for (;;) {
      TreeMessageReader message(transport_.receive(other));
      if (message.kind() == TreeMessage::failed) throw_failure(other, read_error(message));
      if (message.kind() == TreeMessage::done) return note_done(other, message.get<RankReport>());
      if (message.kind() != TreeMessage::chunks) continue;
      while (!message.at_end()) {
        SharedChunk chunk = read_chunk(message);
        check(chunk.task < tasks.size(), "a chunk of a level that was asked for");
        const LevelTask& task = tasks[chunk.task];
        const ChunkSpan span = share[chunk.task];
        const uint64_t place = chunk.chunk - task.first_chunk;
        check(place >= span.begin && place < span.end && chunk.encoded.bias.size() == task.n_children(place),
              "a chunk that was asked for");
        levels.add(chunk.task, place, std::move(chunk.encoded));
        job.progress.advance(task.work(place));
      }
    }
  }

  void note_done(uint32_t other, const RankReport& report) {
    reports_[other].seconds += report.seconds;
    reports_[other].peak_bytes = report.peak_bytes;
  }

  [[noreturn]] static void throw_failure(uint32_t other, const Error& error) {
    throw Error(error.code(), "worker " + std::to_string(other) + ": " + error.what(), error.where(), error.hint());
  }

  Transport& transport_;
  std::vector<uint32_t> others_;
  std::vector<SentRows> sent_;  ///< by rank
  std::vector<RankReport> reports_;
  std::unique_ptr<Pulse> pulse_;
  bool are_waiting_ = false;  ///< the others, for a message
  bool has_ended_ = false;
};

TreeOverRanks::TreeOverRanks(Transport& transport) : impl_(std::make_unique<Impl>(transport)) {}
TreeOverRanks::~TreeOverRanks() = default;

void TreeOverRanks::train_levels(std::span<const LevelTask> tasks, Job job,
                                 const std::function<void(LevelWeights)>& done) {
  impl_->train_levels(tasks, job, done);
}
std::vector<RankReport> TreeOverRanks::finish() {
  return impl_->finish();
}
void TreeOverRanks::fail(const Error& error) noexcept {
  impl_->fail(error);
}

}  // namespace coppice
