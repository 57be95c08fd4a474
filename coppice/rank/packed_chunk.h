// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "coppice/math/half.h"
#include "coppice/math/unary.h"
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

/// Where the weights of one feature lie in a packed chunk: inside its blocks, whatever the bytes are. Bits are counted
/// from the chunk's first block.
struct PackedRow {
  uint64_t children = 0;  ///< with a mask: its bit; else: that of the block's pairs
  uint64_t values = 0;    ///< with a mask: the bit of its values; else: how many pairs of the block come before its own
  uint32_t n = 0;         ///< weights; 0 only where the bytes are damaged
  bool has_mask = false;
  float scale = 1;  ///< of Scaling::rows
};

/// 64 groups of rows that lie together: where its parts begin, in bits from the chunk's first block.
struct PackedBlock {
  uint64_t uppers = 0;  ///< for each group a one for each row, then a zero
  uint64_t lows = 0;    ///< the low bits of each row's number
  uint64_t flags = 0;   ///< whether a row has a mask, if any has
  uint64_t counts = 0;  ///< of rows without a mask, in unary: weights less one
  uint64_t scales = 0;  ///< of Scaling::rows
  uint64_t masks = 0;
  uint64_t pairs = 0;   ///< of rows without a mask: (child, value)
  uint64_t values = 0;  ///< of rows with a mask; at a whole byte
  uint32_t n_rows = 0;
  uint32_t n_masks = 0;
  uint32_t n_pairs = 0;
};

/// A chunk in few bits, read where it lies: encoding `packed`.
///
/// Rows are known by the hash of their feature, k bits of it, as in the other encodings. Those that share all but the
/// low_bits of their numbers are a group, 64 groups a block; where each block begins stands in a directory, so that a
/// look-up touches the directory, the head of one block and the weights behind it. Scales of children or of the model
/// come before the directory (the upper half of an f32 each).
/// A row says whose its weights are by a mask of all children or, where this takes no more room, by pairs (child,
/// value). A value q of value_bits is the weight scale * (2 q + 1): the middles of 2^value_bits even intervals, none of
/// which is 0; or a half.
/// Storage: 3 + log2(features / rows) bits a row; 1 + child_bits + value_bits a weight, or n_children a row with a mask
/// and value_bits a weight. The format is in docs/model_format.md.
struct PackedChunk {
  static constexpr uint32_t kGroupsOfBlock = 64;
  static constexpr uint64_t kWeightsOfGroup = 32;
  static constexpr uint32_t kScaleBits = 16;
  static constexpr uint32_t kNoPlace = ~uint32_t{0};

  const std::byte* scales = nullptr;
  const std::byte* directory = nullptr;
  const std::byte* blocks = nullptr;
  uint64_t blocks_bytes = 0;
  uint64_t n_blocks = 0;
  uint32_t groups_of_block = kGroupsOfBlock;
  uint32_t n_children = 0;
  uint32_t child_bits = 0;
  uint32_t value_bits = 0;
  uint32_t low_bits = 0;
  uint32_t rows_bits = 0, masks_bits = 0, pairs_bits = 0;  ///< of the three numbers that a block begins with
  uint32_t hash_shift = 0;  ///< a hash, which lies in the upper bits, becomes the number of a row
  Scaling scaling = Scaling::children;

  /// Gives `row` the one with this hash, or says that there is none. Kernels do the same in two steps.
  bool find_row(uint32_t hash, PackedRow& row) const noexcept;

  /// Where the bytes of a block begin; inside the blocks, whatever is stored.
  uint64_t block_begin(uint64_t index) const noexcept {
    uint32_t offset;
    const bool is_wide = blocks_bytes > 0xFFFF;
    std::memcpy(&offset, directory + index * (is_wide ? 4 : 2), sizeof offset);
    return std::min<uint64_t>(is_wide ? offset : offset & 0xFFFF, blocks_bytes);
  }

