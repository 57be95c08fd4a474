// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/message_transport.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// What goes along the chain at a time: small enough that the next member soon has something to do.
constexpr size_t kSegmentBytes = size_t{64} << 10;

/// Which messages a member sends and receives in one step.
struct Step {
  std::vector<MessageLink::Outgoing> out;
  std::vector<MessageLink::Incoming> in;
};

/// A span in segments.
template <class T>
class Segments {
 public:
  explicit Segments(std::span<T> all) noexcept : all_(all) {}

  size_t size() const noexcept { return (all_.size() + kLength - 1) / kLength; }
  std::span<T> operator[](size_t i) const noexcept {
    return all_.subspan(i * kLength, std::min(kLength, all_.size() - i * kLength));
  }

 private:
  static constexpr size_t kLength = kSegmentBytes / sizeof(T);
  std::span<T> all_;
};

/// Numbers of all members once a member has heard of them: log2(size) messages each.
uint32_t rounds_to_all(uint32_t size) noexcept {
  return static_cast<uint32_t>(std::bit_width(size - 1U));
}

}  // namespace

MessageTransport::MessageTransport(std::shared_ptr<MessageLink> link)
    : Transport(link->worker(), link->n_workers()), link_(std::move(link)), workers_(size()), channel_(0) {
  std::iota(workers_.begin(), workers_.end(), 0U);
}

MessageTransport::MessageTransport(std::shared_ptr<MessageLink> link, std::vector<uint32_t> workers, uint32_t rank,
                                   uint32_t channel)
    : Transport(rank, static_cast<uint32_t>(workers.size())),
      link_(std::move(link)),
      workers_(std::move(workers)),
      channel_(channel) {}

std::unique_ptr<Transport> MessageTransport::do_subgroup(std::span<const uint32_t> members, uint32_t own_rank) {
  constexpr uint32_t kMost = 32;
  check(++n_subgroups_ < kMost && channel_ < UINT32_MAX / kMost - 1, "few subgroups");
  std::vector<uint32_t> workers;
  for (const uint32_t member : members) workers.push_back(workers_[member]);
  const uint32_t channel = channel_ * kMost + n_subgroups_;
  return std::unique_ptr<Transport>(new MessageTransport(link_, std::move(workers), own_rank, channel));
}

void MessageTransport::begin_operation() {
  using Clock = std::chrono::steady_clock;
  constexpr double kYear = 366.0 * 86400;
  const std::chrono::duration<double> limit(std::min(time_limit(), kYear));
  deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
}

void MessageTransport::exchange(std::span<const MessageLink::Outgoing> out, std::span<const MessageLink::Incoming> in) {
  for (const auto& message : out) count_sent(message.bytes.size());
  for (const auto& message : in) count_received(message.bytes.size());
  link_->exchange(out, in, channel_, deadline_);
}

// Member i adds its values to segment s in step s + i, and the sum comes back to it in step s + 2 size - 3 - i.
void MessageTransport::do_all_reduce(std::span<float> values) {
  begin_operation();
  const Segments<float> segments(values);
  const size_t n = size(), i = rank(), n_segments = segments.size();
  std::vector<float> received(segments[0].size());
  // Unsigned: what is before the first segment is behind the last one, too.
  const auto is_one = [&](size_t segment) { return segment < n_segments; };
  Step step;
  for (size_t t = 0; t < n_segments + 2 * n - 3; ++t) {
    step.out.clear(), step.in.clear();
    const size_t there_in = t + 1 - i, there_out = t - i, back_in = t + i + 3 - 2 * n, back_out = t + i + 2 - 2 * n;
    if (i + 1 < n && is_one(there_out)) step.out.push_back({workers_[i + 1], std::as_bytes(segments[there_out])});
    if (i > 0 && is_one(back_out)) step.out.push_back({workers_[i - 1], std::as_bytes(segments[back_out])});
    const bool adds = i > 0 && is_one(there_in);
    const std::span<float> sums = std::span(received).first(adds ? segments[there_in].size() : 0);
    if (adds) step.in.push_back({workers_[i - 1], std::as_writable_bytes(sums)});
    if (i + 1 < n && is_one(back_in)) step.in.push_back({workers_[i + 1], std::as_writable_bytes(segments[back_in])});
    exchange(step.out, step.in);
    for (size_t k = 0; k < sums.size(); ++k) segments[there_in][k] = sums[k] + segments[there_in][k];
  }
}

