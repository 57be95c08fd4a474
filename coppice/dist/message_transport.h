// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "coppice/dist/transport.h"

namespace coppice {

/// Messages between workers, each of which has a number in the whole job.
///
/// Those from one worker to another on one channel arrive in the order in which they were sent. What implements this
/// says what a library of messages can do (Gloo, MPI), and nothing of sums or groups.
class MessageLink {
 public:
  struct Outgoing {
    uint32_t to;
    std::span<const std::byte> bytes;
  };
  struct Incoming {
    uint32_t from;
    std::span<std::byte> bytes;  ///< a message of this size
  };
  using Deadline = std::chrono::steady_clock::time_point;

  virtual ~MessageLink() = default;
  virtual uint32_t worker() const noexcept = 0;
  virtual uint32_t n_workers() const noexcept = 0;

  /// All of these at a time; returns once all are there, and those that go out are taken over. Throws as Transport
  /// says. Threads: any, each with channels of its own.
  virtual void exchange(std::span<const Outgoing> out, std::span<const Incoming> in, uint32_t channel,
                        Deadline deadline) = 0;
  virtual void abort(const std::string& why) noexcept = 0;
};

/// The operations of a Transport, made of messages.
///
/// A sum is taken by shards: member j has shard j sent by all others, adds up in the order of the ranks, and sends the
/// sums to all. As many bytes as around a ring, whose order is another one for each shard. Gathered messages go round a
/// ring; broadcasts go along a chain, segment after segment.
class MessageTransport final : public Transport {
 public:
  /// All workers of the link.
  explicit MessageTransport(std::shared_ptr<MessageLink> link);

  void abort(const std::string& why) noexcept override { link_->abort(why); }

  /// Stands behind what is sent: XXH3-64 of it. Whoever gets another one throws `ErrorCode::data`, naming the worker.
  using Seal = uint64_t;

  /// What a member sends for a sum, and receives.
  struct ReducedBytes {
    uint64_t sent, received;
  };
  static ReducedBytes reduced_bytes(size_t n_values, uint32_t rank, uint32_t size) noexcept;
  /// Messages of a sum that wait for one another.
  static uint64_t reduction_rounds(size_t n_values, uint32_t size) noexcept;
  /// Whether messages, the longest of so many bytes, are gathered in log2(size) rounds, each as long as that one.
  static bool gathers_at_once(uint64_t most_bytes, uint32_t size) noexcept;
  /// What goes along the chain of a broadcast at a time: small enough that the next member soon has something to do.
  static constexpr size_t kSegmentBytes = size_t{64} << 10;

 private:
  MessageTransport(std::shared_ptr<MessageLink> link, std::vector<uint32_t> workers, uint32_t rank, uint32_t channel);

  void do_all_reduce(std::span<float> values) override;
  std::vector<std::vector<std::byte>> do_all_gather(std::span<const std::byte> own) override;
  void do_broadcast(std::span<std::byte> bytes, uint32_t root) override;
  void do_barrier() override;
  void do_send(std::span<const std::byte> bytes, uint32_t to) override;
  std::vector<std::byte> do_receive(uint32_t from) override;
  std::unique_ptr<Transport> do_subgroup(std::span<const uint32_t> members, uint32_t own_rank) override;

  void reduce_few(std::span<float> values);
  void reduce_shards(std::span<float> values);
  /// bytes_of(member), which that member has, comes to all.
  template <class BytesOf>
  void pass_round(const BytesOf& bytes_of);
  /// As many bytes of each member, by rank.
  std::vector<std::byte> gather_equal(std::span<const std::byte> own);
  /// Likewise; none was changed on its way.
  std::vector<std::vector<std::byte>> gather_sealed(std::span<const std::byte> own);
  /// The root's bytes come to all.
  void pass_along(std::span<std::byte> bytes, uint32_t root);
  /// A number of each member.
  std::vector<uint64_t> gather_numbers(uint64_t own);
  void exchange(std::span<const MessageLink::Outgoing> out, std::span<const MessageLink::Incoming> in);
  void begin_operation();

  std::shared_ptr<MessageLink> link_;
  std::vector<uint32_t> workers_;  ///< by rank
  uint32_t channel_;               ///< a number that no other group has that two of its workers are in
  uint32_t n_subgroups_ = 0;
  MessageLink::Deadline deadline_;  ///< of the operation that is under way
};

}  // namespace coppice
