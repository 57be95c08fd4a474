// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/message_transport.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include <xxhash.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// A sum is made of so many values at a time, since a member needs room for as many: 64 MB.
constexpr size_t kReducedAtATime = size_t{16} << 20;
/// Up to so many bytes of all members, fewer messages count for more than fewer bytes.
constexpr size_t kFewBytes = size_t{32} << 10;

std::span<float> shard_of(std::span<float> values, uint64_t member, uint64_t size) noexcept {
  const size_t begin = values.size() * member / size;
  return values.subspan(begin, values.size() * (member + 1) / size - begin);
}

/// Which messages a member sends and receives in one step.
struct Step {
  std::vector<MessageLink::Outgoing> out;
  std::vector<MessageLink::Incoming> in;
};

using Seal = MessageTransport::Seal;

Seal seal_of(std::span<const std::byte> bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

/// The bytes with their seal behind them.
std::vector<std::byte> sealed(std::span<const std::byte> bytes) {
  std::vector<std::byte> message(bytes.size() + sizeof(Seal));
  std::copy(bytes.begin(), bytes.end(), message.begin());
  const Seal seal = seal_of(bytes);
  std::memcpy(message.data() + bytes.size(), &seal, sizeof seal);
  return message;
}

[[noreturn]] void throw_changed(uint32_t worker) {
  throw Error(ErrorCode::data, "a message of worker " + std::to_string(worker) + " was changed on its way");
}

/// What came sealed from this worker, without its seal.
std::span<const std::byte> unsealed(std::span<const std::byte> message, uint32_t worker) {
  const auto bytes = message.first(message.size() - sizeof(Seal));
  Seal seal = 0;
  std::memcpy(&seal, message.data() + bytes.size(), sizeof seal);
  if (seal != seal_of(bytes)) throw_changed(worker);
  return bytes;
}

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
  static constexpr size_t kLength = MessageTransport::kSegmentBytes / sizeof(T);
  std::span<T> all_;
};

/// What all members bring, once a member has heard of them: log2(size) messages each.
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

// Where all values of all members are few, everyone has them sent and adds up for itself.
void MessageTransport::do_all_reduce(std::span<float> values) {
  begin_operation();
  if (values.size_bytes() * size() <= kFewBytes) return reduce_few(values);
  for (size_t at = 0; at < values.size(); at += kReducedAtATime) {
    reduce_shards(values.subspan(at, std::min(kReducedAtATime, values.size() - at)));
  }
}

void MessageTransport::reduce_few(std::span<float> values) {
  const std::vector<std::vector<std::byte>> all = gather_sealed(std::as_bytes(values));
  std::vector<float> theirs(values.size());
  for (size_t member = 0; member < size(); ++member) {
    std::memcpy(theirs.data(), all[member].data(), values.size_bytes());
    if (member == 0) {
      std::copy(theirs.begin(), theirs.end(), values.begin());
    } else {
      for (size_t i = 0; i < values.size(); ++i) values[i] += theirs[i];
    }
  }
}

