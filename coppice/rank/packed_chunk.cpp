// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/packed_chunk.h"

#include <algorithm>
#include <bit>

namespace coppice {

bool PackedChunk::find_row(uint32_t hash, PackedRow& row) const noexcept {
  const uint64_t number = hash >> hash_shift;
  const uint64_t group = number >> low_bits;
  const uint64_t begin = block_begin(group / kGroupsOfBlock);
  uint32_t place;
  if (!find_in_block<SoftwareSelect>(begin, group % kGroupsOfBlock, number, place)) return false;
  const PackedBlock block = block_at(begin);
  if (place >= block.n_rows) return false;  // only where the bytes are damaged
  take_row<SoftwareSelect>(block, place, row);
  return true;
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
  chunk.n_blocks = std::max<uint64_t>(n_groups / PackedChunk::kGroupsOfBlock, 1);
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
    : chunk_(chunk), numbers_(chunk, index), block_(numbers_.block()), values_(block_.values) {}

bool PackedBlockRows::next() noexcept {
  if (!numbers_.next()) return false;
  const uint64_t place = numbers_.place();
  row_.has_mask = block_.n_masks > 0 && has_flag(chunk_.blocks, block_.masked + place);
  row_.has_mask ? take_masked() : take_paired();
  if (chunk_.scaling == Scaling::rows) row_.scale = chunk_.scale_at(block_.scales + place * PackedChunk::kScaleBits);
  return true;
}

void PackedBlockRows::take_masked() noexcept {
  row_.n = 0;
  row_.values = values_;
  if (n_masks_ == block_.n_masks) return;
  row_.children = block_.masks + uint64_t{n_masks_++} * chunk_.n_children;
  const uint64_t n = count_flags(chunk_.blocks, row_.children, chunk_.n_children);
  const uint64_t end = values_ + chunk_.bits_of_values(n);
  if (end > 8 * chunk_.blocks_bytes) return;
  row_.n = static_cast<uint32_t>(n);
  values_ = end;
}

void PackedBlockRows::take_paired() noexcept {
  row_.children = block_.pairs;
  row_.values = n_pairs_;
  const uint64_t end = block_.heads + block_.n_pairs;
  row_.n = static_cast<uint32_t>(to_next_flag(chunk_.blocks, block_.heads + n_pairs_, end));
  n_pairs_ += row_.n;
}

bool PackedBlockRows::is_sound() const noexcept {
  const bool has_pairs = block_.n_pairs > 0;
  return numbers_.is_sound() && n_masks_ == block_.n_masks && n_pairs_ == block_.n_pairs &&
         (!has_pairs || has_flag(chunk_.blocks, block_.heads));
}

}  // namespace coppice
