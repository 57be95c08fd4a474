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
  /// says.
  virtual void exchange(std::span<const Outgoing> out, std::span<const Incoming> in, uint32_t channel,
                        Deadline deadline) = 0;
  virtual void abort(const std::string& why) noexcept = 0;
};

/// The operations of a Transport, made of messages.
///
/// Sums go along a chain of the members, segment after segment, so that they are taken in the order of the ranks; from
/// the last member the sums of the first segments go back while later ones are on their way there.
class MessageTransport final : public Transport {
 public:
  /// All workers of the link.
  explicit MessageTransport(std::shared_ptr<MessageLink> link);

  void abort(const std::string& why) noexcept override { link_->abort(why); }

 private:
  MessageTransport(std::shared_ptr<MessageLink> link, std::vector<uint32_t> workers, uint32_t rank, uint32_t channel);

  void do_all_reduce(std::span<float> values) override;
  std::vector<std::vector<std::byte>> do_all_gather(std::span<const std::byte> own) override;
  void do_broadcast(std::span<std::byte> bytes, uint32_t root) override;
  void do_barrier() override;
  void do_send(std::span<const std::byte> bytes, uint32_t to) override;
  std::vector<std::byte> do_receive(uint32_t from) override;
  std::unique_ptr<Transport> do_subgroup(std::span<const uint32_t> members, uint32_t own_rank) override;

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
