// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "coppice/rank/chunk_scorer.h"
#include "coppice/rank/level_weights.h"
#include "coppice/rank/prediction_fixture.h"

namespace coppice::testing {

struct Shape {
  uint32_t n_features;
  uint32_t n_children;
  double density;
};

// Every width of keys and children, and every encoding.
inline const Shape kShapes[] = {{1, 1, 1},        {2, 3, 0.5},        {300, 4, 0.3},      {300, 16, 0.9},
                                {300, 16, 0.1},   {70000, 16, 0.002}, {20000, 52, 0.01},  {3000000, 5, 0.00002},
                                {300, 8, 0.4},    {300, 9, 0.4},      {9000, 128, 0.03},  {9000, 129, 0.03},
                                {3000, 64, 0.3},  {500, 254, 0.02},   {500, 255, 0.02},   {500, 256, 0.02},
                                {500, 257, 0.02}, {600, 1000, 0.004}, {90000, 300, 2e-5}, {3000000, 300, 5e-7}};

inline ChunkRows chunk_of(const Shape& shape, uint64_t seed) {
  Random random(seed);
  RandomRanker wanted;
  wanted.n_features = shape.n_features;
  wanted.density = shape.density;
  wanted.wide_share = shape.density < 0.001 ? 0 : 0.05;
  if (shape.density >= 0.001) return random_chunk(wanted, shape.n_children, random);
  std::map<uint32_t, std::map<uint16_t, float>> entries;
  const auto count = static_cast<size_t>(double{shape.density} * shape.n_features * shape.n_children) + 50;
  for (size_t i = 0; i < count; ++i) {
    entries[random.below(shape.n_features)][static_cast<uint16_t>(random.below(shape.n_children))] =
        static_cast<float>(random.uniform()) + 0.1F;
  }
  ChunkRows rows;
  rows.first_entry.push_back(0);
  for (const auto& [feature, row] : entries) {
    rows.features.push_back(feature);
    for (const auto& [child, value] : row) {
      rows.children.push_back(child);
      rows.values.push_back(value);
    }
    rows.first_entry.push_back(static_cast<uint32_t>(rows.values.size()));
  }
  rows.bias.assign(shape.n_children, 0.25F);
  return rows;
}

inline LevelWeights level_of(const std::vector<ChunkRows>& chunks, uint32_t n_features) {
  LevelWeightsBuilder builder(n_features);
  for (const ChunkRows& rows : chunks) builder.add(rows);
  return builder.build();
}

/// The level with one bit of its payload flipped.
inline LevelWeights with_flipped_bit(const LevelWeights& level, size_t bit) {
  LevelArrays arrays = level.arrays();
  const size_t size = arrays.payload.size();
  auto words = std::make_shared<std::vector<uint64_t>>((size + 7) / 8);
  std::memcpy(words->data(), arrays.payload.data(), size);
  (*words)[bit / 64] ^= uint64_t{1} << (bit % 64);
  arrays.payload = {{reinterpret_cast<const std::byte*>(words->data()), size}, words};
  return LevelWeights(arrays);
}

/// The chunk's margins for one query, feature by feature.
inline std::vector<float> margins_of(const ChunkView& chunk, const HashedQuery& query) {
  std::vector<float> margins(margin_room(chunk));
  std::vector<Hit> hits(query.size + 1);
  hits.resize(find_hits(chunk, query, hits.data()));
  sum_hits(chunk, query, hits, margins.data());
  margins.resize(chunk.n_children);
  return margins;
}

}  // namespace coppice::testing
