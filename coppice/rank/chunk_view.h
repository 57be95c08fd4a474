// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "coppice/rank/level_weights.h"

namespace coppice {

/// The bits of a feature's hash: enough for every feature below `n_features`.
inline uint32_t hash_bits(uint32_t n_features) noexcept {
  return n_features <= 2 ? 1 : static_cast<uint32_t>(std::bit_width(n_features - 1));
}

/// The hash of a feature, moved to the upper end of 32 bits, so that the bucket is its first bits.
inline uint32_t hash_feature(uint32_t feature, uint32_t bits) noexcept {
  return feature * (LevelWeights::kHashMultiplier << (32 - bits));
}

/// The feature of a hash: hash_feature backwards. The multiplier is odd, so it has an inverse modulo 2^32.
uint32_t unhash_feature(uint32_t hash, uint32_t bits) noexcept;

/// What a bucket's header in the payload says; the header behind it says where the bucket ends.
struct BucketHeader {
  uint32_t base;    ///< its first entry
  uint32_t filter;  ///< bit i: an entry has i in the 5 bits of its hash below the bucket's
};

/// Where the entries of one bucket lie. `n` may be 0.
struct Bucket {
  const std::byte* keys;
  const std::byte* children;
  const std::byte* values;
  uint32_t n;
};

/// One chunk, after the checks that let a query read it whatever its bytes are.
struct ChunkView {
  ChunkEncoding encoding = ChunkEncoding::empty;
  uint8_t key_bytes = 2;
  uint8_t child_bytes = 1;
  uint32_t first_node = 0;
  uint32_t n_children = 0;
  uint32_t n_entries = 0;
  uint32_t stride = 0;         ///< direct: floats a row
  uint32_t bucket_shift = 31;  ///< hash >> bucket_shift is the bucket
  uint32_t filter_shift = 26;  ///< (hash >> filter_shift) & 31 is the filter's bit
  uint32_t key_shift = 0;      ///< hash >> key_shift, cut to the key's type, is the key
  const BucketHeader* headers = nullptr;
  const std::byte* data = nullptr;  ///< direct: the rows; hashed: the buckets
  const float* bias = nullptr;

  uint32_t entry_bytes() const noexcept { return uint32_t{key_bytes} + child_bytes + sizeof(float); }

  /// Cut to the chunk's entries.
  Bucket bucket(uint32_t index) const noexcept {
    const uint32_t end = std::min(headers[index + 1].base, n_entries);
    const uint32_t begin = std::min(headers[index].base, end);
    const uint32_t n = end - begin;
    const std::byte* keys = data + uint64_t{begin} * entry_bytes();
    const std::byte* children = keys + uint64_t{n} * key_bytes;
    return {keys, children, children + uint64_t{n} * child_bytes, n};
  }
};

/// The chunk, checked: one whose entry does not fit its level comes back as `empty`, without children if its nodes do
/// not fit either. `chunk` must be below n_chunks(). Cost: O(1).
ChunkView view_chunk(const LevelWeights& level, size_t chunk) noexcept;

/// The weight of one feature for one child, 0 if there is none: a plain loop, for people's questions. `hash` is the
/// feature's, `child` is below n_children.
float weight_at(const ChunkView& chunk, uint32_t feature, uint32_t hash, uint32_t child) noexcept;

/// Bytes of the payload of a chunk with this entry; all ones when they do not even fit a number.
uint64_t payload_bytes(const ChunkEntry& entry, uint32_t n_features) noexcept;

/// Floats a row takes in the encoding `direct`.
inline uint32_t direct_stride(uint32_t n_children) noexcept {
  return (n_children + 3) & ~3U;
}

/// An unaligned read.
template <class T>
T read_at(const std::byte* bytes, size_t index) noexcept {
  T value;
  std::memcpy(&value, bytes + index * sizeof(T), sizeof(T));
  return value;
}

inline uint32_t bucket_key(const ChunkView& chunk, const Bucket& bucket, size_t i) noexcept {
  return chunk.key_bytes == 2 ? read_at<uint16_t>(bucket.keys, i) : read_at<uint32_t>(bucket.keys, i);
}
inline uint32_t bucket_child(const ChunkView& chunk, const Bucket& bucket, size_t i) noexcept {
  return chunk.child_bytes == 1 ? read_at<uint8_t>(bucket.children, i) : read_at<uint16_t>(bucket.children, i);
}

}  // namespace coppice
