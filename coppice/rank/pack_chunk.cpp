// SPDX-License-Identifier: Apache-2.0
// Writes the encoding `packed`.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/rank/packed_chunk.h"

namespace coppice {
namespace {

/// The upper half of a scale, rounded to the nearest: the largest weight then falls in the last interval still, so that
/// what is packed again stays the same.
uint16_t stored_scale(float scale) {
  return static_cast<uint16_t>((std::bit_cast<uint32_t>(scale) + 0x8000U) >> 16);
}

/// The stored scale of weights of which the largest has this size.
uint16_t scale_for(float largest, uint32_t bits) {
  return stored_scale(largest / static_cast<float>((1U << bits) - 1));
}

float largest_of(std::span<const float> weights) {
  float largest = 0;
  for (const float weight : weights) largest = std::max(largest, std::abs(weight));
  return largest;
}

/// The number of the interval, as its low `bits` bits.
uint32_t quantize(float weight, uint16_t scale, uint32_t bits) {
  if (bits == PackOptions::kHalf) return float_to_half(weight);
  const float step = PackedChunk::float_of_scale(scale);
  const int32_t half = 1 << (bits - 1);
  const float place = step > 0 ? std::floor(weight / step / 2) : 0.0F;
  const int32_t q = std::clamp(static_cast<int32_t>(std::clamp(place, -512.0F, 512.0F)), -half, half - 1);
  return static_cast<uint32_t>(q) & ((1U << bits) - 1);
}

/// The scales of a chunk but for those of groups, which depend on what lies beside what.
class Scales {
 public:
  Scales(const ChunkRows& rows, const PackOptions& options) : rows_(rows), scaling_(options.scaling) {
    if (options.value_bits == PackOptions::kHalf || scaling_ == Scaling::groups) return;
    std::vector<float> largest(scaling_ == Scaling::children ? rows.bias.size()
                               : scaling_ == Scaling::rows   ? rows.features.size()
                                                             : 1);
    for (uint32_t row = 0; row < rows.features.size(); ++row) {
      for (uint32_t i = rows.first_entry[row]; i < rows.first_entry[row + 1]; ++i) {
        float& most = largest[index_of(row, i)];
        most = std::max(most, std::abs(rows.values[i]));
      }
    }
    if (scaling_ == Scaling::model && options.largest > 0) largest = {options.largest};
    for (const float weight : largest) stored_.push_back(scale_for(weight, options.value_bits));
  }

  /// Of weight `i`, which is the row's. 0 where there are none.
  uint16_t of(uint32_t row, uint32_t i) const { return stored_.empty() ? 0 : stored_[index_of(row, i)]; }
  std::span<const uint16_t> stored() const noexcept { return stored_; }

 private:
  size_t index_of(uint32_t row, uint32_t i) const {
    return scaling_ == Scaling::children ? rows_.children[i] : scaling_ == Scaling::rows ? row : 0;
  }

  const ChunkRows& rows_;
  Scaling scaling_;
  std::vector<uint16_t> stored_;
};

/// Weights that are nearer to zero than to the middle of the first interval become zero. In groups none do: what is in
/// a group would change with it.
ChunkRows without_small(ChunkRows rows, const PackOptions& options) {
  if (options.scaling == Scaling::groups) return rows;
  const Scales scales(rows, options);
  for (uint32_t row = 0; row < rows.features.size(); ++row) {
    for (uint32_t i = rows.first_entry[row]; i < rows.first_entry[row + 1]; ++i) {
      const float size = std::abs(rows.values[i]);
      const bool is_small = options.value_bits == PackOptions::kHalf
                                ? float_to_half(size) == 0
                                : size * 2 < PackedChunk::float_of_scale(scales.of(row, i));
      if (is_small) rows.values[i] = 0;
    }
  }
  return without_zeros(rows);
}

/// The rows of a chunk as blocks have them: by number, with or without a mask.
class BlockRows {
 public:
  BlockRows(const ChunkRows& rows, uint32_t universe_bits) : rows_(rows), order_(rows.features.size()) {
    std::vector<uint32_t> number_of;
    for (const uint32_t feature : rows.features) {
      number_of.push_back(hash_feature(feature, universe_bits) >> (32 - universe_bits));
    }
    std::iota(order_.begin(), order_.end(), 0U);
    std::sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) { return number_of[a] < number_of[b]; });
    for (const uint32_t row : order_) numbers_.push_back(number_of[row]);
    child_bits_ = static_cast<uint32_t>(std::bit_width(rows.bias.size() - 1));
  }

  size_t size() const noexcept { return order_.size(); }
  uint32_t row(size_t place) const { return order_[place]; }
  uint32_t number(size_t place) const { return numbers_[place]; }
  uint32_t n_weights(size_t place) const { return end(place) - begin(place); }
  /// The entries of a row.
  uint32_t begin(size_t place) const { return rows_.first_entry[order_[place]]; }
  uint32_t end(size_t place) const { return rows_.first_entry[order_[place] + 1]; }
  /// Whether a mask takes less room than the numbers of the children.
  bool has_mask(size_t place) const { return rows_.bias.size() < size_t{n_weights(place)} * child_bits_; }