  /// A block, `index` below n_blocks: one that does not fit has no rows.
  [[gnu::always_inline]] PackedBlock block(uint64_t index) const noexcept {
    const uint64_t begin = 8 * block_begin(index);
    uint64_t head = load_bits(blocks, begin);
    const auto take = [&head](uint32_t width) {
      const auto number = static_cast<uint32_t>(head & ((uint64_t{1} << width) - 1));
      head >>= width;
      return number;
    };
    PackedBlock b;
    b.n_rows = take(rows_bits);
    b.n_masks = take(masks_bits);
    b.n_pairs = take(pairs_bits);
    b.uppers = begin + rows_bits + masks_bits + pairs_bits;
    b.lows = b.uppers + groups_of_block + b.n_rows;
    b.flags = b.lows + uint64_t{b.n_rows} * low_bits;
    b.counts = b.flags + (b.n_masks > 0 ? b.n_rows : 0);
    b.scales = b.counts + b.n_pairs;
    b.masks = b.scales + (scaling == Scaling::rows ? uint64_t{b.n_rows} * kScaleBits : 0);
    b.pairs = b.masks + uint64_t{b.n_masks} * n_children;
    b.values = (b.pairs + bits_of_pairs(b.n_pairs) + 7) / 8 * 8;
    const bool fits = b.values <= 8 * blocks_bytes && b.n_masks <= b.n_rows && b.n_rows - b.n_masks <= b.n_pairs;
    if (!fits) [[unlikely]] {
      return {begin, begin, begin, begin, begin, begin, begin, begin, 0, 0, 0};
    }
    return b;
  }

  /// The place of a row in its block, or kNoPlace. `group`: counted from the block's first.
  template <class Select>
  [[gnu::always_inline]] uint32_t find_in_block(const PackedBlock& b, uint64_t group, uint64_t number) const noexcept {
    const uint64_t at = behind_zeros<Select>(blocks, b.uppers, b.lows, group);
    const uint64_t first = std::min<uint64_t>(at - b.uppers - group, b.n_rows);
    uint64_t n = static_cast<uint64_t>(std::countr_one(loaded_bits(blocks, at)));
    if (n > 2 || low_bits > kLoadedBits / 2) [[unlikely]] {
      n = run_of_ones(blocks, at, b.lows);
      return find_among(b, first, std::min<uint64_t>(first + n, b.n_rows), number);
    }
    n = std::min<uint64_t>(n, b.n_rows - first);
    // Both at once, if there are two, without a branch: which one it is can not be foreseen.
    const uint64_t mask = (uint64_t{1} << low_bits) - 1;
    const uint64_t lows = load_bits(blocks, b.lows + first * low_bits);
    const uint64_t one = ((lows ^ number) & mask) | static_cast<uint64_t>(n == 0);  // 0: it is the number
    const uint64_t two = ((lows >> low_bits ^ number) & mask) | static_cast<uint64_t>(n < 2);
    const uint32_t second = two == 0 ? static_cast<uint32_t>(first + 1) : kNoPlace;
    return one == 0 ? static_cast<uint32_t>(first) : second;
  }

  /// The row at a place of its block, which is below b.n_rows.
  template <class Select>
  [[gnu::always_inline]] void take_row(const PackedBlock& b, uint64_t place, PackedRow& row) const noexcept {
    uint64_t masks_before = 0;
    bool has_mask = false;
    if (b.n_masks > 0) {
      masks_before = count_ones(blocks, b.flags, place);
      has_mask = read_bits(blocks, b.flags + place, 1) != 0;
    }
    has_mask ? take_masked(b, masks_before, row) : take_paired<Select>(b, place - masks_before, row);
    row.scale = scaling == Scaling::rows ? scale_at(b.scales + place * kScaleBits) : 1.0F;
  }

