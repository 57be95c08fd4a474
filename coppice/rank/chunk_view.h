// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "coppice/rank/level_weights.h"

namespace coppice {

/// What the bases of a masked chunk count.
inline constexpr uint32_t kWordBytes = 4;

/// An unaligned read.
template <class T>
T read_at(const std::byte* bytes, size_t index) noexcept {
  T value;
  std::memcpy(&value, bytes + index * sizeof(T), sizeof(T));
  return value;
}

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

/// Where the rows of one masked bucket lie. `n` may be 0, and is at most LevelWeights::kMostBucketRows.
struct MaskedBucket {
  const std::byte* keys;
  const std::byte* masks;
  const std::byte* values;  ///< 4-byte aligned
  uint32_t n;
  uint32_t n_values;
};

/// How many bits are set in the first `count` of these bytes; up to seven bytes behind them are read too.
inline uint32_t count_bits(const std::byte* bytes, size_t count) noexcept {
  uint32_t bits = 0;
  for (; count >= 8; count -= 8, bytes += 8) bits += static_cast<uint32_t>(std::popcount(read_at<uint64_t>(bytes, 0)));
  const uint64_t rest = read_at<uint64_t>(bytes, 0) & ((uint64_t{1} << (8 * count)) - 1);
  return bits + static_cast<uint32_t>(std::popcount(rest));
}

/// One chunk, after the checks that let a query read it whatever its bytes are.
struct ChunkView {
  ChunkEncoding encoding = ChunkEncoding::empty;
  uint8_t key_bytes = 2;
  uint8_t child_bytes = 1;
  uint32_t first_node = 0;
  uint32_t n_children = 0;
  uint32_t n_entries = 0;
  const ChunkEntry* packed = nullptr;  ///< packed: where the widths of its bits stand
  uint32_t stride = 0;                 ///< direct: floats a row
  uint32_t bucket_shift = 31;          ///< hash >> bucket_shift is the bucket
  uint32_t filter_shift = 26;          ///< (hash >> filter_shift) & 31 is the filter's bit
  uint32_t key_shift = 0;              ///< hash >> key_shift, cut to the key's type, is the key
  const BucketHeader* headers = nullptr;
  const std::byte* data = nullptr;  ///< direct: the rows; hashed: the buckets
  const float* bias = nullptr;

  /// What the bases of the headers count.
  uint32_t base_bytes() const noexcept {
    return encoding == ChunkEncoding::masked ? kWordBytes : uint32_t{key_bytes} + child_bytes + sizeof(float);
  }

  size_t n_buckets() const noexcept { return size_t{1} << (32 - bucket_shift); }

  /// Whether the bucket ends behind its start, as all do in a sound chunk: a sweep over buckets that stops where one
  /// does not sees each entry once.
  bool ascends(size_t index) const noexcept { return headers[index].base <= headers[index + 1].base; }

  /// The hash that a bucket and a key in it make: keys of two bytes hold the lower bits, which the bucket does not.
  uint32_t hash_of(uint32_t index, uint32_t key) const noexcept {
    const uint32_t lower = key << key_shift;
    if (key_bytes == 4) return lower;
    const uint32_t upper = index << bucket_shift;
    return upper | (lower & ((uint32_t{1} << bucket_shift) - 1));
  }

  /// Cut to the chunk's entries.
  Bucket bucket(uint32_t index) const noexcept {
    const uint32_t end = std::min(headers[index + 1].base, n_entries);
    const uint32_t begin = std::min(headers[index].base, end);
    const uint32_t n = end - begin;
    const std::byte* keys = data + uint64_t{begin} * base_bytes();
    const std::byte* children = keys + uint64_t{n} * key_bytes;
    return {keys, children, children + uint64_t{n} * child_bytes, n};
  }

  /// Cut to the chunk's words. Keys, masks and a row of weights read from it may lie in the payload's slack, but never
  /// outside of it.
  MaskedBucket masked_bucket(uint32_t index) const noexcept {
    const uint32_t end = std::min(headers[index + 1].base, n_entries);
    const uint32_t begin = std::min(headers[index].base, end);
    const std::byte* words = data + uint64_t{begin} * kWordBytes;
    const auto first = read_at<uint32_t>(words, 0);
    const uint32_t room = begin < end ? end - begin - 1 : 0;
    const uint32_t n = room == 0 ? 0 : first & LevelWeights::kMostBucketRows;
    const uint32_t row_words = std::min(first >> 8, room);
    const std::byte* keys = words + kWordBytes;
    return {keys, keys + n * key_bytes, keys + size_t{row_words} * kWordBytes, n, room - row_words};
  }
};

/// The chunk, checked: one whose entry does not fit its level comes back as `empty`, without children if its nodes do
/// not fit either. `chunk` must be below n_chunks(). Cost: O(1).
ChunkView view_chunk(const LevelWeights& level, size_t chunk) noexcept;

/// The weight of one feature for one child, 0 if there is none: a plain loop, for people's questions. `hash` is the
/// feature's, `child` is below n_children.
float weight_at(const ChunkView& chunk, uint32_t feature, uint32_t hash, uint32_t child) noexcept;

/// Whether the fields that say how a chunk is laid out are ones that a writer gives.
bool has_known_encoding(const ChunkEntry& entry) noexcept;

/// Whether the payload of a chunk lies inside its level's, slack behind it.
bool payload_fits(const ChunkEntry& entry, const LevelArrays& arrays) noexcept;

/// The weights that a level stores; zeros that fill a row up are counted. Cost: a look at each bucket.
uint64_t n_weights(const LevelWeights& level) noexcept;

/// Bytes of the payload of a chunk with this entry; all ones when they do not even fit a number.
uint64_t payload_bytes(const ChunkEntry& entry, uint32_t n_features) noexcept;

/// Floats a row takes in the encoding `direct`.
inline uint32_t direct_stride(uint32_t n_children) noexcept {
  return (n_children + 3) & ~3U;
}

inline uint32_t bucket_key(const ChunkView& chunk, const std::byte* keys, size_t i) noexcept {
  return chunk.key_bytes == 2 ? read_at<uint16_t>(keys, i) : read_at<uint32_t>(keys, i);
}
inline uint32_t bucket_child(const ChunkView& chunk, const Bucket& bucket, size_t i) noexcept {
  return chunk.child_bytes == 1 ? read_at<uint8_t>(bucket.children, i) : read_at<uint16_t>(bucket.children, i);
}

}  // namespace coppice
