// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/packed_chunk.h"

#include <algorithm>
#include <bit>

namespace coppice {

bool PackedChunk::find_row(uint32_t hash, PackedRow& row) const noexcept {
  const uint64_t number = hash >> hash_shift;
  const uint64_t group = number >> low_bits;
  const PackedBlock found = block(group / kGroupsOfBlock);
  const uint32_t place = find_in_block<SoftwareSelect>(found, group % kGroupsOfBlock, number);
  if (place == kNoPlace) return false;
  take_row<SoftwareSelect>(found, place, row);
  return true;
}

uint32_t PackedChunk::find_among(const PackedBlock& b, uint64_t first, uint64_t end, uint64_t number) const noexcept {
  const uint64_t low = number & ((uint64_t{1} << low_bits) - 1);
  for (uint64_t place = first; place < end; ++place) {
    if (read_bits(blocks, b.lows + place * low_bits, low_bits) == low) return static_cast<uint32_t>(place);
  }
  return kNoPlace;
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

bool PackedBlockRows::is_sound() const noexcept {
  const uint64_t left = block_.lows - upper_;  // of the groups after the last row, which are empty
  return n_rows_ == block_.n_rows && n_masks_ == block_.n_masks && n_pairs_ == block_.n_pairs &&
         count_ones(chunk_.blocks, upper_, left) == 0;
}

}  // namespace coppice
