// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/level_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/rank/chunk_view.h"
#include "coppice/rank/packed_chunk.h"

namespace coppice {
namespace {

constexpr uint32_t kMostBucketBits = 27;  // five more bits of the hash choose the filter's bit

constexpr uint32_t inverse_of(uint32_t odd) noexcept {
  uint32_t inverse = odd;  // Newton: each step doubles the bits that are right, from three
  for (int step = 0; step < 4; ++step) inverse *= 2 - odd * inverse;
  return inverse;
}
static_assert(inverse_of(LevelWeights::kHashMultiplier) * LevelWeights::kHashMultiplier == 1);

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::data, "weights of a level: " + why);
}

}  // namespace

bool has_known_encoding(const ChunkEntry& entry) noexcept {
  switch (entry.encoding) {
    case ChunkEncoding::empty:
      return true;
    case ChunkEncoding::direct:
      return entry.n_children > 0;
    case ChunkEncoding::hashed:
      return entry.bucket_bits >= 1 && entry.bucket_bits <= kMostBucketBits &&
             (entry.key_bytes == 2 || entry.key_bytes == 4) && (entry.child_bytes == 1 || entry.child_bytes == 2);
    case ChunkEncoding::masked:
      return entry.bucket_bits >= 1 && entry.bucket_bits <= kMostBucketBits &&
             (entry.key_bytes == 2 || entry.key_bytes == 4) && entry.n_children > 0 &&
             entry.n_children <= LevelWeights::kMostMasked && entry.child_bytes == (entry.n_children + 7) / 8;
    case ChunkEncoding::packed:
      return entry.n_children > 0 && entry.low_bits <= 32 && PackOptions::is_width(entry.value_bits) &&
             entry.scaling < kScalings && entry.rows_bits + entry.masks_bits + entry.pairs_bits <= 56;
  }
  return false;
}

bool payload_fits(const ChunkEntry& entry, const LevelArrays& arrays) noexcept {
  const uint64_t room = arrays.payload.size() - LevelWeights::kPayloadSlack;
  return entry.offset % 8 == 0 && entry.offset <= room &&
         payload_bytes(entry, arrays.n_features) <= room - entry.offset;
}

uint32_t unhash_feature(uint32_t hash, uint32_t bits) noexcept {
  const uint32_t feature = (hash >> (32 - bits)) * inverse_of(LevelWeights::kHashMultiplier);
  return bits == 32 ? feature : feature & ((1U << bits) - 1);
}

uint64_t payload_bytes(const ChunkEntry& entry, uint32_t n_features) noexcept {
  if (!has_known_encoding(entry)) return std::numeric_limits<uint64_t>::max();
  uint64_t bytes = 0;
  if (entry.encoding == ChunkEncoding::direct) {
    bytes = uint64_t{n_features} * direct_stride(entry.n_children) * sizeof(float);
  } else if (entry.encoding == ChunkEncoding::packed) {
    if (entry.low_bits > hash_bits(n_features)) return std::numeric_limits<uint64_t>::max();
    bytes = packed_shape(entry, hash_bits(n_features)).size_bytes();
  } else if (entry.encoding != ChunkEncoding::empty) {
    const bool masked = entry.encoding == ChunkEncoding::masked;
    const uint64_t base_bytes = masked ? kWordBytes : uint64_t{entry.key_bytes} + entry.child_bytes + sizeof(float);
    bytes = ((uint64_t{1} << entry.bucket_bits) + 1) * sizeof(BucketHeader) + entry.n_entries * base_bytes;
  }
  return (bytes + 7) & ~uint64_t{7};
}

ChunkView view_chunk(const LevelWeights& level, size_t chunk) noexcept {
  const LevelArrays& arrays = level.arrays();
  const ChunkEntry& entry = arrays.chunks[chunk];
  ChunkView view;
  if (uint64_t{entry.first_node} + entry.n_children > arrays.bias.size()) return view;
  view.first_node = entry.first_node;
  view.n_children = entry.n_children;
  view.bias = arrays.bias.data() + entry.first_node;
  if (entry.encoding == ChunkEncoding::empty || !payload_fits(entry, arrays)) return view;
  view.data = arrays.payload.data() + entry.offset;
  if (entry.encoding == ChunkEncoding::direct) {
    view.stride = direct_stride(entry.n_children);
  } else if (entry.encoding == ChunkEncoding::packed) {
    view.packed = &entry;
    view.n_entries = entry.n_entries;
    view.key_shift = 32 - hash_bits(arrays.n_features);
  } else {
    view.headers = reinterpret_cast<const BucketHeader*>(view.data);
    view.data += ((size_t{1} << entry.bucket_bits) + 1) * sizeof(BucketHeader);
    view.n_entries = entry.n_entries;
    view.key_bytes = entry.key_bytes;
    view.child_bytes = entry.child_bytes;
    view.bucket_shift = 32U - entry.bucket_bits;
    view.filter_shift = view.bucket_shift - 5;
    view.key_shift = 32 - hash_bits(arrays.n_features);
  }
  view.encoding = entry.encoding;
  return view;
}

