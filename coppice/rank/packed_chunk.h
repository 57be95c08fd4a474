// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "coppice/math/elias_fano.h"
#include "coppice/math/half.h"
#include "coppice/rank/chunk.h"
#include "coppice/rank/chunk_view.h"
#include "coppice/rank/level_weights.h"

namespace coppice {

/// What shares a scale, by which whole numbers become weights.
enum class Scaling : uint8_t {
  children,  ///< all weights of a child
  model,     ///< all weights of the model: one range, as in the article by Strimel et al.
  rows,      ///< the weights of a feature in a chunk
  groups     ///< 32 weights that lie side by side
};
inline constexpr uint8_t kScalings = 4;

/// How the weights of a row say whose they are.
enum class ChildLayout : uint8_t {
  numbers,  ///< the child's number before each weight
  masks     ///< a bit for each child of the chunk: less where rows have many weights
};
inline constexpr uint8_t kChildLayouts = 2;

/// How the weights of a chunk are put into few bits.
struct PackOptions {
  uint32_t value_bits = 8;  ///< of a weight: 2 to 8, or 16 = halves (IEEE 754 binary16), which need no scale
  Scaling scaling = Scaling::children;
  float largest = 0;  ///< of Scaling::model: the largest weight of the model, by size; 0 = of the chunk

  static constexpr uint32_t kMostValueBits = 8;
  static constexpr uint32_t kHalf = 16;
  static constexpr bool is_width(uint32_t bits) noexcept {
    return (bits >= 2 && bits <= kMostValueBits) || bits == kHalf;
  }
};

/// A chunk in few bits, read where it lies: encoding `packed`.
///
/// In order: the scales (the upper half of an f32 each), the rows as Elias-Fano numbers (samples, upper parts, lower
/// parts), the ends of the rows among the weights likewise, the masks of the rows if there are any, then the weights,
/// row by row: the child in child_bits unless there are masks, a number q in value_bits. The weight is
/// scale * (2 q + 1): the middles of 2^value_bits even intervals, none of which is 0; or a half.
/// Rows are known by the hash of their feature, k bits of it, as in the other encodings, and ascend by it.
/// Storage: some 5 + log2(features / rows) + log2(weights / rows) bits a row, child_bits + value_bits a weight.
struct PackedChunk {
  static constexpr uint64_t kNoRow = EliasFano::kNone;
  static constexpr uint64_t kWeightsOfGroup = 32;

  const std::byte* scales = nullptr;
  EliasFano rows;
  RunEnds row_ends;
  const std::byte* masks = nullptr;
  const std::byte* weights = nullptr;
  uint32_t n_children = 0;
  uint32_t child_bits = 0;  ///< 0 with masks
  uint32_t value_bits = 0;
  uint32_t hash_shift = 0;  ///< a hash, which lies in the upper bits, becomes the number of a row
  Scaling scaling = Scaling::children;
  ChildLayout layout = ChildLayout::numbers;

  /// The row with this hash, or kNoRow.
  template <class Select = SoftwareSelect>
  [[gnu::always_inline]] uint64_t find_row(uint32_t hash) const noexcept {
    return rows.find<Select>(hash >> hash_shift);
  }

  /// Whether sums are multiplied by scales once they are complete, and not each weight before.
  bool scales_sums() const noexcept {
    return value_bits != PackOptions::kHalf && (scaling == Scaling::children || scaling == Scaling::model);
  }
  /// What the sum of a child is multiplied by.
  float sum_scale(uint32_t child) const noexcept {
    if (!scales_sums()) return 1;
    return scale(scaling == Scaling::model ? 0 : child);
  }

  /// Calls use(child, weight) for the weights of a row, in the order of the children; weights still lack `sum_scale`.
  /// Children are below the next power of two from n_children whatever the bytes are.
  template <class Select = SoftwareSelect, class Use>
  [[gnu::always_inline]] void for_each_weight(uint64_t row, Use&& use) const {
    for_each_weight(row, row_ends.of<Select>(row), use);
  }
  /// The same where it is known which weights are the row's.
  template <class Use>
  [[gnu::always_inline]] void for_each_weight(uint64_t row, UnaryGroups::Members members, Use&& use) const {
    if (scales_sums() && layout == ChildLayout::numbers) {  // the usual case, without questions on the way
      for (uint64_t i = members.begin; i < members.end; ++i) {
        const uint64_t bits = load_bits(weights, i * (child_bits + value_bits));
        use(child_of(bits), static_cast<float>(odd_number(bits >> child_bits)));
      }
    } else if (layout == ChildLayout::numbers) {
      for (uint64_t i = members.begin; i < members.end; ++i) {
        use(child_of(load_bits(weights, i * (child_bits + value_bits))), number(row, i));
      }
    } else {
      for_each_masked(row, members, use);
    }
  }

  uint64_t n_scales() const noexcept;
  float scale(uint64_t index) const noexcept;

  /// Bytes from the scales to the last weight.
  uint64_t size_bytes() const noexcept;

 private:
  uint32_t child_of(uint64_t bits) const noexcept {
    return static_cast<uint32_t>(bits & ((uint64_t{1} << child_bits) - 1));
  }

  /// 2 q + 1 of the q in the lowest value_bits.
  int32_t odd_number(uint64_t bits) const noexcept {
    const int32_t q = static_cast<int32_t>(static_cast<uint32_t>(bits) << (32 - value_bits)) >> (32 - value_bits);
    return 2 * q + 1;
  }

  /// Weight i, which is of that row.
  float number(uint64_t row, uint64_t i) const noexcept {
    const uint64_t bits = load_bits(weights, i * (child_bits + value_bits)) >> child_bits;
    if (value_bits == PackOptions::kHalf) return half_to_float(static_cast<uint16_t>(bits));
    const auto odd = static_cast<float>(odd_number(bits));
    if (scaling == Scaling::rows) return odd * scale(row);
    return scaling == Scaling::groups ? odd * scale(i / kWeightsOfGroup) : odd;
  }

  template <class Use>
  void for_each_masked(uint64_t row, UnaryGroups::Members members, Use&& use) const {
    constexpr uint32_t kStep = 56;
    uint64_t i = members.begin;
    for (uint32_t first = 0; first < n_children; first += kStep) {
      const uint32_t width = std::min(kStep, n_children - first);
      uint64_t mask = read_bits(masks, row * n_children + first, width);
      for (; mask != 0 && i < members.end; mask &= mask - 1, ++i) {
        use(first + static_cast<uint32_t>(std::countr_zero(mask)), number(row, i));
      }
    }
  }
};

/// The sizes of a packed chunk with this entry, whose features' hashes have so many bits; nothing is read.
PackedChunk packed_shape(const ChunkEntry& entry, uint32_t universe_bits) noexcept;

/// The parts of a chunk of encoding `packed`.
PackedChunk packed_chunk(const ChunkView& chunk) noexcept;

/// Puts a chunk into few bits, with a loss: each weight becomes the middle of its interval; those nearer to zero than
/// to the middle of the first interval are dropped. The smaller one of the two child layouts is taken. Throws
/// `ErrorCode::internal` when `rows` breaks its invariants. Threads: pure.
EncodedChunk pack_chunk(const ChunkRows& rows, uint32_t n_features, const PackOptions& options);

}  // namespace coppice