 private:
  const ChunkRows& rows_;
  std::vector<uint32_t> order_;
  std::vector<uint32_t> numbers_;
  uint32_t child_bits_;
};

/// Places [begin, end) of BlockRows.
struct Block {
  size_t begin = 0, end = 0;
  uint32_t n_masks = 0;
  uint32_t n_pairs = 0;
};

std::vector<Block> blocks_of(const BlockRows& rows, const PackedChunk& shape) {
  std::vector<Block> blocks(shape.n_blocks);
  size_t place = 0;
  for (size_t index = 0; index < blocks.size(); ++index) {
    Block& block = blocks[index];
    const uint64_t numbers_end = (uint64_t{index + 1} * shape.groups_of_block) << shape.low_bits;
    block.begin = place;
    for (; place < rows.size() && rows.number(place) < numbers_end; ++place) {
      rows.has_mask(place) ? ++block.n_masks : block.n_pairs += rows.n_weights(place);
    }
    block.end = place;
  }
  return blocks;
}

class BlockWriter {
 public:
  BlockWriter(const ChunkRows& chunk, const BlockRows& rows, const Scales& scales, const PackedChunk& shape,
              std::vector<std::byte>& bytes)
      : chunk_(chunk), rows_(rows), scales_(scales), shape_(shape), bits_(bytes) {}

  void write(const Block& block, uint64_t first_group) {
    write_groups(block, first_group);
    bits_.put(block.end - block.begin, shape_.rows_bits);
    bits_.put(block.n_masks, shape_.masks_bits);
    bits_.put(block.n_pairs, shape_.pairs_bits);
    write_numbers(block);
    write_flags(block);
    if (shape_.scaling == Scaling::rows) {
      for (size_t place = block.begin; place < block.end; ++place) {
        bits_.put(scales_.of(rows_.row(place), 0), PackedChunk::kScaleBits);
      }
    }
    write_masks(block);
    write_pairs(block);
    bits_.end();
    for (size_t place = block.begin; place < block.end; ++place) {
      if (rows_.has_mask(place)) write_values(place);
    }
    bits_.end();
  }

 private:
  uint64_t group_of(size_t place) const { return rows_.number(place) >> shape_.low_bits; }

  void write_groups(const Block& block, uint64_t first_group) {
    size_t place = block.begin;
    for (uint64_t group = first_group; group < first_group + shape_.groups_of_block; ++group) {
      const size_t first = place;
      while (place < block.end && group_of(place) == group) ++place;
      bits_.put(static_cast<uint64_t>(place > first), 1);
    }
  }

  void write_numbers(const Block& block) {
    for (size_t place = block.begin; place < block.end; ++place) {
      const bool is_first = place == block.begin || group_of(place) != group_of(place - 1);
      bits_.put(static_cast<uint64_t>(is_first), 1);
    }
    for (size_t place = block.begin; place < block.end; ++place) {
      bits_.put(rows_.number(place) & ((uint64_t{1} << shape_.low_bits) - 1), shape_.low_bits);
    }
  }

  void write_flags(const Block& block) {
    for (size_t place = block.begin; block.n_masks > 0 && place < block.end; ++place) {
      bits_.put(static_cast<uint64_t>(rows_.has_mask(place)), 1);
    }
    for (size_t place = block.begin; place < block.end; ++place) {
      if (rows_.has_mask(place)) continue;
      for (uint32_t i = 0; i < rows_.n_weights(place); ++i) bits_.put(static_cast<uint64_t>(i == 0), 1);
    }
  }

  void write_masks(const Block& block) {
    for (size_t place = block.begin; place < block.end; ++place) {
      if (!rows_.has_mask(place)) continue;
      uint32_t child = 0;
      for (uint32_t i = rows_.begin(place); i < rows_.end(place); ++i, ++child) {
        for (; child < chunk_.children[i]; ++child) bits_.put(0, 1);
        bits_.put(1, 1);
      }
      for (; child < shape_.n_children; ++child) bits_.put(0, 1);
    }
  }

  void write_pairs(const Block& block) {
    std::vector<std::pair<uint32_t, uint32_t>> pairs;  // row, entry
    for (size_t place = block.begin; place < block.end; ++place) {
      if (rows_.has_mask(place)) continue;
      for (uint32_t i = rows_.begin(place); i < rows_.end(place); ++i) pairs.emplace_back(rows_.row(place), i);
    }
    uint16_t scale = 0;
    for (size_t k = 0; k < pairs.size(); ++k) {
      const auto [row, i] = pairs[k];
      if (shape_.in_groups() && k % PackedChunk::kWeightsOfGroup == 0) {
        float largest = 0;
        for (size_t j = k; j < std::min(pairs.size(), k + PackedChunk::kWeightsOfGroup); ++j) {
          largest = std::max(largest, std::abs(chunk_.values[pairs[j].second]));
        }
        scale = put_scale(largest);
      }
      bits_.put(chunk_.children[i], shape_.child_bits);
      put_value(i, shape_.in_groups() ? scale : scales_.of(row, i));
    }
  }

