// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coppice {

/// What one worker sent and waited for.
struct Traffic {
  uint64_t operations = 0;
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  double seconds = 0;  ///< from the beginning of each operation to its end, waiting for others included

  Traffic& operator+=(const Traffic& other) noexcept;
};

/// One worker of several that train together, and how it reaches the others.
///
/// All members call the same operations in the same order, send and receive aside. Their results have the same bits on
/// each of them and by every implementation: sums are taken in the order of the ranks, ((x0 + x1) + x2) + .. in single
/// precision.
///
/// Throws `ErrorCode::timeout`, naming the ranks that did not come, when an operation takes longer than the time limit;
/// `ErrorCode::remote` when a worker is gone or one of them called `abort`. After either, this transport and its
/// subgroups are good for nothing more.
/// Threads: one operation at a time of each transport; subgroups may be at work on threads of their own meanwhile.
/// `abort` may be called from any thread.
/// Source: names as in MPI; all_gather of unequal sizes is MPI_Allgatherv.
class Transport {
 public:
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Of this worker among the members, from 0.
  uint32_t rank() const noexcept { return rank_; }
  uint32_t size() const noexcept { return size_; }

  /// values[i] becomes the sum of all members' values[i]; all give as many. Each member sends, and receives, each value
  /// nearly twice, whatever the number of members: 2 (n - 1) / n times, but for sums of few values.
  void all_reduce(std::span<float> values);

  /// What each member gave, by rank; sizes may differ. A link carries all but the message of its far end.
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> own);

  /// `bytes` become those of member `root`; all give as many.
  void broadcast(std::span<std::byte> bytes, uint32_t root);

  /// Returns once every member has called it.
  void barrier();

  /// `bytes` go to member `to`, which calls `receive` for each message, in their order; may wait until it does. These
  /// two concern no other member.
  void send(std::span<const std::byte> bytes, uint32_t to);
  std::vector<std::byte> receive(uint32_t from);

  /// The same for some of the members, whose ranks become their places in `members` (ascending, without repeats). Every
  /// member of this transport calls it, in the same order, with the subgroup that it belongs to itself.
  std::unique_ptr<Transport> subgroup(std::span<const uint32_t> members);

  /// The subgroup of all members, which counts its own traffic, and may be at work beside this one (MPI_Comm_dup).
  std::unique_ptr<Transport> duplicate();

  /// Each operation from now on may take so long.
  void set_time_limit(double seconds) noexcept { time_limit_seconds_ = seconds; }
  double time_limit() const noexcept { return time_limit_seconds_; }

  /// Makes the operations of all members fail, those that wait at this moment, too: the others shall not wait for a
  /// worker that cannot go on.
  virtual void abort(const std::string& why) noexcept = 0;

  /// For workers of several threads, where only so many compute at a time (run_workers): runs `work` on a thread beside
  /// that of the worker as if it were one worker more.
  virtual void run_beside(const std::function<void()>& work) { work(); }
  /// Runs `wait`, which waits for such a thread, while others may compute.
  virtual void wait_beside(const std::function<void()>& wait) { wait(); }

  /// Since it was made. Subgroups count for themselves.
  const Traffic& traffic() const noexcept { return traffic_; }

 protected:
  Transport(uint32_t rank, uint32_t size) noexcept : rank_(rank), size_(size) {}

  virtual void do_all_reduce(std::span<float> values) = 0;
  virtual std::vector<std::vector<std::byte>> do_all_gather(std::span<const std::byte> own) = 0;
  virtual void do_broadcast(std::span<std::byte> bytes, uint32_t root) = 0;
  virtual void do_barrier() = 0;
  virtual void do_send(std::span<const std::byte> bytes, uint32_t to) = 0;
  virtual std::vector<std::byte> do_receive(uint32_t from) = 0;
  virtual std::unique_ptr<Transport> do_subgroup(std::span<const uint32_t> members, uint32_t own_rank) = 0;

  void count_sent(uint64_t bytes) noexcept { traffic_.bytes_sent += bytes; }
  void count_received(uint64_t bytes) noexcept { traffic_.bytes_received += bytes; }

 private:
  template <class Work>
  auto timed(const Work& work);

  uint32_t rank_, size_;
  double time_limit_seconds_ = std::numeric_limits<double>::infinity();
  Traffic traffic_;
};

}  // namespace coppice