// Member j has shard j from everyone, adds up, and sends the sums round. One message at a time to one other member and
// from one other: several at a time get into one another's way, and take half as long again on a slow link.
void MessageTransport::reduce_shards(std::span<float> values) {
  const uint32_t n = size();
  const std::span<float> own = shard_of(values, rank(), n);
  std::vector<float> theirs(own.size() * n);
  const auto from = [&](uint32_t member) { return std::span(theirs).subspan(member * own.size(), own.size()); };
  std::vector<std::byte> arriving(own.size_bytes() + sizeof(Seal));
  for (uint32_t distance = 1; distance < n; ++distance) {
    const uint32_t to = (rank() + distance) % n, other = (rank() + n - distance) % n;
    const std::vector<std::byte> leaving = sealed(std::as_bytes(shard_of(values, to, n)));
    const MessageLink::Outgoing out{workers_[to], leaving};
    const MessageLink::Incoming in{workers_[other], arriving};
    exchange({&out, 1}, {&in, 1});
    const auto bytes = unsealed(arriving, workers_[other]);
    std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(from(other)).begin());
  }
  std::copy(own.begin(), own.end(), from(rank()).begin());
  std::copy_n(theirs.begin(), own.size(), own.begin());
  for (uint32_t member = 1; member < n; ++member) {
    const std::span<const float> more = from(member);
    for (size_t i = 0; i < own.size(); ++i) own[i] += more[i];
  }
  theirs = {};
  std::vector<std::vector<std::byte>> sums(n);
  for (uint32_t member = 0; member < n; ++member)
    sums[member].resize(shard_of(values, member, n).size_bytes() + sizeof(Seal));
  sums[rank()] = sealed(std::as_bytes(own));
  pass_round([&](uint32_t member) { return std::span<std::byte>(sums[member]); });
  for (uint32_t member = 0; member < n; ++member) {
    const auto bytes = unsealed(sums[member], workers_[member]);
    std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(shard_of(values, member, n)).begin());
  }
}

MessageTransport::ReducedBytes MessageTransport::reduced_bytes(size_t n_values, uint32_t rank, uint32_t size) noexcept {
  const uint64_t bytes = n_values * sizeof(float), others = size - 1;
  const uint64_t seals = others * sizeof(Seal);
  if (bytes * size <= kFewBytes) return {bytes * others + seals, bytes * others + seals};
  uint64_t own = 0, next = 0, pieces = 0;  // shards
  for (size_t at = 0; at < n_values; at += kReducedAtATime) {
    const uint64_t piece = std::min(kReducedAtATime, n_values - at);
    const auto shard = [&](uint64_t member) {
      return (piece * (member + 1) / size - piece * member / size) * sizeof(float);
    };
    own += shard(rank), next += shard((rank + 1) % size), ++pieces;
  }
  return {(bytes - own) + (bytes - next) + 2 * pieces * seals, others * own + (bytes - own) + 2 * pieces * seals};
}

uint64_t MessageTransport::reduction_rounds(size_t n_values, uint32_t size) noexcept {
  if (n_values * sizeof(float) * size <= kFewBytes) return rounds_to_all(size);
  const uint64_t pieces = (n_values + kReducedAtATime - 1) / kReducedAtATime;
  return 2 * pieces * (size - 1);
}

bool MessageTransport::gathers_at_once(uint64_t most_bytes, uint32_t size) noexcept {
  return most_bytes <= kFewBytes / size;
}

// Each member passes on to the next what it has just received.
template <class BytesOf>
void MessageTransport::pass_round(const BytesOf& bytes_of) {
  const uint32_t n = size(), next = (rank() + 1) % n, before = (rank() + n - 1) % n;
  for (uint32_t step = 0; step + 1 < n; ++step) {
    const MessageLink::Outgoing out{workers_[next], bytes_of((rank() + n - step) % n)};
    const MessageLink::Incoming in{workers_[before], bytes_of((before + n - step) % n)};
    exchange({&out, 1}, {&in, 1});
  }
}

// In round r each member tells what it knows, of its own and of the 2^r - 1 behind it, to the one 2^r before.
std::vector<std::byte> MessageTransport::gather_equal(std::span<const std::byte> own) {
  const uint32_t n = size();
  std::vector<std::byte> known(n * own.size());  // from this member on, cyclically
  std::copy(own.begin(), own.end(), known.begin());
  const auto part = [&](size_t first, size_t count) {
    return std::span(known).subspan(first * own.size(), count * own.size());
  };
  size_t n_known = 1;
  for (uint32_t round = 0; round < rounds_to_all(n); ++round) {
    const uint32_t distance = 1U << round;
    const size_t more = std::min<size_t>(n_known, n - n_known);
    const MessageLink::Outgoing out{workers_[(rank() + n - distance) % n], part(0, more)};
    const MessageLink::Incoming in{workers_[(rank() + distance) % n], part(n_known, more)};
    exchange({&out, 1}, {&in, 1});
    n_known += more;
  }
  std::rotate(known.begin(), known.end() - static_cast<std::ptrdiff_t>(rank() * own.size()), known.end());
  return known;
}