  /// Whether sums are multiplied by scales once they are complete, and not each weight before.
  bool scales_sums() const noexcept {
    return value_bits != PackOptions::kHalf && (scaling == Scaling::children || scaling == Scaling::model);
  }
  /// What the sum of a child is multiplied by.
  float sum_scale(uint32_t child) const noexcept {
    if (!scales_sums()) return 1;
    return float_of_scale(read_at<uint16_t>(scales, scaling == Scaling::model ? 0 : child));
  }

  /// Calls use(child, weight) for the weights of a row, in the order of the children; weights still lack `sum_scale`.
  /// Children are below the next power of two from n_children whatever the bytes are.
  template <class Use>
  [[gnu::always_inline]] void for_each_weight(const PackedRow& row, Use&& use) const {
    if (row.has_mask) return for_each_masked(row, use);
    const uint32_t width = child_bits + value_bits;
    uint64_t at = row.children + bits_of_pairs(row.values + 1) - width;
    if (scales_sums()) {  // the usual case, without questions on the way
      for (uint32_t i = 0; i < row.n; ++i, at += width) {
        const uint64_t bits = load_bits(blocks, at);
        use(child_of(bits), static_cast<float>(odd_number(bits >> child_bits)));
      }
      return;
    }
    GroupScale scale(*this, row.scale, row.values, at, width);
    for (uint32_t i = 0; i < row.n; ++i, at += width) {
      scale.before_value(at);
      const uint64_t bits = load_bits(blocks, at);
      use(child_of(bits), number(bits >> child_bits) * scale.now());
    }
  }

  /// The scale of one weight after another: of groups, it changes with every 32nd, where it stands before the weight.
  class GroupScale {
   public:
    /// `ordinal`: of the first weight, at the bit `at`, in what is grouped; `width`: what a weight takes.
    GroupScale(const PackedChunk& chunk, float scale, uint64_t ordinal, uint64_t at, uint32_t width) noexcept
        : chunk_(chunk), left_(chunk.in_groups() ? kWeightsOfGroup - ordinal % kWeightsOfGroup : ~uint64_t{0}) {
      scale_ = chunk.in_groups() ? chunk.scale_at(at - ordinal % kWeightsOfGroup * width - kScaleBits) : scale;
    }
    /// Moves `at` over a scale that stands there.
    void before_value(uint64_t& at) noexcept {
      if (left_ == 0) {
        scale_ = chunk_.scale_at(at);
        at += kScaleBits;
        left_ = kWeightsOfGroup;
      }
      --left_;
    }
    /// For several weights at once: how many there are before the next scale.
    uint64_t left() const noexcept { return left_; }
    void skip(uint64_t n) noexcept { left_ -= n; }
    float now() const noexcept { return scale_; }

   private:
    const PackedChunk& chunk_;
    uint64_t left_;
    float scale_;
  };

  /// The bit of the first value of a row with a mask.
  uint64_t first_value(const PackedRow& row) const noexcept { return row.values + (in_groups() ? kScaleBits : 0); }
  /// 2 q + 1 of the q in the lowest value_bits, or the half in them.
  float number(uint64_t bits) const noexcept {
    if (value_bits == PackOptions::kHalf) return half_to_float(static_cast<uint16_t>(bits));
    return static_cast<float>(odd_number(bits));
  }
  /// What the values of a row with a mask take.
  uint64_t bits_of_values(uint64_t n) const noexcept { return bits_with_scales(n, value_bits); }
  /// What the pairs of a block take.
  uint64_t bits_of_pairs(uint64_t n) const noexcept { return bits_with_scales(n, child_bits + value_bits); }

  bool in_groups() const noexcept { return scaling == Scaling::groups && value_bits != PackOptions::kHalf; }
  uint64_t n_scales() const noexcept { return !scales_sums() ? 0 : scaling == Scaling::model ? 1 : n_children; }
  uint64_t directory_bytes() const noexcept { return n_blocks * (blocks_bytes > 0xFFFF ? 4 : 2); }
  /// Bytes from the scales to the end of the last block.
  uint64_t size_bytes() const noexcept { return n_scales() * (kScaleBits / 8) + directory_bytes() + blocks_bytes; }