// In round r each member tells the numbers it knows, its own and those of the 2^r - 1 behind it, to the one 2^r before.
std::vector<uint64_t> MessageTransport::gather_numbers(uint64_t own) {
  const uint32_t n = size();
  std::vector<uint64_t> known{own};  // from this member on, cyclically
  for (uint32_t round = 0; round < rounds_to_all(n); ++round) {
    const uint32_t distance = 1U << round;
    const size_t more = std::min<size_t>(known.size(), n - known.size());
    const size_t n_known = known.size();
    known.resize(n_known + more);
    const MessageLink::Outgoing out{workers_[(rank() + n - distance) % n], std::as_bytes(std::span(known).first(more))};
    const MessageLink::Incoming in{workers_[(rank() + distance) % n],
                                   std::as_writable_bytes(std::span(known).subspan(n_known))};
    exchange({&out, 1}, {&in, 1});
  }
  std::rotate(known.begin(), known.end() - rank(), known.end());
  return known;
}

void MessageTransport::do_barrier() {
  begin_operation();
  gather_numbers(0);
}

// Two messages, as the one who receives must know how long the second one is.
void MessageTransport::do_send(std::span<const std::byte> bytes, uint32_t to) {
  begin_operation();
  const uint64_t size = bytes.size();
  for (const auto& message : {std::as_bytes(std::span(&size, 1)), bytes}) {
    const MessageLink::Outgoing out{workers_[to], message};
    exchange({&out, 1}, {});
  }
}

std::vector<std::byte> MessageTransport::do_receive(uint32_t from) {
  begin_operation();
  uint64_t size = 0;
  const MessageLink::Incoming announced{workers_[from], std::as_writable_bytes(std::span(&size, 1))};
  exchange({}, {&announced, 1});
  std::vector<std::byte> bytes(size);
  const MessageLink::Incoming message{workers_[from], bytes};
  exchange({}, {&message, 1});
  return bytes;
}

// Messages go round: each member passes on what it has just received.
std::vector<std::vector<std::byte>> MessageTransport::do_all_gather(std::span<const std::byte> own) {
  begin_operation();
  const uint32_t n = size();
  const std::vector<uint64_t> sizes = gather_numbers(own.size());
  std::vector<std::vector<std::byte>> all(n);
  for (uint32_t i = 0; i < n; ++i) all[i].resize(sizes[i]);
  std::copy(own.begin(), own.end(), all[rank()].begin());
  const uint32_t next = (rank() + 1) % n, before = (rank() + n - 1) % n;
  for (uint32_t step = 0; step + 1 < n; ++step) {
    const MessageLink::Outgoing out{workers_[next], all[(rank() + n - step) % n]};
    const MessageLink::Incoming in{workers_[before], all[(before + n - step) % n]};
    exchange({&out, 1}, {&in, 1});
  }
  return all;
}

// Along the chain that begins at the root; place 0 is its own.
void MessageTransport::do_broadcast(std::span<std::byte> bytes, uint32_t root) {
  begin_operation();
  const Segments<std::byte> segments(bytes);
  const size_t n = size(), place = (rank() + n - root) % n, n_segments = segments.size();
  const uint32_t next = workers_[(rank() + 1) % n], before = workers_[(rank() + n - 1) % n];
  Step step;
  for (size_t t = 0; t < n_segments + n - 2; ++t) {
    step.out.clear(), step.in.clear();
    const size_t there_in = t + 1 - place, there_out = t - place;
    if (place + 1 < n && there_out < n_segments) step.out.push_back({next, segments[there_out]});
    if (place > 0 && there_in < n_segments) step.in.push_back({before, segments[there_in]});
    exchange(step.out, step.in);
  }
}

}  // namespace coppice
