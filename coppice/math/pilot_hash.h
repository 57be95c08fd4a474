// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "coppice/core/parallel.h"
#include "coppice/math/array.h"
#include "coppice/math/key_hash.h"

namespace coppice {

/// Names as in the papers: lambda, alpha.
struct PilotHashOptions {
  double keys_per_bucket = 3.5;  ///< lambda: more are fewer bits and a longer construction
  double load = 0.99;            ///< alpha: keys by slots; the slots beyond n cost 4 bytes each
  uint64_t seed = 0;             ///< of the first attempt
};

/// A minimal perfect hash: gives each of its n keys a number of its own in [0, n), and any other key one of them too.
///
/// Keys fall into parts, the keys of a part into buckets. A bucket has a pilot, one byte, chosen so that its keys get
/// slots no other bucket has; a part has a few slots more than keys, and slots from n on are sent to those below that
/// stayed free. Storage: 8 / lambda + 32 (1 - alpha) bits a key, 2.6 by default. Look-up: a pilot, and for one
/// slot in a hundred the table of those sent elsewhere.
/// Immutable. Threads: const methods are thread-safe.
/// Source: Grobert Koerkamp, "PtrHash: minimal perfect hashing at RAM throughput", 2025 (pilots of 8 bits, eviction,
/// cubic bucket sizes); Pibiri and Trani, "PTHash", 2021 (pilots, remapping). Ours: parts have just the slots that
/// their own number of keys asks for.
class PilotHash {
 public:
  /// As they lie in a file.
  struct Tables {
    uint64_t n_keys = 0;
    uint64_t seed = 0;
    uint32_t buckets_per_part = 0;
    Array<uint32_t> first_slot;  ///< parts + 1
    Array<uint8_t> pilots;       ///< parts * buckets_per_part
    Array<uint32_t> remap;       ///< the slot below n of slot n, n + 1, ..

    /// Calls visit(name, field) for each of them: one list for saving, loading and reports.
    template <class Visit>
    void visit(Visit&& visit) {
      visit("n_keys", n_keys), visit("seed", seed), visit("buckets_per_part", buckets_per_part);
      visit("first_slot", first_slot), visit("pilots", pilots), visit("remap", remap);
    }
  };

  PilotHash() = default;

  /// Throws `ErrorCode::data` when the sizes of the tables do not fit each other; what they hold may be anything: a
  /// number below n comes out all the same.
  explicit PilotHash(Tables tables);

  /// Throws `ErrorCode::data` when two keys are equal. The same for any number of threads. Checked before it is
  /// returned: the numbers of the keys are a permutation. Memory: a copy of the keys, and some more.
  static PilotHash build(std::span<const KeyHash> keys, ThreadPool& pool, const PilotHashOptions& options = {});

  uint64_t size() const noexcept { return tables_.n_keys; }
  const Tables& tables() const noexcept { return tables_; }
  uint64_t size_bytes() const noexcept;

  /// The number of a key. There must be keys.
  uint32_t slot(KeyHash key) const noexcept { return slot_of(key, bucket_of(key)); }

  /// Where the pilot of a key lies, for those who ask for its cache line ahead.
  struct Bucket {
    uint32_t part;
    uint32_t pilot;  ///< index in `pilots`
  };
  Bucket bucket_of(KeyHash key) const noexcept;
  uint32_t slot_of(KeyHash key, Bucket bucket) const noexcept;

  /// Throws `ErrorCode::data` naming the first broken invariant. Cost: linear in the tables.
  void verify() const;

 private:
  Tables tables_;
};

/// A fraction of 2^64 becomes another: small ones get smaller, so that the first buckets are the largest; x^2 (1 + x) /
/// 2, with 1/256 of x so that none stays empty.
inline uint64_t skew_buckets(uint64_t x) noexcept {
  const uint64_t cubic = multiply_high(multiply_high(x, x), x >> 1 | uint64_t{1} << 63);
  return cubic / 256 * 255 + x / 256;
}

inline PilotHash::Bucket PilotHash::bucket_of(KeyHash key) const noexcept {
  const Wide place = static_cast<Wide>(key.high) * (tables_.first_slot.size() - 1);
  const auto part = static_cast<uint32_t>(place >> 64);
  const uint64_t bucket = multiply_high(skew_buckets(static_cast<uint64_t>(place)), tables_.buckets_per_part);
  return {part, part * tables_.buckets_per_part + static_cast<uint32_t>(bucket)};
}

/// The slot in its part of a key, as its pilot decides.
inline uint32_t slot_in_part(uint64_t low, uint64_t seed, uint32_t pilot, uint32_t n_slots) noexcept {
  const uint64_t mixed = (low ^ (seed + pilot) * 0xD6E8FEB86659FD93u) * 0x9E3779B97F4A7C15u;
  return static_cast<uint32_t>(multiply_high(mixed, n_slots));
}

inline uint32_t PilotHash::slot_of(KeyHash key, Bucket bucket) const noexcept {
  const uint32_t begin = tables_.first_slot[bucket.part];
  const uint32_t n_slots = tables_.first_slot[bucket.part + 1] - begin;
  const uint32_t slot = begin + slot_in_part(key.low, tables_.seed, tables_.pilots[bucket.pilot], n_slots);
  if (slot < tables_.n_keys) [[likely]] {
    return slot;
  }
  const uint64_t beyond = slot - tables_.n_keys;
  const uint32_t moved = beyond < tables_.remap.size() ? tables_.remap[beyond] : 0;
  return moved < tables_.n_keys ? moved : 0;
}

}  // namespace coppice
