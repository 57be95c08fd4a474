// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/vectorizer_table.h"

#include <gtest/gtest.h>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

std::vector<uint64_t> random_hashes(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<uint64_t> hashes(count);
  for (uint64_t& hash : hashes) hash = random.next();
  return hashes;
}

TEST(FeatureTable, FindsEveryFeatureAndNoOther) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{100}, size_t{50'000}}) {
    const auto known = random_hashes(count, 1);
    const auto built = feature_table::build(known);
    std::vector<uint32_t> found(count + 5000);
    const auto n = static_cast<uint32_t>(count);
    ASSERT_EQ(feature_table::find(built.buckets, built.seed, n, known, found.data()), count);
    for (uint32_t i = 0; i < count; ++i) ASSERT_EQ(found[i], i);
    EXPECT_EQ(feature_table::find(built.buckets, built.seed, n, random_hashes(5000, 2), found.data()), 0u);
  }
}

TEST(FeatureTable, StaysInBoundsAndEndsWhateverItsBytes) {
  Random random(9);
  const auto queries = random_hashes(500, 4);
  std::vector<uint32_t> found(queries.size()), plain(queries.size());
  for (int round = 0; round < 200; ++round) {
    std::vector<uint32_t> buckets(feature_table::kWords * (1 + random.below(4)));
    const uint32_t few = 1 + random.below(3);
    for (uint32_t& word : buckets) word = random.below(4) == 0 ? ~0u : static_cast<uint32_t>(random.next()) >> few;
    const size_t count = feature_table::find(buckets, random.next(), 1000, queries, found.data());
    for (size_t i = 0; i < count; ++i) ASSERT_LT(found[i], 1000u);
  }
  const std::vector<uint32_t> full(feature_table::kWords * 3, ~0u);
  EXPECT_EQ(feature_table::find(full, 0, 1000, queries, found.data()), 0u);
}

TEST(FeatureTable, VectorLoopAgreesWithPlainLoop) {
  auto known = random_hashes(3000, 1);
  const auto built = feature_table::build(known);
  auto queries = random_hashes(3000, 8);
  for (size_t i = 0; i < queries.size(); i += 2) queries[i] = known[i];
  std::vector<uint32_t> fast(queries.size()), plain(queries.size());
  const size_t count = feature_table::find(built.buckets, built.seed, 2000, queries, fast.data());
  ASSERT_EQ(feature_table::find_plain(built.buckets, built.seed, 2000, queries, plain.data()), count);
  EXPECT_EQ(count, 1000u);  // those of the even known ones below 2000
  for (size_t i = 0; i < count; ++i) ASSERT_EQ(fast[i], plain[i]);
}

TEST(FeatureTable, RefusesEqualHashesLoudly) {
  EXPECT_THROW(feature_table::build(std::vector<uint64_t>{5, 6, 5}), Error);
}

}  // namespace
}  // namespace coppice