namespace {

uint64_t n_packed_weights(const PackedChunk& chunk) noexcept {
  uint64_t count = 0;
  for (uint64_t index = 0; index < chunk.n_blocks && chunk.ascends(index); ++index) {
    const PackedBlock block = chunk.block_at(chunk.block_begin(index));
    count += block.n_pairs + count_flags(chunk.blocks, block.masks, uint64_t{block.n_masks} * chunk.n_children);
  }
  return count;
}

}  // namespace

uint64_t n_weights(const LevelWeights& level) noexcept {
  uint64_t count = 0;
  for (size_t p = 0; p < level.n_chunks(); ++p) {
    const ChunkView chunk = view_chunk(level, p);
    if (chunk.encoding == ChunkEncoding::direct) {
      const uint64_t most = uint64_t{level.n_features()} * chunk.n_children;
      count += std::min<uint64_t>(level.arrays().chunks[p].n_entries, most);
      continue;
    }
    if (chunk.encoding == ChunkEncoding::hashed) count += chunk.n_entries;
    if (chunk.encoding == ChunkEncoding::packed) count += n_packed_weights(packed_chunk(chunk));
    if (chunk.encoding != ChunkEncoding::masked) continue;
    for (uint32_t bucket = 0; bucket < chunk.n_buckets() && chunk.ascends(bucket); ++bucket) {
      count += chunk.masked_bucket(bucket).n_values;
    }
  }
  return count;
}

namespace {

float masked_weight(const ChunkView& chunk, const MaskedBucket& bucket, uint32_t key, uint32_t child) noexcept {
  uint32_t place = 0;
  for (uint32_t i = 0; i < bucket.n; ++i) {
    const std::byte* mask = bucket.masks + size_t{i} * chunk.child_bytes;
    for (uint32_t c = 0; c < chunk.n_children; ++c) {
      if (!has_flag(mask, c)) continue;
      if (place >= bucket.n_values) return 0;
      if (c == child && bucket_key(chunk, bucket.keys, i) == key) return read_at<float>(bucket.values, place);
      ++place;
    }
  }
  return 0;
}

float packed_weight(const PackedChunk& chunk, uint32_t hash, uint32_t child) noexcept {
  float found = 0;
  PackedRow row;
  if (!chunk.find_row(hash, row)) return found;
  chunk.for_each_weight(row, [&](uint32_t of, float weight) {
    if (of == child) found = chunk.sum_scale(child) * weight;
  });
  return found;
}

}  // namespace

float weight_at(const ChunkView& chunk, uint32_t feature, uint32_t hash, uint32_t child) noexcept {
  if (chunk.encoding == ChunkEncoding::direct) {
    return read_at<float>(chunk.data, uint64_t{feature} * chunk.stride + child);
  }
  if (chunk.encoding == ChunkEncoding::packed) return packed_weight(packed_chunk(chunk), hash, child);
  const uint32_t key = hash >> chunk.key_shift & (chunk.key_bytes == 2 ? 0xFFFF : 0xFFFFFFFF);
  if (chunk.encoding == ChunkEncoding::masked) {
    return masked_weight(chunk, chunk.masked_bucket(hash >> chunk.bucket_shift), key, child);
  }
  if (chunk.encoding != ChunkEncoding::hashed) return 0;
  const Bucket bucket = chunk.bucket(hash >> chunk.bucket_shift);
  for (uint32_t i = 0; i < bucket.n; ++i) {
    if (bucket_key(chunk, bucket.keys, i) == key && bucket_child(chunk, bucket, i) == child) {
      return read_at<float>(bucket.values, i);
    }
  }
  return 0;
}

LevelWeights::LevelWeights(LevelArrays arrays) : arrays_(std::move(arrays)) {
  if (arrays_.bias.size() > kMostNodes) refuse("too many nodes");
  if (arrays_.payload.size() < kPayloadSlack) {
    refuse("a payload of " + counted(arrays_.payload.size(), "byte") + ", expected " + std::to_string(kPayloadSlack) +
           " or more");
  }
  if (reinterpret_cast<uintptr_t>(arrays_.payload.data()) % 8 != 0 ||
      reinterpret_cast<uintptr_t>(arrays_.chunks.data()) % alignof(ChunkEntry) != 0) {
    refuse("arrays that are not aligned to 8 bytes");
  }
}

size_t LevelWeights::size_bytes() const noexcept {
  return arrays_.chunks.size_bytes() + arrays_.bias.size_bytes() + arrays_.payload.size_bytes();
}

}  // namespace coppice
