// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/pilot_hash.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/math/pilot_search.h"

namespace coppice {
namespace {

constexpr uint64_t kKeysPerPart = uint64_t{1} << 18;
constexpr uint64_t kMostKeys = uint64_t{1} << 31;
constexpr uint64_t kMostAttempts = 100;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::data, "perfect hash: " + why);
}

/// Keys in the order of their parts, and where each part begins.
struct Parts {
  std::vector<KeyHash> keys;
  std::vector<uint64_t> begin;
};

Parts split(std::span<const KeyHash> keys) {
  const size_t n_parts = std::max<size_t>(1, (keys.size() + kKeysPerPart / 2) / kKeysPerPart);
  Parts parts{std::vector<KeyHash>(keys.size()), std::vector<uint64_t>(n_parts + 1)};
  const auto part_of = [&](KeyHash key) { return multiply_high(key.high, n_parts); };
  for (const KeyHash key : keys) ++parts.begin[part_of(key) + 1];
  for (size_t part = 0; part < n_parts; ++part) parts.begin[part + 1] += parts.begin[part];
  std::vector<uint64_t> next(parts.begin.begin(), parts.begin.end() - 1);
  for (const KeyHash key : keys) parts.keys[next[part_of(key)]++] = key;
  return parts;
}

/// The first slot of each part, and the number of all slots.
std::vector<uint32_t> slots_of(const Parts& parts, double load) {
  std::vector<uint32_t> first{0};
  for (size_t part = 0; part + 1 < parts.begin.size(); ++part) {
    const auto n = static_cast<double>(parts.begin[part + 1] - parts.begin[part]);
    first.push_back(first.back() + static_cast<uint32_t>(std::ceil(n / load)));
  }
  return first;
}

/// Sends each slot from n on that a key has to a slot below n that none has.
std::vector<uint32_t> remap_slots(const std::vector<uint64_t>& taken, uint64_t n_keys, uint64_t n_slots) {
  const auto is_taken = [&](uint64_t slot) { return (taken[slot / 64] >> (slot % 64) & 1) != 0; };
  std::vector<uint32_t> remap(n_slots - n_keys, 0);
  uint64_t free = 0;
  for (uint64_t slot = n_keys; slot < n_slots; ++slot) {
    if (!is_taken(slot)) continue;
    while (is_taken(free)) ++free;
    remap[slot - n_keys] = static_cast<uint32_t>(free++);
  }
  return remap;
}

/// Marks the raw slots of all keys; false when two share one.
bool mark_slots(const PilotHash::Tables& tables, const Parts& parts, std::vector<uint64_t>& taken) {
  for (size_t part = 0; part + 1 < parts.begin.size(); ++part) {
    const uint32_t begin = tables.first_slot[part];
    const uint32_t n_slots = tables.first_slot[part + 1] - begin;
    for (uint64_t i = parts.begin[part]; i < parts.begin[part + 1]; ++i) {
      const KeyHash key = parts.keys[i];
      const Wide place = static_cast<Wide>(key.high) * (parts.begin.size() - 1);
      const uint64_t bucket = multiply_high(skew_buckets(static_cast<uint64_t>(place)), tables.buckets_per_part);
      const uint8_t pilot = tables.pilots[part * tables.buckets_per_part + bucket];
      const uint32_t slot = begin + slot_in_part(key.low, tables.seed, pilot, n_slots);
      const uint64_t bit = uint64_t{1} << slot % 64;
      if ((taken[slot / 64] & bit) != 0) return false;
      taken[slot / 64] |= bit;
    }
  }
  return true;
}

}  // namespace

PilotHash::PilotHash(Tables tables) : tables_(std::move(tables)) {
  const uint64_t n_parts = tables_.first_slot.empty() ? 0 : tables_.first_slot.size() - 1;
  if (n_parts == 0 || tables_.buckets_per_part == 0) refuse("no parts or no buckets");
  if (tables_.n_keys == 0 || tables_.n_keys > kMostKeys) refuse(counted(tables_.n_keys, "key"));
  if (tables_.pilots.size() / tables_.buckets_per_part != n_parts ||
      tables_.pilots.size() % tables_.buckets_per_part != 0) {
    refuse(counted(tables_.pilots.size(), "pilot") + " for " + counted(n_parts, "part") + " of " +
           counted(tables_.buckets_per_part, "bucket"));
  }
  if (tables_.first_slot.front() != 0 || tables_.first_slot.back() != tables_.n_keys + tables_.remap.size()) {
    refuse("slots that do not add up");
  }
}

PilotHash PilotHash::build(std::span<const KeyHash> keys, ThreadPool& pool, const PilotHashOptions& options) {
  check(!keys.empty() && keys.size() <= kMostKeys, "a perfect hash has 1 to 2^31 keys");
  Parts parts = split(keys);
  const size_t n_parts = parts.begin.size() - 1;
  pool.run(n_parts, [&](size_t part, size_t) {
    const std::span<KeyHash> own(parts.keys.data() + parts.begin[part], parts.begin[part + 1] - parts.begin[part]);
    std::sort(own.begin(), own.end(),
              [](KeyHash a, KeyHash b) { return a.high != b.high ? a.high < b.high : a.low < b.low; });
    if (std::adjacent_find(own.begin(), own.end()) != own.end()) refuse("two keys have the same hash");
  });
  Tables tables;
  tables.n_keys = keys.size();
  const double n_buckets = static_cast<double>(keys.size()) / static_cast<double>(n_parts) / options.keys_per_bucket;
  tables.buckets_per_part = static_cast<uint32_t>(std::ceil(n_buckets)) + 1;
  const std::vector<uint32_t> first_slot = slots_of(parts, options.load);
  tables.first_slot = first_slot;
  for (uint64_t attempt = 0; attempt < kMostAttempts; ++attempt) {
    tables.seed = options.seed + attempt * 256;
    std::vector<uint8_t> pilots(n_parts * tables.buckets_per_part);
    std::vector<uint8_t> found(n_parts);
    pool.run(n_parts, [&](size_t part, size_t) {
      PilotTask task{{parts.keys.data() + parts.begin[part], parts.begin[part + 1] - parts.begin[part]}};
      task.n_parts = n_parts;
      task.n_slots = first_slot[part + 1] - first_slot[part];
      task.seed = tables.seed;
      found[part] = find_pilots(task, {pilots.data() + part * tables.buckets_per_part, tables.buckets_per_part});
    });
    if (std::find(found.begin(), found.end(), 0) != found.end()) continue;
    tables.pilots = std::move(pilots);
    std::vector<uint64_t> taken(first_slot.back() / 64 + 1);
    check(mark_slots(tables, parts, taken), "a perfect hash gives each key a slot of its own");
    tables.remap = remap_slots(taken, keys.size(), first_slot.back());
    return PilotHash(std::move(tables));
  }
  throw Error(ErrorCode::internal, "no perfect hash was found");
}

uint64_t PilotHash::size_bytes() const noexcept {
  return tables_.first_slot.size_bytes() + tables_.pilots.size_bytes() + tables_.remap.size_bytes();
}

void PilotHash::verify() const {
  if (!std::is_sorted(tables_.first_slot.begin(), tables_.first_slot.end())) refuse("slots of parts do not ascend");
  std::vector<bool> seen(tables_.n_keys);
  for (const uint32_t slot : tables_.remap) {
    if (slot >= tables_.n_keys) refuse("a slot sent beyond the last key");
    if (slot != 0 && seen[slot]) refuse("two slots sent to one");
    seen[slot] = true;
  }
}

}  // namespace coppice
