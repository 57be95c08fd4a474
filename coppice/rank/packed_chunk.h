// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "coppice/math/flags.h"
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
  uint64_t groups = 0;  ///< flags: whether a group has rows; at a whole byte
  uint64_t firsts = 0;  ///< flags: whether a row is the first of its group
  uint64_t lows = 0;    ///< the low bits of each row's number
  uint64_t masked = 0;  ///< flags: whether a row has a mask, if any has
  uint64_t heads = 0;   ///< flags: whether a pair is the first of its row
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

  /// Whether a block begins behind the one before, as all do in a sound chunk: a sweep over blocks that stops where one
  /// does not reads each byte once.
  bool ascends(uint64_t index) const noexcept { return index == 0 || block_begin(index) > block_begin(index - 1); }

  /// The block that begins at a byte: one that does not fit has no rows.
  [[gnu::always_inline]] PackedBlock block_at(uint64_t first_byte) const noexcept {
    PackedBlock b;
    b.groups = 8 * first_byte;
    uint64_t head = load_bits(blocks, b.groups + groups_of_block);
    const auto take = [&head](uint32_t width) {
      const auto number = static_cast<uint32_t>(head & ((uint64_t{1} << width) - 1));
      head >>= width;
      return number;
    };
    b.n_rows = take(rows_bits);
    b.n_masks = take(masks_bits);
    b.n_pairs = take(pairs_bits);
    b.firsts = b.groups + groups_of_block + rows_bits + masks_bits + pairs_bits;
    b.lows = b.firsts + b.n_rows;
    b.masked = b.lows + uint64_t{b.n_rows} * low_bits;
    b.heads = b.masked + (b.n_masks > 0 ? b.n_rows : 0);
    b.scales = b.heads + b.n_pairs;
    b.masks = b.scales + (scaling == Scaling::rows ? uint64_t{b.n_rows} * kScaleBits : 0);
    b.pairs = b.masks + uint64_t{b.n_masks} * n_children;
    b.values = (b.pairs + bits_of_pairs(b.n_pairs) + 7) / 8 * 8;
    const bool fits = b.values <= 8 * blocks_bytes && b.n_masks <= b.n_rows && b.n_rows - b.n_masks <= b.n_pairs;
    if (!fits) [[unlikely]] {
      const uint64_t at = b.groups;
      return {at, at, at, at, at, at, at, at, at, 0, 0, 0};
    }
    return b;
  }

  /// Whether a row lies in the block that begins at a byte, and if so, at which place. `group`: counted from the
  /// block's first. Reads only what it needs; branches only where a group has three rows or more, which few have.
  template <class Select>
  [[gnu::always_inline]] bool find_in_block(uint64_t first_byte, uint64_t group, uint64_t number,
                                            uint32_t& place) const noexcept {
    const uint64_t groups = load_word(blocks + first_byte);
    const uint64_t head = 8 * first_byte + groups_of_block;
    const uint64_t stored_rows = load_bits(blocks, head) & ((uint64_t{1} << rows_bits) - 1);
    const uint64_t firsts = head + rows_bits + masks_bits + pairs_bits;
    const bool fits = firsts + stored_rows * (1 + low_bits) <= 8 * blocks_bytes;
    const uint64_t n_rows = fits ? stored_rows : 0;
    const uint64_t lows = firsts + n_rows;
    const auto groups_before = static_cast<uint64_t>(std::popcount(groups & ((uint64_t{1} << group) - 1)));
    const uint64_t first = std::min(nth_flag<2, Select>(blocks, firsts, lows, groups_before) - firsts, n_rows);
    const uint64_t left = (n_rows - first) & (uint64_t{0} - (groups >> group & 1));
    const uint64_t others = load_bits(blocks, firsts + first + 1);  // the flags of the rows behind the first
    const uint64_t mask = (uint64_t{1} << low_bits) - 1;
    if ((others & 3) == 0 && left > 2) [[unlikely]] {
      uint64_t i = first;
      const auto is_it = [&] { return ((load_bits(blocks, lows + i * low_bits) ^ number) & mask) == 0; };
      while (!is_it() && i + 1 < n_rows && !has_flag(blocks, firsts + i + 1)) ++i;
      place = static_cast<uint32_t>(i);
      return is_it();
    }
    // One or two: both at once.
    const uint64_t at = lows + first * low_bits;
    const uint64_t one = ((load_bits(blocks, at) ^ number) & mask) | static_cast<uint64_t>(left == 0);  // 0: it is it
    const uint64_t two =
        ((load_bits(blocks, at + low_bits) ^ number) & mask) | (others & 1) | static_cast<uint64_t>(left < 2);
    place = static_cast<uint32_t>(first) + static_cast<uint32_t>(one != 0);
    return (static_cast<uint32_t>(one == 0) | static_cast<uint32_t>(two == 0)) != 0;
  }

  /// The row at a place of its block, which is below b.n_rows.
  template <class Select>
  [[gnu::always_inline]] void take_row(const PackedBlock& b, uint64_t place, PackedRow& row) const noexcept {
    uint64_t masks_before = 0;
    bool has_mask = false;
    if (b.n_masks > 0) {
      masks_before = count_flags(blocks, b.masked, place);
      has_mask = has_flag(blocks, b.masked + place);
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

  [[gnu::always_inline]] void take_masked(const PackedBlock& b, uint64_t masks_before, PackedRow& row) const noexcept {
    masks_before = std::min<uint64_t>(masks_before, b.n_masks - 1);
    uint64_t values = b.values;
    if (in_groups()) {
      for (uint64_t i = 0; i < masks_before; ++i) {
        values += bits_of_values(count_flags(blocks, b.masks + i * n_children, n_children));
      }
    } else {
      values += count_flags(blocks, b.masks, masks_before * n_children) * value_bits;
    }
    row.has_mask = true;
    row.children = b.masks + masks_before * n_children;
    const uint64_t n = count_flags(blocks, row.children, n_children);
    const bool fits = values + bits_of_values(n) <= 8 * blocks_bytes;
    row.values = fits ? values : b.values;
    row.n = fits ? static_cast<uint32_t>(n) : 0;
  }

  template <class Select>
  [[gnu::always_inline]] void take_paired(const PackedBlock& b, uint64_t rows_before, PackedRow& row) const noexcept {
    const uint64_t end = b.heads + b.n_pairs;
    const uint64_t at = std::min(nth_flag<3, Select>(blocks, b.heads, end, rows_before), end);
    row.has_mask = false;
    row.children = b.pairs;
    row.values = at - b.heads;
    row.n = static_cast<uint32_t>(to_next_flag(blocks, at, end));
  }

  template <class Use>
  void for_each_masked(const PackedRow& row, Use&& use) const {
    if (row.n == 0) return;
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
PackedChunk packed_chunk(const ChunkView& view) noexcept;

/// The numbers of the rows of one block, in the order in which they lie. In line, so that it is compiled for the
/// kernel's instruction set.
class PackedRowNumbers {
 public:
  /// `index` below the chunk's n_blocks.
  [[gnu::always_inline]] PackedRowNumbers(const PackedChunk& chunk, uint64_t index) noexcept
      : chunk_(chunk),
        block_(chunk.block_at(chunk.block_begin(index))),
        first_group_(index * PackedChunk::kGroupsOfBlock),
        groups_(load_word(chunk.blocks + block_.groups / 8) & ~uint64_t{0} >> (64 - chunk.groups_of_block)) {}

  /// Goes to the next row, if there is one.
  [[gnu::always_inline]] bool next() noexcept {
    if (n_rows_ == block_.n_rows) return false;
    if (has_flag(chunk_.blocks, block_.firsts + n_rows_)) {
      if (groups_ == 0) return false;
      group_ = static_cast<uint64_t>(std::countr_zero(groups_));
      groups_ &= groups_ - 1;
    } else if (n_rows_ == 0) {
      return false;
    }
    low_ = block_.lows + uint64_t{n_rows_++} * chunk_.low_bits;
    return true;
  }
  /// As rows are known by: the hash, not moved.
  [[gnu::always_inline]] uint32_t number() const noexcept {
    const uint64_t low = read_bits(chunk_.blocks, low_, chunk_.low_bits);
    return static_cast<uint32_t>((first_group_ + group_) << chunk_.low_bits | low);
  }
  uint32_t place() const noexcept { return n_rows_ - 1; }
  const PackedBlock& block() const noexcept { return block_; }

  /// After the last row: whether these are the rows that the head of the block says.
  bool is_sound() const noexcept { return n_rows_ == block_.n_rows && groups_ == 0; }

 private:
  const PackedChunk& chunk_;
  PackedBlock block_;
  uint64_t first_group_;  ///< of the block, in the chunk
  uint64_t groups_;       ///< flags: those that have rows, without those before
  uint64_t group_ = 0;    ///< of the row, in the block
  uint64_t low_ = 0;      ///< the bit where the low bits of its number begin
  uint32_t n_rows_ = 0;   ///< so far
};

/// The rows of one block in the order in which they lie, for whoever wants them all.
class PackedBlockRows {
 public:
  /// `index` below the chunk's n_blocks.
  PackedBlockRows(const PackedChunk& chunk, uint64_t index) noexcept;

  /// Goes to the next row, if there is one.
  bool next() noexcept;
  uint32_t number() const noexcept { return numbers_.number(); }  ///< as rows are known by: the hash, not moved
  const PackedRow& row() const noexcept { return row_; }

  /// After the last row: whether the numbers at the head of the block are those of its rows.
  bool is_sound() const noexcept;
  /// After the last row: the bit where the block ends.
  uint64_t end() const noexcept { return values_; }

 private:
  void take_masked() noexcept;
  void take_paired() noexcept;

  const PackedChunk& chunk_;
  PackedRowNumbers numbers_;
  PackedBlock block_;
  uint64_t values_;       ///< where those of the next row with a mask begin
  uint32_t n_masks_ = 0;  ///< of the rows so far
  uint32_t n_pairs_ = 0;
  PackedRow row_;
};

/// Puts a chunk into few bits, with a loss: each weight becomes the middle of its interval; those nearer to zero than
/// to the middle of the first interval are dropped. Throws `ErrorCode::internal` when `given` breaks its invariants.
/// Threads: pure.
EncodedChunk pack_chunk(const ChunkRows& given, uint32_t n_features, const PackOptions& options);

}  // namespace coppice
