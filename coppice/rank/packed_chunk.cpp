// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/packed_chunk.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr uint64_t kScaleBytes = 2;

/// The upper half of a scale, rounded to the nearest: the largest weight then falls in the last interval still, so that
/// what is packed again stays the same.
uint16_t stored_scale(float scale) {
  return static_cast<uint16_t>((std::bit_cast<uint32_t>(scale) + 0x8000U) >> 16);
}

float read_scale(uint16_t stored) {
  return std::bit_cast<float>(uint32_t{stored} << 16);
}

/// The number of the interval, as its low `bits` bits.
uint32_t quantize(float weight, float scale, uint32_t bits) {
  if (bits == PackOptions::kHalf) return float_to_half(weight);
  const int32_t half = 1 << (bits - 1);
  const float place = scale > 0 ? std::floor(weight / scale / 2) : 0.0F;
  const int32_t q = std::clamp(static_cast<int32_t>(std::clamp(place, -512.0F, 512.0F)), -half, half - 1);
  return static_cast<uint32_t>(q) & ((1U << bits) - 1);
}

/// Rows in the order of their hashes, as the numbers they are known by.
struct RowOrder {
  std::vector<uint32_t> rows;
  std::vector<uint32_t> numbers;
};

RowOrder order_rows(const ChunkRows& rows, uint32_t n_features) {
  const uint32_t bits = hash_bits(n_features);
  std::vector<uint32_t> number_of;
  for (const uint32_t feature : rows.features) number_of.push_back(hash_feature(feature, bits) >> (32 - bits));
  RowOrder order;
  order.rows.resize(rows.features.size());
  std::iota(order.rows.begin(), order.rows.end(), 0U);
  std::sort(order.rows.begin(), order.rows.end(), [&](uint32_t a, uint32_t b) { return number_of[a] < number_of[b]; });
  for (const uint32_t row : order.rows) order.numbers.push_back(number_of[row]);
  return order;
}

/// The weights in the order in which they are stored, and the scale of each.
class Scales {
 public:
  Scales(const ChunkRows& rows, const RowOrder& order, const PackOptions& options) : rows_(rows), options_(options) {
    if (options.value_bits == PackOptions::kHalf) return;
    const auto steps = static_cast<float>((1U << options.value_bits) - 1);
    std::vector<float> largest;
    if (options.scaling == Scaling::children) largest.resize(rows.bias.size());
    uint64_t place = 0;
    for (uint32_t row = 0; row < order.rows.size(); ++row) {
      for (uint32_t i = rows.first_entry[order.rows[row]]; i < rows.first_entry[order.rows[row] + 1]; ++i, ++place) {
        const uint64_t index = index_of(i, row, place);
        if (index >= largest.size()) largest.resize(index + 1);
        largest[index] = std::max(largest[index], std::abs(rows.values[i]));
      }
    }
    if (options.scaling == Scaling::model && options.largest > 0) largest = {options.largest};
    for (const float weight : largest) stored_.push_back(stored_scale(weight / steps));
  }

  /// Of weight `i`, the `place`-th to be stored, in the `row`-th row.
  float of(uint32_t i, uint32_t row, uint64_t place) const {
    return stored_.empty() ? 0.0F : read_scale(stored_[index_of(i, row, place)]);
  }
  std::span<const uint16_t> stored() const noexcept { return stored_; }

 private:
  uint64_t index_of(uint32_t i, uint32_t row, uint64_t place) const {
    switch (options_.scaling) {
      case Scaling::children:
        return rows_.children[i];
      case Scaling::model:
        return 0;
      case Scaling::rows:
        return row;
      case Scaling::groups:
        return place / PackedChunk::kWeightsOfGroup;
    }
    return 0;
  }

  const ChunkRows& rows_;
  const PackOptions& options_;
  std::vector<uint16_t> stored_;
};

/// Weights that are nearer to zero than to the middle of the first interval become zero. In groups none do: what is in
/// a group would change with it.
ChunkRows without_small(ChunkRows rows, uint32_t n_features, const PackOptions& options) {
  if (options.scaling == Scaling::groups) return rows;
  const RowOrder order = order_rows(rows, n_features);
  const Scales scales(rows, order, options);
  for (uint32_t row = 0; row < order.rows.size(); ++row) {
    for (uint32_t i = rows.first_entry[order.rows[row]]; i < rows.first_entry[order.rows[row] + 1]; ++i) {
      const bool is_small = options.value_bits == PackOptions::kHalf
                                ? float_to_half(std::abs(rows.values[i])) == 0
                                : std::abs(rows.values[i]) * 2 < scales.of(i, row, 0);
      if (is_small) rows.values[i] = 0;
    }
  }
  return without_zeros(rows);
}