  /// The scale that is stored at this bit.
  float scale_at(uint64_t bit) const noexcept {
    return float_of_scale(static_cast<uint16_t>(read_bits(blocks, bit, kScaleBits)));
  }
  static float float_of_scale(uint16_t stored) noexcept { return std::bit_cast<float>(uint32_t{stored} << 16); }

 private:
  /// `n` numbers of `width` bits, and the scales of their groups.
  uint64_t bits_with_scales(uint64_t n, uint32_t width) const noexcept {
    return n * width + (in_groups() ? (n + kWeightsOfGroup - 1) / kWeightsOfGroup * kScaleBits : 0);
  }

  uint32_t find_among(const PackedBlock& b, uint64_t first, uint64_t end, uint64_t number) const noexcept;

  [[gnu::always_inline]] void take_masked(const PackedBlock& b, uint64_t masks_before, PackedRow& row) const noexcept {
    masks_before = std::min<uint64_t>(masks_before, b.n_masks - 1);
    uint64_t values = b.values;
    if (in_groups()) {
      for (uint64_t i = 0; i < masks_before; ++i) {
        values += bits_of_values(count_ones(blocks, b.masks + i * n_children, n_children));
      }
    } else {
      values += count_ones(blocks, b.masks, masks_before * n_children) * value_bits;
    }
    row.has_mask = true;
    row.children = b.masks + masks_before * n_children;
    const uint64_t n = count_ones(blocks, row.children, n_children);
    const bool fits = values + bits_of_values(n) <= 8 * blocks_bytes;
    row.values = fits ? values : b.values;
    row.n = fits ? static_cast<uint32_t>(n) : 0;
  }

  template <class Select>
  [[gnu::always_inline]] void take_paired(const PackedBlock& b, uint64_t rows_before, PackedRow& row) const noexcept {
    const uint64_t end = b.counts + b.n_pairs;
    const uint64_t at = behind_zeros<Select>(blocks, b.counts, end, rows_before);
    row.has_mask = false;
    row.children = b.pairs;
    row.values = std::min<uint64_t>(at - b.counts, b.n_pairs);
    row.n = static_cast<uint32_t>(std::min(run_of_ones(blocks, at, end) + 1, b.n_pairs - row.values));
  }

  template <class Use>
  void for_each_masked(const PackedRow& row, Use&& use) const {
    uint64_t at = first_value(row);
    GroupScale scale(*this, row.scale, 0, at, value_bits);
    uint32_t i = 0;
    for (uint32_t first = 0; first < n_children; first += kLoadedBits) {
      const uint32_t width = std::min(kLoadedBits, n_children - first);
      uint64_t mask = read_bits(blocks, row.children + first, width);
      for (; mask != 0 && i < row.n; mask &= mask - 1, ++i, at += value_bits) {
        scale.before_value(at);
        use(first + static_cast<uint32_t>(std::countr_zero(mask)), number(load_bits(blocks, at)) * scale.now());
      }
    }
  }

  uint32_t child_of(uint64_t bits) const noexcept {
    return static_cast<uint32_t>(bits & ((uint64_t{1} << child_bits) - 1));
  }
  /// 2 q + 1 of the q in the lowest value_bits.
  int32_t odd_number(uint64_t bits) const noexcept {
    const int32_t q = static_cast<int32_t>(static_cast<uint32_t>(bits) << (32 - value_bits)) >> (32 - value_bits);
    return 2 * q + 1;
  }
};

/// The sizes of a packed chunk with this entry, whose features' hashes have so many bits; nothing is read.
PackedChunk packed_shape(const ChunkEntry& entry, uint32_t universe_bits) noexcept;

