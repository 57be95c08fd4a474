// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace coppice {

/// What a key is known by: 128 bits, of which each structure reads its own. The top of `high` names a part and a bucket
/// of a perfect hash, `low` the slot, the bottom of `high` is the fingerprint; no bit serves two of them. Features of
/// text come with 64 bits, from which `widen_hash` makes 128: theirs are mixed, but not independent.
struct KeyHash {
  uint64_t low = 0;
  uint64_t high = 0;

  auto operator<=>(const KeyHash&) const = default;
};

/// XXH3-128 of the bytes.
KeyHash hash_key(std::string_view bytes, uint64_t seed) noexcept;

__extension__ using Wide = unsigned __int128;

/// The upper half of the product: `a`, taken as a fraction of 2^64, of `b`.
inline uint64_t multiply_high(uint64_t a, uint64_t b) noexcept {
  return static_cast<uint64_t>(static_cast<Wide>(a) * b >> 64);
}

/// Both halves of the product, xor-ed: the mixing step of wyhash and XXH3.
inline uint64_t fold_multiply(uint64_t a, uint64_t b) noexcept {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// What stands for `hash_key` of keys that have a hash of 64 bits already: two keys with one such hash stay one. How
/// many unseen ones a fingerprint lets pass is measured (bench/fingerprints.py).
inline KeyHash widen_hash(uint64_t hash) noexcept {
  const uint64_t folded = fold_multiply(hash ^ 0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu);
  return {hash, folded * 0x9E3779B97F4A7C15u ^ hash >> 32};
}

}  // namespace coppice
