// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/transport.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "coppice/core/error.h"

namespace coppice {

Traffic& Traffic::operator+=(const Traffic& other) noexcept {
  operations += other.operations;
  bytes_sent += other.bytes_sent;
  bytes_received += other.bytes_received;
  seconds += other.seconds;
  return *this;
}

template <class Work>
auto Transport::timed(const Work& work) {
  using Clock = std::chrono::steady_clock;
  struct Stop {
    Traffic& traffic;
    Clock::time_point begin = Clock::now();
    ~Stop() {
      ++traffic.operations;
      traffic.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
    }
  };
  const Stop stop{traffic_};
  return work();
}

void Transport::all_reduce(std::span<float> values) {
  if (size_ == 1 || values.empty()) return;
  timed([&] { do_all_reduce(values); });
}

std::vector<std::vector<std::byte>> Transport::all_gather(std::span<const std::byte> own) {
  if (size_ == 1) return {{own.begin(), own.end()}};
  return timed([&] { return do_all_gather(own); });
}

void Transport::broadcast(std::span<std::byte> bytes, uint32_t root) {
  check(root < size_, "the root is a member");
  if (size_ == 1 || bytes.empty()) return;
  timed([&] { do_broadcast(bytes, root); });
}

void Transport::barrier() {
  if (size_ == 1) return;
  timed([&] { do_barrier(); });
}

void Transport::send(std::span<const std::byte> bytes, uint32_t to) {
  check(to < size_ && to != rank_, "a message goes to another member");
  timed([&] { do_send(bytes, to); });
}

std::vector<std::byte> Transport::receive(uint32_t from) {
  check(from < size_ && from != rank_, "a message comes from another member");
  return timed([&] { return do_receive(from); });
}

std::unique_ptr<Transport> Transport::subgroup(std::span<const uint32_t> members) {
  const auto own = std::find(members.begin(), members.end(), rank_);
  check(own != members.end(), "a worker belongs to the subgroup that it makes");
  check(std::is_sorted(members.begin(), members.end(), std::less_equal<>()) && members.back() < size_,
        "members of a subgroup ascend and are members here");
  std::unique_ptr<Transport> group = do_subgroup(members, static_cast<uint32_t>(own - members.begin()));
  group->set_time_limit(time_limit_seconds_);
  return group;
}

std::unique_ptr<Transport> Transport::duplicate() {
  std::vector<uint32_t> all(size_);
  std::iota(all.begin(), all.end(), 0U);
  return subgroup(all);
}

}  // namespace coppice
