// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/chunk_problem.h"

#include <gtest/gtest.h>

#include <map>

namespace coppice {
namespace {

Csr matrix(uint32_t columns, const std::vector<std::vector<std::pair<uint32_t, float>>>& rows) {
  CsrBuilder builder(columns);
  for (const auto& row : rows) {
    for (const auto& [column, value] : row) builder.add(column, value);
    builder.end_row();
  }
  return builder.build();
}

TEST(ChunkGatherer, KeepsEveryValueOfEveryRowUnderItsGlobalFeature) {
  const Csr features = matrix(50, {{{3, 1}, {40, 2}}, {{3, 4}}, {}, {{3, 5}, {7, 6}, {8, 7}, {40, 8}, {49, 9}}});
  const Csr nodes = matrix(9, {{{2, 1}, {5, 1}}, {{3, 1}}, {{4, 2}}, {{1, 1}, {4, 1}, {6, 1}}});
  ChunkGatherer gatherer;
  for (int round = 0; round < 2; ++round) {  // the second finds the scratch clean
    const std::vector<uint32_t> rows = {0, 1, 2, 3};
    const ChunkProblem problem = gatherer.gather({&features, &nodes, {}, 0.5F}, {1, 2, 3}, rows);
    ASSERT_EQ(problem.n_rows(), 4U);
    EXPECT_EQ(problem.n_shared, 3U);  // bias, 3, 40
    EXPECT_EQ(problem.features[1], 3U) << "the most frequent first";
    for (size_t row = 0; row < 4; ++row) {
      std::map<uint32_t, float> got;
      float norm = 0.25F;
      const RowPlace place = problem.places[row];
      for (size_t j = 0; j < place.size; ++j) {
        const RowEntry entry = problem.entries[place.begin + j];
        EXPECT_LT(entry.feature, problem.n_shared);
        if (j == 0) {
          EXPECT_EQ(entry.feature, 0U);
          EXPECT_EQ(entry.value, 0.5F);
        } else {
          got[problem.features[entry.feature]] = entry.value;
        }
      }
      EXPECT_EQ(place.begin % ChunkProblem::kRowStep, 0U);
      const size_t end = row + 1 < 4 ? problem.places[row + 1].begin : problem.entries.size();
      EXPECT_LT(end - place.begin - place.size, ChunkProblem::kRowStep);
      for (uint64_t j = place.begin + place.size; j < end; ++j) {
        EXPECT_EQ(problem.entries[j].value, 0.0F);
      }
      float own = 0;
      for (uint64_t j = problem.own_begin[row]; j < problem.own_begin[row + 1]; ++j) {
        got[problem.features[problem.n_shared + j]] = problem.own_values[j];
        own += problem.own_values[j] * problem.own_values[j];
      }
      std::map<uint32_t, float> expected;
      for (size_t j = 0; j < features.row(row).size(); ++j) {
        expected[features.row(row).columns[j]] = features.row(row).values[j];
        norm += features.row(row).values[j] * features.row(row).values[j];
      }
      EXPECT_EQ(got, expected);
      EXPECT_FLOAT_EQ(problem.norm[row], norm);
      EXPECT_FLOAT_EQ(problem.own_norm[row], own);
    }
    ASSERT_EQ(problem.row_positives(0).size(), 1U);
    EXPECT_EQ(problem.row_positives(0)[0].child, 0);
    EXPECT_EQ(problem.row_positives(1)[0].child, 1);
    EXPECT_EQ(problem.row_positives(2)[0].relevance, 2.0F);
    EXPECT_EQ(problem.row_positives(3)[0].child, 2);
    EXPECT_TRUE(problem.has_relevance);
  }
}

TEST(ChunkGatherer, LeavesOutRowsOfWeightZero) {
  const Csr features = matrix(5, {{{1, 1}}, {{1, 1}, {2, 1}}, {{2, 1}}});
  const Csr nodes = matrix(2, {{{0, 1}}, {{0, 1}}, {{1, 1}}});
  const std::vector<float> weights = {0, 2, 3};
  const std::vector<uint32_t> rows = {0, 1, 2};
  const ChunkProblem problem = ChunkGatherer().gather({&features, &nodes, weights, 1.0F}, {0, 0, 2}, rows);
  ASSERT_EQ(problem.n_rows(), 2U);
  EXPECT_EQ(problem.weight, (std::vector<float>{2, 3}));
  EXPECT_EQ(problem.n_shared, 2U);
}

TEST(ChunkGatherer, OrdersRareFeaturesBehindFrequentOnesInLargeChunks) {
  CsrBuilder builder(20000);
  for (uint32_t row = 0; row < 3000; ++row) {
    for (uint32_t j = 0; j < 6; ++j) builder.add(row * 6 % 9000 + j, 1.0F);
    builder.add(19999, 2.0F);
    builder.end_row();
  }
  const Csr features = builder.build();
  const Csr nodes = matrix(1, std::vector<std::vector<std::pair<uint32_t, float>>>(3000, {{0, 1.0F}}));
  std::vector<uint32_t> rows(3000);
  for (uint32_t row = 0; row < 3000; ++row) rows[row] = row;
  const ChunkProblem problem = ChunkGatherer().gather({&features, &nodes, {}, 1.0F}, {0, 0, 1}, rows);
  EXPECT_EQ(problem.features[1], 19999U);
  EXPECT_EQ(problem.n_shared, 9002U);
  for (size_t row = 0; row < 3000; ++row) {
    const std::span<const RowEntry> entries = problem.row_entries(row);
    EXPECT_EQ(entries.size(), 8U);
    for (size_t j = 1; j < entries.size(); ++j) {
      EXPECT_EQ(j >= problem.places[row].cold, entries[j].feature >= 2048U);
    }
  }
}

}  // namespace
}  // namespace coppice