void write_rows(const RowOrder& order, uint32_t universe_bits, uint32_t low_bits, std::vector<std::byte>& bytes) {
  std::vector<uint32_t> members(size_t{1} << (universe_bits - low_bits));
  for (const uint32_t number : order.numbers) ++members[number >> low_bits];
  write_groups(members, bytes);
  BitWriter lower(bytes);
  for (const uint32_t number : order.numbers) lower.put(number & ((1U << low_bits) - 1), low_bits);
  lower.end();
}

void write_masks(const ChunkRows& rows, const RowOrder& order, std::vector<std::byte>& bytes) {
  BitWriter masks(bytes);
  for (const uint32_t row : order.rows) {
    uint32_t child = 0;
    for (uint32_t i = rows.first_entry[row]; i < rows.first_entry[row + 1]; ++i, ++child) {
      for (; child < rows.children[i]; ++child) masks.put(0, 1);
      masks.put(1, 1);
    }
    for (; child < rows.bias.size(); ++child) masks.put(0, 1);
  }
  masks.end();
}

void write_weights(const ChunkRows& rows, const RowOrder& order, const PackedChunk& shape, const Scales& scales,
                   std::vector<std::byte>& bytes) {
  std::vector<uint32_t> counts;
  for (const uint32_t row : order.rows) counts.push_back(rows.first_entry[row + 1] - rows.first_entry[row]);
  write_run_ends(counts, bytes);
  if (shape.layout == ChildLayout::masks) write_masks(rows, order, bytes);
  BitWriter weights(bytes);
  uint64_t place = 0;
  for (uint32_t row = 0; row < order.rows.size(); ++row) {
    for (uint32_t i = rows.first_entry[order.rows[row]]; i < rows.first_entry[order.rows[row] + 1]; ++i, ++place) {
      if (shape.layout == ChildLayout::numbers) weights.put(rows.children[i], shape.child_bits);
      weights.put(quantize(rows.values[i], scales.of(i, row, place), shape.value_bits), shape.value_bits);
    }
  }
  weights.end();
}

/// The layout that takes less room.
ChildLayout best_layout(const ChunkEntry& entry) {
  const uint64_t of_masks = uint64_t{entry.n_rows} * entry.n_children;
  const uint64_t of_numbers = uint64_t{entry.n_entries} * static_cast<uint64_t>(std::bit_width(entry.n_children - 1U));
  return of_masks < of_numbers ? ChildLayout::masks : ChildLayout::numbers;
}

ChunkEntry entry_of(const ChunkRows& rows, uint32_t universe_bits, const PackOptions& options) {
  ChunkEntry entry;
  entry.n_children = static_cast<uint16_t>(rows.bias.size());
  if (rows.values.empty()) return entry;
  entry.encoding = ChunkEncoding::packed;
  entry.n_rows = static_cast<uint32_t>(rows.features.size());
  entry.n_entries = static_cast<uint32_t>(rows.values.size());
  entry.value_bits = static_cast<uint8_t>(options.value_bits);
  entry.scaling = static_cast<uint8_t>(options.value_bits == PackOptions::kHalf ? Scaling::children : options.scaling);
  entry.child_layout = static_cast<uint8_t>(best_layout(entry));
  entry.low_bits = static_cast<uint8_t>(EliasFano::best_low_bits(entry.n_rows, universe_bits));
  return entry;
}

}  // namespace

uint64_t PackedChunk::n_scales() const noexcept {
  if (value_bits == PackOptions::kHalf) return 0;
  switch (scaling) {
    case Scaling::children:
      return n_children;
    case Scaling::model:
      return 1;
    case Scaling::rows:
      return rows.upper.n_ones;
    case Scaling::groups:
      return (row_ends.n_members + kWeightsOfGroup - 1) / kWeightsOfGroup;
  }
  return 0;
}

