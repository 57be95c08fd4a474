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

/// The scale of each child: its largest weight is 2^value_bits - 1 steps.
std::vector<uint16_t> scales_of(const ChunkRows& rows, uint32_t value_bits) {
  std::vector<float> largest(rows.bias.size(), 0.0F);
  for (size_t i = 0; i < rows.values.size(); ++i) {
    largest[rows.children[i]] = std::max(largest[rows.children[i]], std::abs(rows.values[i]));
  }
  const auto steps = static_cast<float>((1U << value_bits) - 1);
  std::vector<uint16_t> scales;
  for (const float weight : largest) scales.push_back(stored_scale(weight / steps));
  return scales;
}

/// The number of the interval, as its low `bits` bits.
uint32_t quantize(float weight, float scale, uint32_t bits) {
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

void write_rows(const RowOrder& order, uint32_t universe_bits, uint32_t low_bits, std::vector<std::byte>& bytes) {
  std::vector<uint32_t> members(size_t{1} << (universe_bits - low_bits));
  for (const uint32_t number : order.numbers) ++members[number >> low_bits];
  write_groups(members, bytes);
  BitWriter lower(bytes);
  for (const uint32_t number : order.numbers) lower.put(number & ((1U << low_bits) - 1), low_bits);
  lower.end();
}

void write_weights(const ChunkRows& rows, const RowOrder& order, const ChunkEntry& entry, const PackedChunk& shape,
                   std::span<const uint16_t> scales, std::vector<std::byte>& bytes) {
  std::vector<uint32_t> counts;
  for (const uint32_t row : order.rows) counts.push_back(rows.first_entry[row + 1] - rows.first_entry[row]);
  write_groups(counts, bytes);
  BitWriter weights(bytes);
  for (const uint32_t row : order.rows) {
    for (uint32_t i = rows.first_entry[row]; i < rows.first_entry[row + 1]; ++i) {
      weights.put(rows.children[i], shape.child_bits);
      weights.put(quantize(rows.values[i], read_scale(scales[rows.children[i]]), entry.value_bits), entry.value_bits);
    }
  }
  weights.end();
}

}  // namespace

float PackedChunk::scale(uint32_t child) const noexcept {
  return read_scale(read_at<uint16_t>(scales, child));
}

uint64_t PackedChunk::size_bytes() const noexcept {
  return n_children * kScaleBytes + rows.upper.size_bytes() + bytes_of_bits(rows.upper.n_ones * rows.low_bits) +
         weights_of_rows.size_bytes() + bytes_of_bits(weights_of_rows.n_ones * (child_bits + value_bits));
}

PackedChunk packed_shape(const ChunkEntry& entry, uint32_t universe_bits) noexcept {
  PackedChunk chunk;
  chunk.n_children = entry.n_children;
  chunk.child_bits = static_cast<uint32_t>(std::bit_width(entry.n_children - 1U));
  chunk.value_bits = entry.value_bits;
  chunk.hash_shift = 32 - universe_bits;
  chunk.rows.low_bits = entry.low_bits;
  chunk.rows.upper.n_groups = uint64_t{1} << (universe_bits - entry.low_bits);
  chunk.rows.upper.n_ones = entry.n_rows;
  chunk.weights_of_rows.n_groups = entry.n_rows;
  chunk.weights_of_rows.n_ones = entry.n_entries;
  return chunk;
}

PackedChunk packed_chunk(const ChunkView& view) noexcept {
  ChunkEntry entry;
  entry.n_children = static_cast<uint16_t>(view.n_children);
  entry.n_rows = view.n_rows;
  entry.n_entries = view.n_entries;
  entry.low_bits = view.low_bits;
  entry.value_bits = view.value_bits;
  PackedChunk chunk = packed_shape(entry, 32 - view.key_shift);
  const std::byte* at = view.data;
  const auto take = [&](uint64_t bytes) {
    const std::byte* const part = at;
    at += bytes;
    return part;
  };
  chunk.scales = take(chunk.n_children * kScaleBytes);
  for (UnaryGroups* groups : {&chunk.rows.upper, &chunk.weights_of_rows}) {
    groups->samples = take(groups->samples_bytes());
    groups->bits = take(bytes_of_bits(groups->n_bits()));
    if (groups == &chunk.rows.upper) chunk.rows.lower = take(bytes_of_bits(groups->n_ones * chunk.rows.low_bits));
  }
  chunk.weights = at;
  return chunk;
}

EncodedChunk pack_chunk(const ChunkRows& given, uint32_t n_features, const PackOptions& options) {
  check(options.value_bits >= 2 && options.value_bits <= PackOptions::kMostValueBits, "weights of 2 to 8 bits");
  check_rows(given, n_features);
  const ChunkRows rows = without_zeros(given);
  EncodedChunk chunk;
  chunk.bias = rows.bias;
  chunk.entry.n_children = static_cast<uint16_t>(rows.bias.size());
  if (rows.values.empty()) return chunk;
  chunk.entry.encoding = ChunkEncoding::packed;
  chunk.entry.n_rows = static_cast<uint32_t>(rows.features.size());
  chunk.entry.n_entries = static_cast<uint32_t>(rows.values.size());
  chunk.entry.value_bits = static_cast<uint8_t>(options.value_bits);
  const uint32_t universe_bits = hash_bits(n_features);
  chunk.entry.low_bits = static_cast<uint8_t>(EliasFano::best_low_bits(chunk.entry.n_rows, universe_bits));
  const PackedChunk shape = packed_shape(chunk.entry, universe_bits);

  const std::vector<uint16_t> scales = scales_of(rows, options.value_bits);
  const auto* const scale_bytes = reinterpret_cast<const std::byte*>(scales.data());
  chunk.payload.assign(scale_bytes, scale_bytes + scales.size() * kScaleBytes);
  const RowOrder order = order_rows(rows, n_features);
  write_rows(order, universe_bits, chunk.entry.low_bits, chunk.payload);
  write_weights(rows, order, chunk.entry, shape, scales, chunk.payload);
  check(chunk.payload.size() == shape.size_bytes(), "a packed chunk has the size that its entry says");
  chunk.payload.resize(payload_bytes(chunk.entry, n_features));
  return chunk;
}

}  // namespace coppice