/// The parts of a chunk of encoding `packed`.
PackedChunk packed_chunk(const ChunkView& chunk) noexcept;

/// The rows of one block in the order in which they lie, for whoever wants them all.
class PackedBlockRows {
 public:
  /// `index` below the chunk's n_blocks.
  PackedBlockRows(const PackedChunk& chunk, uint64_t index) noexcept;

  /// Goes to the next row, if there is one. In line, so that it is compiled for the kernel's instruction set.
  [[gnu::always_inline]] bool next() noexcept {
    if (n_rows_ == block_.n_rows) return false;
    for (uint64_t zeros = kLoadedBits; zeros == kLoadedBits && upper_ < block_.lows; upper_ += zeros, group_ += zeros) {
      const uint64_t uppers = load_bits(chunk_.blocks, upper_) | uint64_t{1} << kLoadedBits;
      zeros = static_cast<uint64_t>(std::countr_zero(uppers));
    }
    if (upper_ >= block_.lows) return false;
    ++upper_;
    const uint64_t low = read_bits(chunk_.blocks, block_.lows + uint64_t{n_rows_} * chunk_.low_bits, chunk_.low_bits);
    number_ = static_cast<uint32_t>(group_ << chunk_.low_bits | low);
    row_.has_mask = block_.n_masks > 0 && read_bits(chunk_.blocks, block_.flags + n_rows_, 1) != 0;
    row_.has_mask ? take_masked() : take_paired();
    if (chunk_.scaling == Scaling::rows)
      row_.scale = chunk_.scale_at(block_.scales + n_rows_ * PackedChunk::kScaleBits);
    ++n_rows_;
    return true;
  }
  uint32_t number() const noexcept { return number_; }  ///< as rows are known by: the hash, not moved
  const PackedRow& row() const noexcept { return row_; }

  /// After the last row: whether the numbers at the head of the block are those of its rows.
  bool is_sound() const noexcept;
  /// After the last row: the bit where the block ends.
  uint64_t end() const noexcept { return values_; }

 private:
  [[gnu::always_inline]] void take_masked() noexcept {
    row_.n = 0;
    row_.values = values_;
    if (n_masks_ == block_.n_masks) return;
    row_.children = block_.masks + uint64_t{n_masks_++} * chunk_.n_children;
    const uint64_t n = count_ones(chunk_.blocks, row_.children, chunk_.n_children);
    const uint64_t end = values_ + chunk_.bits_of_values(n);
    if (end > 8 * chunk_.blocks_bytes) return;
    row_.n = static_cast<uint32_t>(n);
    values_ = end;
  }

  [[gnu::always_inline]] void take_paired() noexcept {
    row_.children = block_.pairs;
    row_.values = n_pairs_;
    const uint64_t n = run_of_ones(chunk_.blocks, block_.counts + n_pairs_, block_.counts + block_.n_pairs) + 1;
    row_.n = static_cast<uint32_t>(std::min<uint64_t>(n, block_.n_pairs - n_pairs_));
    n_pairs_ += row_.n;
  }

  const PackedChunk& chunk_;
  PackedBlock block_;
  uint64_t group_;       ///< of the chunk
  uint64_t upper_;       ///< the bit that says whether the group has a further row
  uint64_t values_;      ///< where those of the next row with a mask begin
  uint32_t n_rows_ = 0;  ///< of the rows so far, the other two likewise
  uint32_t n_masks_ = 0;
  uint32_t n_pairs_ = 0;
  uint32_t number_ = 0;
  PackedRow row_;
};

/// Puts a chunk into few bits, with a loss: each weight becomes the middle of its interval; those nearer to zero than
/// to the middle of the first interval are dropped. Throws `ErrorCode::internal` when `rows` breaks its invariants.
/// Threads: pure.
EncodedChunk pack_chunk(const ChunkRows& rows, uint32_t n_features, const PackOptions& options);

}  // namespace coppice