float PackedChunk::scale(uint64_t index) const noexcept {
  return read_scale(read_at<uint16_t>(scales, index));
}

uint64_t PackedChunk::size_bytes() const noexcept {
  const uint64_t mask_bits = layout == ChildLayout::masks ? rows.upper.n_ones * n_children : 0;
  return n_scales() * kScaleBytes + rows.upper.size_bytes() + bytes_of_bits(rows.upper.n_ones * rows.low_bits) +
         row_ends.upper.size_bytes() + row_ends.lower_bytes() + bytes_of_bits(mask_bits) +
         bytes_of_bits(row_ends.n_members * (child_bits + value_bits));
}

PackedChunk packed_shape(const ChunkEntry& entry, uint32_t universe_bits) noexcept {
  PackedChunk chunk;
  chunk.n_children = entry.n_children;
  chunk.value_bits = entry.value_bits;
  chunk.scaling = static_cast<Scaling>(entry.scaling);
  chunk.layout = static_cast<ChildLayout>(entry.child_layout);
  if (chunk.layout == ChildLayout::numbers) {
    chunk.child_bits = static_cast<uint32_t>(std::bit_width(entry.n_children - 1U));
  }
  chunk.hash_shift = 32 - universe_bits;
  chunk.rows.low_bits = entry.low_bits;
  chunk.rows.upper.n_groups = uint64_t{1} << (universe_bits - entry.low_bits);
  chunk.rows.upper.n_ones = entry.n_rows;
  chunk.row_ends = RunEnds::of_shape(entry.n_rows, entry.n_entries);
  return chunk;
}

PackedChunk packed_chunk(const ChunkView& view) noexcept {
  ChunkEntry entry;
  entry.n_children = static_cast<uint16_t>(view.n_children);
  entry.n_rows = view.n_rows;
  entry.n_entries = view.n_entries;
  entry.low_bits = view.low_bits;
  entry.value_bits = view.value_bits;
  entry.scaling = view.scaling;
  entry.child_layout = view.child_layout;
  PackedChunk chunk = packed_shape(entry, 32 - view.key_shift);
  const std::byte* at = view.data;
  const auto take = [&](uint64_t bytes) {
    const std::byte* const part = at;
    at += bytes;
    return part;
  };
  chunk.scales = take(chunk.n_scales() * kScaleBytes);
  const auto take_groups = [&](UnaryGroups& groups) {
    groups.samples = take(groups.samples_bytes());
    groups.bits = take(bytes_of_bits(groups.n_bits()));
  };
  take_groups(chunk.rows.upper);
  chunk.rows.lower = take(bytes_of_bits(chunk.rows.upper.n_ones * chunk.rows.low_bits));
  take_groups(chunk.row_ends.upper);
  chunk.row_ends.lower = take(chunk.row_ends.lower_bytes());
  const bool has_masks = chunk.layout == ChildLayout::masks;
  chunk.masks = take(has_masks ? bytes_of_bits(uint64_t{view.n_rows} * view.n_children) : 0);
  chunk.weights = at;
  return chunk;
}

EncodedChunk pack_chunk(const ChunkRows& given, uint32_t n_features, const PackOptions& options) {
  check(PackOptions::is_width(options.value_bits), "weights of 2 to 8 bits, or 16");
  check_rows(given, n_features);
  const ChunkRows rows = without_small(without_zeros(given), n_features, options);
  const uint32_t universe_bits = hash_bits(n_features);
  EncodedChunk chunk;
  chunk.bias = rows.bias;
  chunk.entry = entry_of(rows, universe_bits, options);
  if (rows.values.empty()) return chunk;
  const PackedChunk shape = packed_shape(chunk.entry, universe_bits);
  const RowOrder order = order_rows(rows, n_features);
  const Scales scales(rows, order, options);
  const auto* const scale_bytes = reinterpret_cast<const std::byte*>(scales.stored().data());
  chunk.payload.assign(scale_bytes, scale_bytes + scales.stored().size() * kScaleBytes);
  write_rows(order, universe_bits, chunk.entry.low_bits, chunk.payload);
  write_weights(rows, order, shape, scales, chunk.payload);
  check(chunk.payload.size() == shape.size_bytes(), "a packed chunk has the size that its entry says");
  chunk.payload.resize(payload_bytes(chunk.entry, n_features));
  return chunk;
}

}  // namespace coppice
