// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "coppice/math/elias_fano.h"
#include "coppice/rank/chunk.h"
#include "coppice/rank/chunk_view.h"
#include "coppice/rank/level_weights.h"

namespace coppice {

/// How the weights of a chunk are put into few bits.
struct PackOptions {
  uint32_t value_bits = 8;  ///< of a weight: 2 to 8

  static constexpr uint32_t kMostValueBits = 8;
};

/// A chunk in few bits, read where it lies: encoding `packed`.
///
/// In order: the scales of the children (the upper half of an f32 each), the rows as Elias-Fano numbers (samples, upper
/// parts, lower parts), the number of weights of each row in unary (samples, bits), then the weights, row by row: the
/// child in child_bits, a number q in value_bits. The weight is scale[child] * (2 q + 1): the middles of 2^value_bits
/// even intervals, none of which is 0.
/// Rows are known by the hash of their feature, k bits of it, as in the other encodings, and ascend by it.
/// Storage: some 3 + log2(features / rows) bits a row, 1 + child_bits + value_bits a weight.
struct PackedChunk {
  const std::byte* scales = nullptr;
  EliasFano rows;
  UnaryGroups weights_of_rows;
  const std::byte* weights = nullptr;
  uint32_t n_children = 0;
  uint32_t child_bits = 0;
  uint32_t value_bits = 0;
  uint32_t hash_shift = 0;  ///< a hash, which lies in the upper bits, becomes the number of a row

  struct Weight {
    uint32_t child;
    int32_t odd;  ///< 2 q + 1: times the child's scale
  };

  /// The weights of the row with this hash; none when there is no such row.
  UnaryGroups::Members find(uint32_t hash) const noexcept {
    const uint64_t row = rows.find(hash >> hash_shift);
    return row == EliasFano::kNone ? UnaryGroups::Members{0, 0} : weights_of_rows.of(row);
  }

  Weight weight(uint64_t index) const noexcept {
    const uint64_t bits = load_bits(weights, index * (child_bits + value_bits));
    const auto child = static_cast<uint32_t>(bits & ((uint64_t{1} << child_bits) - 1));
    const auto q =
        static_cast<int32_t>(static_cast<uint32_t>(bits >> child_bits) << (32 - value_bits)) >> (32 - value_bits);
    return {child, 2 * q + 1};
  }

  float scale(uint32_t child) const noexcept;

  /// Bytes from the scales to the last weight.
  uint64_t size_bytes() const noexcept;
};

/// The sizes of a packed chunk with this entry, whose features' hashes have so many bits; nothing is read.
PackedChunk packed_shape(const ChunkEntry& entry, uint32_t universe_bits) noexcept;

/// The parts of a chunk of encoding `packed`.
PackedChunk packed_chunk(const ChunkView& chunk) noexcept;

/// Puts a chunk into few bits, with a loss: each weight becomes the middle of its interval.
/// Throws `ErrorCode::internal` when `rows` breaks its invariants. Threads: pure.
EncodedChunk pack_chunk(const ChunkRows& rows, uint32_t n_features, const PackOptions& options);

}  // namespace coppice
