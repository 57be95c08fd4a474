// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/pilot_search.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/math/pilot_hash.h"

namespace coppice {
namespace {

constexpr uint32_t kPilots = 256;
constexpr uint32_t kFree = std::numeric_limits<uint32_t>::max();
constexpr size_t kRecent = 16;       ///< buckets placed last, which are not driven out again at once
constexpr uint64_t kEvictions = 20;  ///< by bucket, before another seed is tried

class PilotSearch {
 public:
  PilotSearch(const PilotTask& task, std::span<uint8_t> pilots)
      : task_(task),
        pilots_(pilots),
        taken_(task.n_slots / 64 + 1),
        owner_(task.n_slots, kFree),
        random_(task.seed, task.keys.size()) {
    recent_.fill(kFree);
  }

  bool run() {
    find_buckets();
    slots_.resize(largest_);
    std::vector<std::vector<uint32_t>> waiting(largest_ + 1);  // buckets by size
    for (uint32_t bucket = 0; bucket < pilots_.size(); ++bucket) waiting[size_of(bucket)].push_back(bucket);
    uint64_t evictions_left = kEvictions * pilots_.size() + 1000;
    for (size_t size = largest_; size > 0;) {
      if (waiting[size].empty()) {
        --size;
        continue;
      }
      const uint32_t bucket = waiting[size].back();
      waiting[size].pop_back();
      if (place_freely(bucket)) continue;
      if (!place_by_force(bucket)) return false;
      if (evicted_.size() > evictions_left) return false;
      evictions_left -= evicted_.size();
      for (const uint32_t other : evicted_) {
        waiting[size_of(other)].push_back(other);
        size = std::max(size, size_of(other));
      }
    }
    return true;
  }

 private:
  size_t size_of(uint32_t bucket) const { return begin_[bucket + 1] - begin_[bucket]; }
  std::span<const uint64_t> lows(uint32_t bucket) const { return {lows_.data() + begin_[bucket], size_of(bucket)}; }

  void find_buckets() {
    begin_.assign(pilots_.size() + 1, 0);
    lows_.reserve(task_.keys.size());
    for (const KeyHash key : task_.keys) {
      const auto place = static_cast<uint64_t>(static_cast<Wide>(key.high) * task_.n_parts);
      ++begin_[multiply_high(skew_buckets(place), pilots_.size()) + 1];
      lows_.push_back(key.low);
    }
    for (size_t bucket = 0; bucket < pilots_.size(); ++bucket) {
      largest_ = std::max<size_t>(largest_, begin_[bucket + 1]);
      begin_[bucket + 1] += begin_[bucket];
    }
  }

  uint32_t slot_of(uint64_t low, uint32_t pilot) const { return slot_in_part(low, task_.seed, pilot, task_.n_slots); }
  bool is_taken(uint32_t slot) const { return (taken_[slot / 64] >> (slot % 64) & 1) != 0; }

  /// Fills `slots_` for a pilot; false when two keys of the bucket get the same.
  bool distinct_slots(std::span<const uint64_t> keys, uint32_t pilot) {
    for (size_t i = 0; i < keys.size(); ++i) {
      slots_[i] = slot_of(keys[i], pilot);
      for (size_t j = 0; j < i; ++j) {
        if (slots_[j] == slots_[i]) return false;
      }
    }
    return true;
  }

  bool place_freely(uint32_t bucket) {
    const std::span<const uint64_t> keys = lows(bucket);
    for (uint32_t pilot = 0; pilot < kPilots; ++pilot) {
      size_t free = 0;
      while (free < keys.size() && !is_taken(slot_of(keys[free], pilot))) ++free;
      if (free == keys.size() && put(bucket, pilot)) return true;
    }
    return false;
  }

  /// The price of a pilot: the squares of the sizes of the buckets that it drives out, at most `limit`.
  uint64_t price_of(uint64_t limit) const {
    uint64_t price = 0;
    for (size_t i = 0; i < n_slots_ && price < limit; ++i) {
      const uint32_t other = owner_[slots_[i]];
      if (other == kFree) continue;
      if (std::find(recent_.begin(), recent_.end(), other) != recent_.end()) return limit;
      price += size_of(other) * size_of(other);
    }
    return price;
  }

  bool place_by_force(uint32_t bucket) {
    const std::span<const uint64_t> keys = lows(bucket);
    n_slots_ = keys.size();
    uint64_t cheapest = std::numeric_limits<uint64_t>::max();
    uint32_t best = kPilots;
    const uint32_t first = random_.below(kPilots);
    for (uint32_t i = 0; i < kPilots; ++i) {
      const uint32_t pilot = (first + i) % kPilots;
      if (!distinct_slots(keys, pilot)) continue;
      const uint64_t price = price_of(cheapest);
      if (price >= cheapest) continue;
      cheapest = price;
      best = pilot;
    }
    if (best == kPilots) return false;
    evicted_.clear();
    distinct_slots(keys, best);
    for (size_t i = 0; i < n_slots_; ++i) {
      if (owner_[slots_[i]] != kFree) drive_out(owner_[slots_[i]]);
    }
    put(bucket, best);
    recent_[next_recent_++ % kRecent] = bucket;
    return true;
  }

  /// Takes the slots, which are free; false, with none taken, when two keys get the same.
  bool put(uint32_t bucket, uint32_t pilot) {
    const std::span<const uint64_t> keys = lows(bucket);
    for (size_t i = 0; i < keys.size(); ++i) {
      const uint32_t slot = slot_of(keys[i], pilot);
      if (is_taken(slot)) {
        free_slots(keys.first(i), pilot);
        return false;
      }
      taken_[slot / 64] |= uint64_t{1} << slot % 64;
      owner_[slot] = bucket;
    }
    pilots_[bucket] = static_cast<uint8_t>(pilot);
    return true;
  }

  void free_slots(std::span<const uint64_t> keys, uint32_t pilot) {
    for (const uint64_t low : keys) {
      const uint32_t slot = slot_of(low, pilot);
      taken_[slot / 64] &= ~(uint64_t{1} << slot % 64);
      owner_[slot] = kFree;
    }
  }

  void drive_out(uint32_t bucket) {
    free_slots(lows(bucket), pilots_[bucket]);
    evicted_.push_back(bucket);
  }

  PilotTask task_;
  std::span<uint8_t> pilots_;
  std::vector<uint32_t> begin_;  ///< buckets + 1
  std::vector<uint64_t> lows_;   ///< of the keys, bucket by bucket
  size_t largest_ = 0;
  std::vector<uint64_t> taken_;  ///< a bit a slot, for the first pass; fits the nearest cache
  std::vector<uint32_t> owner_;  ///< the bucket in each slot
  std::vector<uint32_t> slots_;  ///< of the bucket in work, `n_slots_` of them
  size_t n_slots_ = 0;
  std::vector<uint32_t> evicted_;
  std::array<uint32_t, kRecent> recent_{};
  size_t next_recent_ = 0;
  Random random_;
};

}  // namespace

bool find_pilots(const PilotTask& task, std::span<uint8_t> pilots) {
  return PilotSearch(task, pilots).run();
}

}  // namespace coppice