  void write_values(size_t place) {
    uint16_t scale = 0;
    const uint32_t begin = rows_.begin(place);
    for (uint32_t i = begin; i < rows_.end(place); ++i) {
      if (shape_.in_groups() && (i - begin) % PackedChunk::kWeightsOfGroup == 0) {
        const size_t count = std::min<size_t>(rows_.end(place) - i, PackedChunk::kWeightsOfGroup);
        scale = put_scale(largest_of({chunk_.values.data() + i, count}));
      }
      put_value(i, shape_.in_groups() ? scale : scales_.of(rows_.row(place), i));
    }
  }

  uint16_t put_scale(float largest) {
    const uint16_t scale = scale_for(largest, shape_.value_bits);
    bits_.put(scale, PackedChunk::kScaleBits);
    return scale;
  }
  void put_value(uint32_t i, uint16_t scale) {
    bits_.put(quantize(chunk_.values[i], scale, shape_.value_bits), shape_.value_bits);
  }

  const ChunkRows& chunk_;
  const BlockRows& rows_;
  const Scales& scales_;
  const PackedChunk& shape_;
  BitWriter bits_;
};

uint8_t width_of(uint64_t most) {
  return static_cast<uint8_t>(std::bit_width(most));
}

/// All fields but the bytes of the blocks.
ChunkEntry entry_of(const ChunkRows& rows, uint32_t universe_bits, const PackOptions& options) {
  ChunkEntry entry;
  entry.n_children = static_cast<uint16_t>(rows.bias.size());
  if (rows.values.empty()) return entry;
  entry.encoding = ChunkEncoding::packed;
  entry.n_rows = static_cast<uint32_t>(rows.features.size());
  entry.value_bits = static_cast<uint8_t>(options.value_bits);
  entry.scaling = static_cast<uint8_t>(options.value_bits == PackOptions::kHalf ? Scaling::children : options.scaling);
  while (entry.low_bits < universe_bits && (uint64_t{1} << (universe_bits - entry.low_bits - 1)) >= entry.n_rows) {
    ++entry.low_bits;  // rows take the least room with one to two groups each
  }
  return entry;
}

void set_widths(const std::vector<Block>& blocks, ChunkEntry& entry) {
  Block most;
  for (const Block& block : blocks) {
    most.end = std::max(most.end, block.end - block.begin);
    most.n_masks = std::max(most.n_masks, block.n_masks);
    most.n_pairs = std::max(most.n_pairs, block.n_pairs);
  }
  entry.rows_bits = width_of(most.end);
  entry.masks_bits = width_of(most.n_masks);
  entry.pairs_bits = width_of(most.n_pairs);
  check(entry.rows_bits + entry.masks_bits + entry.pairs_bits <= 56, "the head of a block fits a load");
}

void append(std::span<const std::byte> part, std::vector<std::byte>& bytes) {
  bytes.insert(bytes.end(), part.begin(), part.end());
}

/// u16, or u32 where the blocks are too many bytes.
void write_directory(const std::vector<uint64_t>& begins, uint64_t blocks_bytes, std::vector<std::byte>& bytes) {
  BitWriter directory(bytes);
  for (const uint64_t begin : begins) directory.put(begin, blocks_bytes > 0xFFFF ? 32 : 16);
}

}  // namespace

EncodedChunk pack_chunk(const ChunkRows& given, uint32_t n_features, const PackOptions& options) {
  check(PackOptions::is_width(options.value_bits), "weights of 2 to 8 bits, or 16");
  check_rows(given, n_features);
  const ChunkRows rows = without_small(without_zeros(given), options);
  const uint32_t universe_bits = hash_bits(n_features);
  EncodedChunk chunk;
  chunk.bias = rows.bias;
  chunk.entry = entry_of(rows, universe_bits, options);
  if (rows.values.empty()) return chunk;
  const BlockRows block_rows(rows, universe_bits);
  const std::vector<Block> blocks = blocks_of(block_rows, packed_shape(chunk.entry, universe_bits));
  set_widths(blocks, chunk.entry);
  const PackedChunk shape = packed_shape(chunk.entry, universe_bits);
  const Scales scales(rows, options);
  std::vector<std::byte> bytes;
  std::vector<uint64_t> begins;
  for (size_t index = 0; index < blocks.size(); ++index) {
    begins.push_back(bytes.size());
    BlockWriter(rows, block_rows, scales, shape, bytes).write(blocks[index], index * shape.groups_of_block);
  }
  check(bytes.size() <= 0xFFFFFFFF, "the blocks of a chunk take less than 4 GiB");
  chunk.entry.n_entries = static_cast<uint32_t>(bytes.size());
  if (shape.scales_sums()) append(std::as_bytes(scales.stored()), chunk.payload);
  write_directory(begins, bytes.size(), chunk.payload);
  append(bytes, chunk.payload);
  check(chunk.payload.size() == packed_shape(chunk.entry, universe_bits).size_bytes(),
        "a packed chunk has the size that its entry says");
  chunk.payload.resize(payload_bytes(chunk.entry, n_features));
  return chunk;
}

}  // namespace coppice
