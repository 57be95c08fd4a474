// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <cstring>

#include "coppice/math/key_hash.h"

namespace coppice {

/// The hash of a feature, 64 bits, and 32 more that only tell apart features whose 64 are equal.
struct FeatureHash {
  uint64_t hash;
  uint32_t check;
};

inline constexpr uint64_t kHashMix[8] = {0x9E3779B97F4A7C15u, 0xC2B2AE3D27D4EB4Fu, 0x165667B19E3779F9u,
                                         0xD6E8FEB86659FD93u, 0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu,
                                         0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u};

/// Hash of a token or a slice of text. 16 bytes from `bytes` on must be readable; no branch on the length of short
/// ones.
inline FeatureHash hash_bytes(const char* bytes, size_t size, uint64_t seed) noexcept {
  if (size > 16) [[unlikely]] {
    const XXH128_hash_t long_hash = XXH3_128bits_withSeed(bytes, size, seed);
    return {long_hash.low64, static_cast<uint32_t>(long_hash.high64)};
  }
  static constexpr uint64_t kAll = ~uint64_t{0};
  uint64_t low, high;
  std::memcpy(&low, bytes, 8);
  std::memcpy(&high, bytes + 8, 8);
  const uint64_t low_mask = size >= 8 ? kAll : ~(kAll << (8 * (size & 7)));
  const uint64_t high_mask = size >= 16 ? kAll : size > 8 ? ~(kAll << (8 * (size & 7))) : 0;
  low &= low_mask;
  high = (high & high_mask) ^ size * kHashMix[2];
  const uint64_t hash = fold_multiply(low ^ kHashMix[0] ^ seed, high ^ kHashMix[1]);
  const uint64_t check = fold_multiply(low ^ kHashMix[4], high ^ kHashMix[5] ^ seed);
  return {hash, static_cast<uint32_t>(check)};
}

/// Hash of an n-gram followed by one more token: each token is hashed once, whatever n is.
inline uint64_t extend_hash(uint64_t ngram, uint64_t token) noexcept {
  return fold_multiply(ngram ^ kHashMix[3], token ^ kHashMix[6]);
}
inline uint32_t extend_check(uint32_t ngram, uint32_t token) noexcept {
  const uint64_t mixed = (ngram * kHashMix[7]) ^ (token * kHashMix[4]);
  return static_cast<uint32_t>(mixed >> 29) * 0x9E3779B1u + token;
}

/// Hash of a feature -> what a KeyIndex knows it by. With feature hashing that is the number it would have.
inline KeyHash feature_key(uint64_t hash, uint32_t hash_bits) noexcept {
  if (hash_bits == 0) return widen_hash(hash);
  return widen_hash(fold_multiply(hash >> (64 - hash_bits) ^ kHashMix[0], kHashMix[1]));
}

}  // namespace coppice
