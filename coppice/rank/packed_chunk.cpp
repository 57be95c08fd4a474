// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/packed_chunk.h"

#include <algorithm>
#include <bit>

namespace coppice {

uint32_t PackedChunk::find_among(const PackedBlock& b, uint64_t first, uint64_t end, uint64_t number) const noexcept {
  const uint64_t low = number & ((uint64_t{1} << low_bits) - 1);
  for (uint64_t place = first; place < end; ++place) {
    if (read_bits(blocks, b.lows + place * low_bits, low_bits) == low) return static_cast<uint32_t>(place);
  }
  return kNoPlace;
}

PackedRow PackedChunk::masked_row(const PackedBlock& b, uint64_t masks_before) const noexcept {
  masks_before = std::min<uint64_t>(masks_before, b.n_masks - 1);
  PackedRow row;
  row.has_mask = true;
  row.children = b.masks + masks_before * n_children;
  row.values = b.values;
  if (in_groups()) {
    for (uint64_t i = 0; i < masks_before; ++i) {
      row.values += bits_of_values(count_ones(blocks, b.masks + i * n_children, n_children));
    }
  } else {
    row.values += count_ones(blocks, b.masks, masks_before * n_children) * value_bits;
  }
  const uint64_t n = count_ones(blocks, row.children, n_children);
  if (row.values + bits_of_values(n) <= 8 * blocks_bytes) row.n = static_cast<uint32_t>(n);
  return row;
}

PackedChunk packed_shape(const ChunkEntry& entry, uint32_t universe_bits) noexcept {
  PackedChunk chunk;
  chunk.n_children = entry.n_children;
  chunk.child_bits = static_cast<uint32_t>(std::bit_width(entry.n_children - 1U));
  chunk.value_bits = entry.value_bits;
  chunk.low_bits = entry.low_bits;
  chunk.rows_bits = entry.rows_bits;
  chunk.masks_bits = entry.masks_bits;
  chunk.pairs_bits = entry.pairs_bits;
  chunk.hash_shift = 32 - universe_bits;
  chunk.scaling = static_cast<Scaling>(entry.scaling);
  const uint64_t n_groups = uint64_t{1} << (universe_bits - entry.low_bits);
  chunk.groups_of_block = static_cast<uint32_t>(std::min<uint64_t>(n_groups, PackedChunk::kGroupsOfBlock));
  chunk.n_blocks = n_groups / chunk.groups_of_block;
  chunk.blocks_bytes = entry.n_entries;
  return chunk;
}

PackedChunk packed_chunk(const ChunkView& view) noexcept {
  PackedChunk chunk = packed_shape(*view.packed, 32 - view.key_shift);
  chunk.scales = view.data;
  chunk.directory = chunk.scales + chunk.n_scales() * (PackedChunk::kScaleBits / 8);
  chunk.blocks = chunk.directory + chunk.directory_bytes();
  return chunk;
}

PackedBlockRows::PackedBlockRows(const PackedChunk& chunk, uint64_t index) noexcept
    : chunk_(chunk),
      block_(chunk.block(index)),
      group_(index * PackedChunk::kGroupsOfBlock),
      upper_(block_.uppers),
      values_(block_.values) {}

bool PackedBlockRows::next() noexcept {
  if (n_rows_ == block_.n_rows) return false;
  for (; upper_ < block_.lows && read_bits(chunk_.blocks, upper_, 1) == 0; ++upper_) ++group_;
  if (upper_ >= block_.lows) return false;
  ++upper_;
  const uint64_t low = read_bits(chunk_.blocks, block_.lows + uint64_t{n_rows_} * chunk_.low_bits, chunk_.low_bits);
  number_ = static_cast<uint32_t>(group_ << chunk_.low_bits | low);
  const bool has_mask = block_.n_masks > 0 && read_bits(chunk_.blocks, block_.flags + n_rows_, 1) != 0;
  row_ = has_mask ? next_masked() : next_paired();
  if (chunk_.scaling == Scaling::rows) row_.scale = chunk_.scale_at(block_.scales + n_rows_ * PackedChunk::kScaleBits);
  ++n_rows_;
  return true;
}

PackedRow PackedBlockRows::next_masked() noexcept {
  PackedRow row;
  row.has_mask = true;
  row.values = values_;
  if (n_masks_ == block_.n_masks) return row;
  row.children = block_.masks + uint64_t{n_masks_++} * chunk_.n_children;
  const uint64_t n = count_ones(chunk_.blocks, row.children, chunk_.n_children);
  const uint64_t end = values_ + chunk_.bits_of_values(n);
  if (end > 8 * chunk_.blocks_bytes) return row;
  row.n = static_cast<uint32_t>(n);
  values_ = end;
  return row;
}

PackedRow PackedBlockRows::next_paired() noexcept {
  const uint64_t end = block_.counts + block_.n_pairs;
  PackedRow row;
  row.children = block_.pairs;
  row.values = n_pairs_;
  const uint64_t n = run_of_ones(chunk_.blocks, block_.counts + n_pairs_, end) + 1;
  row.n = static_cast<uint32_t>(std::min<uint64_t>(n, block_.n_pairs - n_pairs_));
  n_pairs_ += row.n;
  return row;
}

bool PackedBlockRows::is_sound() const noexcept {
  const uint64_t left = block_.lows - upper_;  // of the groups after the last row, which are empty
  return n_rows_ == block_.n_rows && n_masks_ == block_.n_masks && n_pairs_ == block_.n_pairs &&
         count_ones(chunk_.blocks, upper_, left) == 0;
}

}  // namespace coppice