std::vector<std::vector<std::byte>> MessageTransport::gather_sealed(std::span<const std::byte> own) {
  const std::vector<std::byte> together = gather_equal(sealed(own));
  std::vector<std::vector<std::byte>> all;
  for (uint32_t i = 0; i < size(); ++i) {
    const size_t each = own.size() + sizeof(Seal);
    const auto bytes = unsealed(std::span(together).subspan(i * each, each), workers_[i]);
    all.emplace_back(bytes.begin(), bytes.end());
  }
  return all;
}

std::vector<uint64_t> MessageTransport::gather_numbers(uint64_t own) {
  std::vector<uint64_t> numbers;
  for (const auto& bytes : gather_sealed(std::as_bytes(std::span(&own, 1)))) {
    std::memcpy(&numbers.emplace_back(), bytes.data(), bytes.size());
  }
  return numbers;
}

void MessageTransport::do_barrier() {
  begin_operation();
  gather_numbers(0);
}

// Two messages, as the one who receives must know how long the second one is.
void MessageTransport::do_send(std::span<const std::byte> bytes, uint32_t to) {
  begin_operation();
  const uint64_t size = bytes.size();
  for (const auto& message : {sealed(std::as_bytes(std::span(&size, 1))), sealed(bytes)}) {
    const MessageLink::Outgoing out{workers_[to], message};
    exchange({&out, 1}, {});
  }
}

std::vector<std::byte> MessageTransport::do_receive(uint32_t from) {
  begin_operation();
  const auto receive = [&](uint64_t size) {
    std::vector<std::byte> bytes(size + sizeof(Seal));
    const MessageLink::Incoming message{workers_[from], bytes};
    exchange({}, {&message, 1});
    bytes.resize(unsealed(bytes, workers_[from]).size());
    return bytes;
  };
  uint64_t size = 0;
  std::memcpy(&size, receive(sizeof size).data(), sizeof size);
  return receive(size);
}

// Messages go round; what short ones make together doubles in each round.
std::vector<std::vector<std::byte>> MessageTransport::do_all_gather(std::span<const std::byte> own) {
  begin_operation();
  const uint32_t n = size();
  const std::vector<uint64_t> sizes = gather_numbers(own.size());
  const uint64_t most = *std::max_element(sizes.begin(), sizes.end());
  std::vector<std::vector<std::byte>> all(n);
  if (gathers_at_once(most, n)) {
    std::vector<std::byte> padded(most);
    std::copy(own.begin(), own.end(), padded.begin());
    all = gather_sealed(padded);
  } else {
    for (uint32_t i = 0; i < n; ++i) all[i].resize(sizes[i] + sizeof(Seal));
    all[rank()] = sealed(own);
    pass_round([&](uint32_t member) { return std::span<std::byte>(all[member]); });
    for (uint32_t i = 0; i < n; ++i) (void)unsealed(all[i], workers_[i]);
  }
  for (uint32_t i = 0; i < n; ++i) all[i].resize(sizes[i]);
  return all;
}

void MessageTransport::do_broadcast(std::span<std::byte> bytes, uint32_t root) {
  begin_operation();
  pass_along(bytes, root);
  Seal seal = seal_of(bytes);
  pass_along(std::as_writable_bytes(std::span(&seal, 1)), root);
  if (seal != seal_of(bytes)) throw_changed(workers_[root]);
}

// Along the chain that begins at the root; place 0 is its own.
void MessageTransport::pass_along(std::span<std::byte> bytes, uint32_t root) {
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
