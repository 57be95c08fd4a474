// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/level_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "coppice/core/error.h"
#include "coppice/rank/chunk_fixture.h"
#include "coppice/rank/chunk_scorer.h"
#include "coppice/rank/chunk_view.h"
#include "coppice/rank/dense_chunk.h"

namespace coppice {
namespace {

using testing::chunk_of;
using testing::kShapes;
using testing::level_of;
using testing::margins_of;
using testing::naive_margins;
using testing::random_queries;
using testing::Shape;
using testing::with_flipped_bit;

void expect_same(const ChunkRows& got, const ChunkRows& expected) {
  EXPECT_EQ(got.features, expected.features);
  EXPECT_EQ(got.first_entry, expected.first_entry);
  EXPECT_EQ(got.children, expected.children);
  EXPECT_EQ(got.values, expected.values);
  EXPECT_EQ(got.bias, expected.bias);
}

TEST(LevelWeights, GiveTheRowsBackInEveryEncoding) {
  std::set<int> encodings;
  for (const Shape& shape : kShapes) {
    const ChunkRows rows = chunk_of(shape, 5);
    const LevelWeights level = level_of({rows, rows}, shape.n_features);
    for (const ChunkEntry& entry : level.arrays().chunks) encodings.insert(static_cast<int>(entry.encoding));
    expect_same(level.rows(0), rows);
    expect_same(level.rows(1), rows);
    const std::vector<uint32_t> first_child = {0, shape.n_children, 2 * shape.n_children};
    EXPECT_NO_THROW(level.verify(first_child, "level"));
    if (level.arrays().chunks[0].encoding == ChunkEncoding::masked) {
      EXPECT_EQ(n_weights(level), 2 * rows.values.size());
    } else {
      EXPECT_GE(n_weights(level), 2 * rows.values.size());
    }
  }
  EXPECT_EQ(encodings.size(), 3U) << "direct, hashed and masked";
}

TEST(LevelWeights, ScoreAsTheNaiveLoopDoes) {
  for (const Shape& shape : kShapes) {
    const ChunkRows rows = chunk_of(shape, 6);
    const LevelWeights level = level_of({rows}, shape.n_features);
    const ChunkView chunk = view_chunk(level, 0);
    Csr queries = random_queries(6, shape.n_features, 60, shape.n_features);
    {  // a query made of the chunk's own features, so that all of them hit
      CsrBuilder own(shape.n_features);
      for (size_t r = 0; r < rows.features.size(); r += 1 + rows.features.size() / 200) own.add(rows.features[r], 0.5F);
      own.end_row();
      queries = concatenate_rows(queries, own.build());
    }
    for (size_t i = 0; i < queries.n_rows(); ++i) {
      const SparseRow row = queries.row(i);
      std::vector<uint32_t> hashes(row.size());
      hash_features(row.columns, shape.n_features, hashes.data());
      const HashedQuery query{row.columns.data(), hashes.data(), row.values.data(), row.size()};
      std::vector<float> margins(margin_room(chunk));
      std::vector<Hit> hits(row.size() + 1);
      hits.resize(find_hits(chunk, query, hits.data()));
      sum_hits(chunk, query, hits, margins.data());
      const std::vector<double> expected = naive_margins(rows, row);
      for (uint32_t c = 0; c < shape.n_children; ++c) {
        EXPECT_NEAR(margins[c], expected[c], 1e-4) << shape.n_features << " features, child " << c;
      }
      std::vector<double> plain(shape.n_children);
      score_chunk_naive(chunk, query, plain);
      for (uint32_t c = 0; c < shape.n_children; ++c) EXPECT_NEAR(plain[c], expected[c], 1e-6);
    }
  }
}

TEST(DenseChunk, ScoresAsThePackedOneBitForBit) {
  DenseChunk dense;  // one for all: what an earlier chunk left behind must not show
  BlockFeatures features;
  size_t n_dense = 0;
  for (const Shape& shape : kShapes) {
    const ChunkRows rows = chunk_of(shape, 7);
    const LevelWeights level = level_of({rows}, shape.n_features);
    const ChunkView chunk = view_chunk(level, 0);
    if (!DenseChunk::pays(chunk, SIZE_MAX / 8)) continue;
    ++n_dense;
    const Csr queries = random_queries(20, shape.n_features, 60, shape.n_children);
    std::vector<uint32_t> hashes(queries.n_nonzeros());
    hash_features(queries.columns.span(), shape.n_features, hashes.data());
    std::vector<uint32_t> numbers(hashes.size());
    features.reset(shape.n_features);
    features.add(hashes);
    features.number();
    features.find(hashes, numbers.data());
    dense.unpack(chunk, features);
    for (size_t i = 0; i < queries.n_rows(); ++i) {
      const SparseRow row = queries.row(i);
      const size_t at = queries.offsets[i];
      const HashedQuery query{row.columns.data(), hashes.data() + at, row.values.data(), row.size()};
      std::vector<float> margins(margin_room(chunk));
      dense.sum(query, numbers.data() + at, margins.data());
      margins.resize(chunk.n_children);
      EXPECT_EQ(margins, margins_of(chunk, query)) << shape.n_features << " features, " << shape.n_children;
    }
  }
  EXPECT_GE(n_dense, 13U);
}

TEST(BlockFeatures, AreNumberedByHashAndForgotten) {
  BlockFeatures features;
  for (const uint32_t n_features : {1U, 70U, 1000000U}) {
    std::vector<uint32_t> hashes(std::min(n_features, 50U));
    for (uint32_t i = 0; i < hashes.size(); ++i) hashes[i] = hash_feature(i, hash_bits(n_features));
    features.reset(n_features);
    features.add(hashes);
    features.add(hashes);
    features.number();
    EXPECT_EQ(features.end(), hashes.size() + 1);
    std::sort(hashes.begin(), hashes.end());
    for (uint32_t i = 0; i < hashes.size(); ++i) EXPECT_EQ(features.find(hashes[i]), i + 1);
    EXPECT_EQ(features.find(hash_feature(n_features > 50 ? 50 : 1, hash_bits(n_features))), 0U);
  }
}

TEST(LevelWeights, KeepNoZerosAndAChunkMayBeEmpty) {
  ChunkRows rows;
  rows.features = {3, 7};
  rows.first_entry = {0, 1, 3};
  rows.children = {0, 0, 1};
  rows.values = {0, 0, 2};
  rows.bias = {1, -1};
  ChunkRows none;
  none.first_entry = {0};
  none.bias = {0.5F};
  const LevelWeights level = level_of({rows, none}, 10);
  EXPECT_EQ(level.rows(0).features, std::vector<uint32_t>{7});
  EXPECT_EQ(level.rows(0).children, std::vector<uint16_t>{1});
  EXPECT_EQ(level.rows(1).features.size(), 0U);
  EXPECT_EQ(level.rows(1).bias, none.bias);
  EXPECT_EQ(level.arrays().chunks[1].encoding, ChunkEncoding::empty);
  const std::vector<uint32_t> first_child = {0, 2, 3};
  EXPECT_NO_THROW(level.verify(first_child, "level"));
}

TEST(LevelWeights, AreTheSameBytesHoweverTheyAreEncoded) {
  const ChunkRows rows = chunk_of({70000, 16, 0.002}, 9);
  const LevelWeights a = level_of({rows}, 70000);
  const LevelWeights b = level_of({a.rows(0)}, 70000);
  ASSERT_EQ(a.arrays().payload.size(), b.arrays().payload.size());
  EXPECT_EQ(std::memcmp(a.arrays().payload.data(), b.arrays().payload.data(), a.arrays().payload.size()), 0);
}

class LevelWeightsOf : public ::testing::TestWithParam<ChunkEncoding> {
 protected:
  Shape shape_ = GetParam() == ChunkEncoding::masked ? Shape{5000, 52, 0.01} : Shape{5000, 300, 0.002};
};
INSTANTIATE_TEST_SUITE_P(BothLayouts, LevelWeightsOf, ::testing::Values(ChunkEncoding::hashed, ChunkEncoding::masked));

TEST_P(LevelWeightsOf, VerifyFindsEveryFlippedBitOfStructure) {
  const ChunkRows rows = chunk_of(shape_, 10);
  const LevelWeights level = level_of({rows}, 20000);
  ASSERT_EQ(level.arrays().chunks[0].encoding, GetParam());
  const std::vector<uint32_t> first_child = {0, shape_.n_children};
  size_t refused = 0;
  const size_t trials = 300;
  Random random(4);
  for (size_t trial = 0; trial < trials; ++trial) {
    const LevelWeights broken =
        with_flipped_bit(level, random.below(static_cast<uint32_t>(level.arrays().payload.size() * 8)));
    try {
      broken.verify(first_child, "level");
      // Not seen: then it was a bit of a weight (which may make one of none), or moved one entry to another feature.
      EXPECT_NEAR(double(broken.rows(0).values.size()), double(rows.values.size()), 1);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      ++refused;
    }
  }
  EXPECT_GT(refused, trials / 10);
}

/// What `verify` says of a level of one chunk whose record was changed.
template <class Change>
std::string error_of_record(const LevelWeights& level, Change change) {
  LevelArrays arrays = level.arrays();
  std::vector<ChunkEntry> chunks(arrays.chunks.begin(), arrays.chunks.end());
  change(chunks[0]);
  arrays.chunks = std::move(chunks);
  const std::vector<uint32_t> first_child = {0, static_cast<uint32_t>(level.n_nodes())};
  try {
    LevelWeights(arrays).verify(first_child, "level");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.what();
  }
  return "";
}

/// One chunk of each encoding.
std::vector<LevelWeights> level_of_each_encoding() {
  ChunkRows none;
  none.first_entry = {0};
  none.bias = {0.5F, 0.25F};
  return {level_of({none}, 300), level_of({chunk_of({300, 16, 0.9}, 5)}, 300),
          level_of({chunk_of({5000, 300, 0.002}, 5)}, 20000), level_of({chunk_of({5000, 52, 0.01}, 5)}, 20000)};
}

TEST(LevelWeights, VerifyChecksEachFieldOfARecord) {
  const std::vector<LevelWeights> levels = level_of_each_encoding();
  for (size_t encoding = 0; encoding < levels.size(); ++encoding) {
    const LevelWeights& level = levels[encoding];
    const auto error = [&](auto change) { return error_of_record(level, change); };
    ASSERT_EQ(static_cast<size_t>(level.arrays().chunks[0].encoding), encoding);
    EXPECT_EQ(error([](ChunkEntry&) {}), "");
    EXPECT_NE(error([](ChunkEntry& e) { ++e.n_rows; }), "") << encoding;
    EXPECT_NE(error([](ChunkEntry& e) { ++e.n_entries; }), "") << encoding;
    EXPECT_NE(error([](ChunkEntry& e) { e.n_entries = 0xFFFFFFFF; }), "") << encoding;
    EXPECT_NE(error([](ChunkEntry& e) { ++e.bucket_bits; }), "") << encoding;
    EXPECT_NE(error([](ChunkEntry& e) { e.key_bytes ^= 6; }), "") << encoding;
    EXPECT_NE(error([](ChunkEntry& e) { e.child_bytes ^= 3; }), "") << encoding;
    EXPECT_NE(error([](ChunkEntry& e) { e.pairs_bits = 1; }), "") << encoding;
  }
}

TEST(LevelWeights, ACountThatCannotBeIsNotCounted) {
  for (const LevelWeights& level : level_of_each_encoding()) {
    LevelArrays arrays = level.arrays();
    ChunkEntry entry = arrays.chunks[0];
    entry.n_entries = 0xFFFFFFFF;
    arrays.chunks = std::vector<ChunkEntry>{entry};
    EXPECT_LE(n_weights(LevelWeights(arrays)), uint64_t{level.n_features()} * level.n_nodes());
  }
}

TEST(LevelWeights, AChunkWithABucketOfTooManyRowsIsNotMasked) {
  // Features that differ above their 16 lowest bits only share the lower bits of the hash, and so their bucket.
  constexpr uint32_t kFeatures = 1U << 22;
  std::map<uint32_t, uint32_t> features_of_hash;
  for (uint32_t feature = 0; feature < kFeatures; ++feature) {
    const uint32_t hash = hash_feature(feature, hash_bits(kFeatures));
    if (hash >> 22 == 0) features_of_hash[feature] = hash;  // one in 1024: all of them in the first buckets
  }
  ChunkRows rows;
  rows.first_entry.push_back(0);
  for (const auto& [feature, hash] : features_of_hash) {
    rows.features.push_back(feature);
    rows.children.push_back(static_cast<uint16_t>(feature % 5));
    rows.values.push_back(0.5F);
    rows.first_entry.push_back(static_cast<uint32_t>(rows.values.size()));
  }
  rows.bias.assign(5, 0.25F);
  const LevelWeights level = level_of({rows}, kFeatures);
  EXPECT_EQ(level.arrays().chunks[0].encoding, ChunkEncoding::hashed);
  expect_same(level.rows(0), rows);
}

TEST(LevelWeights, RefuseArraysThatDoNotFit) {
  LevelArrays arrays = level_of({chunk_of({300, 4, 0.3}, 3)}, 300).arrays();
  arrays.payload = {arrays.payload.subspan(0, 10), nullptr};
  EXPECT_THROW(LevelWeights{arrays}, Error);
}

}  // namespace
}  // namespace coppice
