// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/packed_chunk.h"

#include <gtest/gtest.h>

#include <hwy/targets.h>
#include <algorithm>
#include <cmath>
#include <cstring>

#include "coppice/core/error.h"
#include "coppice/rank/chunk_fixture.h"
#include "coppice/rank/dense_chunk.h"

namespace coppice {
namespace {

using testing::chunk_of;
using testing::kShapes;
using testing::margins_of;
using testing::random_queries;
using testing::Shape;
using testing::with_flipped_bit;

LevelWeights packed_level(const ChunkRows& rows, uint32_t n_features, const PackOptions& options = {}) {
  LevelWeightsBuilder builder(n_features);
  builder.add(pack_chunk(rows, n_features, options));
  return builder.build();
}

float largest_of(std::span<const float> weights) {
  float largest = 0;
  for (const float weight : weights) largest = std::max(largest, std::abs(weight));
  return largest;
}

/// Every way of packing there is.
std::vector<PackOptions> all_ways(const ChunkRows& rows) {
  std::vector<PackOptions> ways{{PackOptions::kHalf}};
  for (const Scaling scaling : {Scaling::children, Scaling::model, Scaling::rows, Scaling::groups}) {
    for (const uint32_t bits : {2U, 4U, 6U, 8U}) ways.push_back({bits, scaling, largest_of(rows.values)});
  }
  return ways;
}

/// Few children with many weights a row, so that masks take less room.
const Shape kFull{3000, 40, 0.4};
std::vector<Shape> shapes() {
  std::vector<Shape> all(std::begin(kShapes), std::end(kShapes));
  all.push_back(kFull);
  return all;
}

/// The largest weight of each child, by size.
std::vector<float> largest_weights(const ChunkRows& rows) {
  std::vector<float> largest(rows.bias.size(), 0.0F);
  for (size_t i = 0; i < rows.values.size(); ++i) {
    largest[rows.children[i]] = std::max(largest[rows.children[i]], std::abs(rows.values[i]));
  }
  return largest;
}

/// Those that lie apart from zero, so that none is dropped.
ChunkRows with_large_weights(ChunkRows rows) {
  for (float& value : rows.values) value = std::copysign(0.5F + std::abs(value), value);
  return rows;
}

TEST(PackedChunk, GivesEachWeightBackToHalfAnInterval) {
  for (const Shape& shape : shapes()) {
    for (const uint32_t bits : {2U, 4U, 6U, 8U}) {
      const ChunkRows rows = with_large_weights(chunk_of(shape, 5));
      const LevelWeights level = packed_level(rows, shape.n_features, {bits});
      ASSERT_EQ(level.arrays().chunks[0].encoding, ChunkEncoding::packed);
      const std::vector<uint32_t> first_child = {0, shape.n_children};
      ASSERT_NO_THROW(level.verify(first_child, "level"));
      EXPECT_EQ(n_weights(level), rows.values.size());
      const ChunkRows back = level.rows(0);
      ASSERT_EQ(back.features, rows.features);
      ASSERT_EQ(back.first_entry, rows.first_entry);
      ASSERT_EQ(back.children, rows.children);
      EXPECT_EQ(back.bias, rows.bias);
      const std::vector<float> largest = largest_weights(rows);
      for (size_t i = 0; i < rows.values.size(); ++i) {
        const float interval = 2 * largest[rows.children[i]] / static_cast<float>((1U << bits) - 1);
        ASSERT_LE(std::abs(back.values[i] - rows.values[i]), interval / 2 * 1.02F);  // scales have eight bits
        ASSERT_NE(back.values[i], 0);
      }
    }
  }
}

TEST(PackedChunk, EachWayIsSoundAndNearTheWeights) {
  for (const Shape& shape : shapes()) {
    const ChunkRows rows = with_large_weights(chunk_of(shape, 5));
    for (const PackOptions& way : all_ways(rows)) {
      const LevelWeights level = packed_level(rows, shape.n_features, way);
      const std::vector<uint32_t> first_child = {0, shape.n_children};
      ASSERT_NO_THROW(level.verify(first_child, "level"));
      const ChunkRows back = level.rows(0);
      ASSERT_EQ(back.features, rows.features);
      ASSERT_EQ(back.children, rows.children);
      const float largest = largest_of(rows.values);
      const float step = way.value_bits == PackOptions::kHalf
                             ? largest / 2048
                             : largest / static_cast<float>((1U << way.value_bits) - 1);
      for (size_t i = 0; i < rows.values.size(); ++i) {
        ASSERT_LE(std::abs(back.values[i] - rows.values[i]), step * 1.02F) << i;
      }
    }
  }
}

TEST(PackedChunk, RowsWithManyWeightsHaveMasks) {
  const ChunkRows rows = with_large_weights(chunk_of({3000, 40, 0.15}, 5));
  const LevelWeights level = packed_level(rows, 3000);
  const PackedChunk chunk = packed_chunk(view_chunk(level, 0));
  size_t n_masks = 0;
  for (size_t row = 0; row < rows.features.size(); ++row) {
    uint32_t hash;
    hash_features({&rows.features[row], 1}, 3000, &hash);
    PackedRow found;
    ASSERT_TRUE(chunk.find_row(hash, found));
    ASSERT_EQ(found.n, rows.first_entry[row + 1] - rows.first_entry[row]);
    ASSERT_EQ(found.has_mask, found.n * 6 > 40);  // forty bits for all children, or six for each that it has
    n_masks += static_cast<size_t>(found.has_mask);
  }
  EXPECT_GT(n_masks, 100U);
  EXPECT_LT(n_masks, rows.features.size() - 100);
}

TEST(PackedChunk, FewRowsAmongBillionsOfFeaturesAreFound) {
  constexpr uint32_t kFeatures = 4'000'000'000;  // long lower parts
  ChunkRows rows;
  rows.bias = {0};
  rows.features = {3, 77, 3'999'999'999};
  rows.first_entry = {0, 1, 2, 3};
  rows.children = {0, 0, 0};
  rows.values = {1, -1, 1};
  const LevelWeights level = packed_level(rows, kFeatures);
  const std::vector<uint32_t> first_child = {0, 1};
  ASSERT_NO_THROW(level.verify(first_child, "level"));
  ASSERT_GT(level.arrays().chunks[0].low_bits, 28);
  for (const uint32_t feature : {3U, 77U, 3'999'999'999U, 4U, 5U, 1'000'000'000U}) {
    uint32_t hash;
    hash_features({&feature, 1}, kFeatures, &hash);
    PackedRow row;
    const bool is_there = std::ranges::count(rows.features, feature) > 0;
    EXPECT_EQ(packed_chunk(view_chunk(level, 0)).find_row(hash, row), is_there) << feature;
    EXPECT_EQ(margins_of(view_chunk(level, 0), {&feature, &hash, &rows.values[0], 1})[0] != 0, is_there) << feature;
  }
}

TEST(PackedChunk, WeightsNearerToZeroThanToTheFirstIntervalsMiddleAreDropped) {
  ChunkRows rows;
  rows.bias = {0.5F, 0};
  rows.features = {3, 4, 7};
  rows.first_entry = {0, 2, 3, 4};
  rows.children = {0, 1, 0, 1};
  rows.values = {1.5F, 0.04F, 0.04F, -0.06F};  // 4 bits, one range of 1.5: middles at 0.1, 0.3, ..
  const ChunkRows of_model = packed_level(rows, 10, {4, Scaling::model, 1.5F}).rows(0);
  EXPECT_EQ(of_model.features, (std::vector<uint32_t>{3, 7}));
  EXPECT_NEAR(of_model.values.back(), -0.1F, 0.001F);
  EXPECT_EQ(packed_level(rows, 10, {4, Scaling::rows}).rows(0).values.size(), 3U);  // each row has its own range
  EXPECT_EQ(packed_level(rows, 10, {4, Scaling::children}).rows(0).values.size(), 3U);
}

TEST(PackedChunk, PackedAgainIsTheSame) {
  for (const Shape& shape : {Shape{9000, 128, 0.03}, kFull}) {
    const ChunkRows rows = chunk_of(shape, 9);
    for (const PackOptions& way : all_ways(rows)) {
      const LevelWeights once = packed_level(rows, shape.n_features, way);
      const LevelWeights twice = packed_level(once.rows(0), shape.n_features, way);
      ASSERT_EQ(once.arrays().payload.size(), twice.arrays().payload.size());
      EXPECT_TRUE(std::ranges::equal(once.arrays().payload, twice.arrays().payload));
    }
  }
}

TEST(PackedChunk, TakesFewBitsAWeight) {
  const ChunkRows rows = chunk_of({20000, 52, 0.01}, 9);
  const EncodedChunk packed = pack_chunk(rows, 20000, {4});
  const double rows_bits = static_cast<double>(rows.features.size()) *
                           (3.2 + std::log2(32768.0 / static_cast<double>(rows.features.size())));
  const double weights_bits = static_cast<double>(rows.values.size()) * (4 + 6 + 1);
  EXPECT_LT(static_cast<double>(packed.payload.size()) * 8, rows_bits + weights_bits + 52 * 16 + 200);
}

/// Margins by the fast kernel, by the naive loop and by the dense form.
void expect_equal_margins(const Shape& shape, const LevelWeights& level) {
  const ChunkView chunk = view_chunk(level, 0);
  const Csr queries = random_queries(20, shape.n_features, 60, shape.n_children);
  std::vector<uint32_t> hashes(queries.n_nonzeros()), numbers(queries.n_nonzeros());
  hash_features(queries.columns.span(), shape.n_features, hashes.data());
  BlockFeatures features;
  features.reset(shape.n_features);
  features.add(hashes);
  features.number();
  features.find(hashes, numbers.data());
  DenseChunk dense;
  const bool pays = DenseChunk::pays(chunk, SIZE_MAX / 8);
  if (pays) dense.unpack(chunk, features);
  for (size_t i = 0; i < queries.n_rows(); ++i) {
    const SparseRow row = queries.row(i);
    const size_t at = queries.offsets[i];
    const HashedQuery query{row.columns.data(), hashes.data() + at, row.values.data(), row.size()};
    const std::vector<float> margins = margins_of(chunk, query);
    std::vector<double> plain(shape.n_children);
    score_chunk_naive(chunk, query, plain);
    for (uint32_t c = 0; c < shape.n_children; ++c) ASSERT_NEAR(margins[c], plain[c], 1e-4);
    if (!pays) continue;
    std::vector<float> swept(margin_room(chunk));
    dense.sum(query, numbers.data() + at, swept.data());
    swept.resize(chunk.n_children);
    ASSERT_EQ(swept, margins) << shape.n_features << " features, " << shape.n_children;
  }
}

TEST(PackedChunk, ScoresAsTheNaiveLoopDoesAndAsItsDenseForm) {
  for (const Shape& shape : shapes()) {
    const ChunkRows rows = chunk_of(shape, 7);
    for (const PackOptions& way : all_ways(rows))
      expect_equal_margins(shape, packed_level(rows, shape.n_features, way));
  }
}

/// While it lives, kernels are those for one instruction set.
class WithTarget {
 public:
  explicit WithTarget(int64_t target) { set(target); }
  ~WithTarget() { set(0); }
  WithTarget(const WithTarget&) = delete;
  WithTarget& operator=(const WithTarget&) = delete;

 private:
  static void set(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

/// A query of one feature with the value 1, so that nothing is rounded but the weight: all of the kernels' margins have
/// the bits of the plain decoder's weights.
void expect_plain_bits(const LevelWeights& level, const ChunkRows& rows) {
  const ChunkView chunk = view_chunk(level, 0);
  const float one = 1;
  for (size_t row = 0; row < rows.features.size(); row += 11) {
    const uint32_t feature = rows.features[row];
    uint32_t hash;
    hash_features({&feature, 1}, level.n_features(), &hash);
    const std::vector<float> margins = margins_of(chunk, {&feature, &hash, &one, 1});
    for (uint32_t c = 0; c < chunk.n_children; ++c) ASSERT_EQ(margins[c], weight_at(chunk, feature, hash, c));
  }
}

TEST(PackedChunk, EveryInstructionSetDecodesToTheSameBits) {
  for (const Shape& shape : {Shape{9000, 128, 0.03}, kFull}) {
    ChunkRows rows = chunk_of(shape, 7);
    rows.bias.assign(rows.bias.size(), 0);
    for (const PackOptions& way : all_ways(rows)) {
      const LevelWeights level = packed_level(rows, shape.n_features, way);
      for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
        const WithTarget target(left & -left);
        expect_plain_bits(level, rows);
      }
    }
  }
}

size_t refused_of_300_flips(const Shape& shape, const LevelWeights& level) {
  const std::vector<uint32_t> first_child = {0, shape.n_children};
  const Csr queries = random_queries(4, shape.n_features, 60, 1);
  std::vector<uint32_t> hashes(queries.n_nonzeros());
  hash_features(queries.columns.span(), shape.n_features, hashes.data());
  size_t refused = 0;
  Random random(4);
  for (size_t trial = 0; trial < 300; ++trial) {
    const LevelWeights broken =
        with_flipped_bit(level, random.below(static_cast<uint32_t>(level.arrays().payload.size() * 8)));
    for (size_t i = 0; i < queries.n_rows(); ++i) {
      const SparseRow row = queries.row(i);
      const HashedQuery query{row.columns.data(), hashes.data() + queries.offsets[i], row.values.data(), row.size()};
      EXPECT_EQ(margins_of(view_chunk(broken, 0), query).size(), shape.n_children);
    }
    try {
      broken.verify(first_child, "level");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      ++refused;
    }
  }
  return refused;
}

TEST(PackedChunk, VerifyFindsFlippedBitsOfStructureAndNoneHurts) {
  for (const Shape& shape : {Shape{5000, 52, 0.01}, kFull}) {
    const ChunkRows rows = chunk_of(shape, 10);
    for (const PackOptions& way : all_ways(rows)) {
      const size_t refused = refused_of_300_flips(shape, packed_level(rows, shape.n_features, way));
      EXPECT_GT(refused, 15U);  // most bits are of values, of which any is sound
    }
  }
}

TEST(PackedChunk, VerifyChecksEachFieldOfARecord) {
  const LevelWeights level = packed_level(chunk_of({5000, 52, 0.01}, 5), 5000);
  const auto is_refused = [&](auto change) {
    LevelArrays arrays = level.arrays();
    ChunkEntry entry = arrays.chunks[0];
    change(entry);
    arrays.chunks = std::vector<ChunkEntry>{entry};
    const std::vector<uint32_t> first_child = {0, 52};
    try {
      LevelWeights(arrays).verify(first_child, "level");
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  EXPECT_FALSE(is_refused([](ChunkEntry&) {}));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { ++e.n_rows; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { ++e.n_entries; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.n_entries = 0xFFFFFFFF; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { ++e.low_bits; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.low_bits = 200; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { ++e.value_bits; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.value_bits = 0; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.bucket_bits = 1; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.key_bytes = 2; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.child_bytes = 1; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.scaling = 1; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.scaling = 4; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { ++e.rows_bits; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { ++e.masks_bits; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { ++e.pairs_bits; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.pairs_bits = 60; }));
  EXPECT_TRUE(is_refused([](ChunkEntry& e) { e.value_bits = 16; }));
}

}  // namespace
}  // namespace coppice
