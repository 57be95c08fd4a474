// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// The hash table from feature hash to feature number: buckets of one cache line, 8 fingerprints of 32 bits and 8
/// feature numbers, so that a look-up touches one line, hit or miss, and stores 8 bytes a slot.
///
/// A feature lies in the first bucket from its home on that had room. Bit 31 of a bucket's last number says that a
/// feature passed it by. A feature unknown to the table is taken for a known one with probability 1.5e-9.
namespace feature_table {

inline constexpr size_t kSlots = 8;
inline constexpr size_t kWords = 2 * kSlots;     ///< 32-bit words in a bucket
inline constexpr uint32_t kEmpty = 0x7FFFFFFF;   ///< the number in a free slot
inline constexpr uint32_t kPassed = 0x80000000;  ///< in the number of slot 7: look into the next bucket too
inline constexpr size_t kMostProbes = 64;        ///< of buckets; more are never made nor followed
inline constexpr uint32_t kMostFeatures = 0x7FFFFFFE;

struct Built {
  std::vector<uint32_t> buckets;
  uint64_t seed = 0;
};

/// The table of distinct hashes; number i belongs to `hashes[i]`. The smallest seed is taken with which no feature
/// meets its own fingerprint under another number on its way.
Built build(std::span<const uint64_t> hashes);

/// The numbers of those of `hashes` that the table knows, in their order; returns how many. `found` has room for
/// `hashes.size()`. Never reads outside `buckets` nor gives a number of `n_features` or more, whatever the words are.
size_t find(std::span<const uint32_t> buckets, uint64_t seed, uint32_t n_features, std::span<const uint64_t> hashes,
            uint32_t* found);

/// The naive loop that `find` is tested against.
size_t find_plain(std::span<const uint32_t> buckets, uint64_t seed, uint32_t n_features,
                  std::span<const uint64_t> hashes, uint32_t* found);

}  // namespace feature_table
}  // namespace coppice
