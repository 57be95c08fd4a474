// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/prune.h"

#include <gtest/gtest.h>

#include <vector>

namespace coppice {
namespace {

/// Two children: of the first 5 weights, of the second 2.
ChunkRows sample_rows() {
  ChunkRows rows;
  rows.features = {1, 4, 6, 7, 9};
  rows.first_entry = {0, 1, 3, 5, 6, 7};
  rows.children = {0, 0, 1, 0, 1, 0, 0};
  rows.values = {0.5F, -0.3F, 0.2F, 0.3F, 0.05F, 0.3F, -0.1F};
  rows.bias = {1, -1};
  return rows;
}

PruneOptions options(float threshold, uint32_t max_weights) {
  return {.threshold = threshold, .max_weights = max_weights};
}

TEST(Prune, WhatIsBelowTheThresholdGoesAndWhatIsEqualToItStays) {
  const ChunkRows kept = prune_rows(sample_rows(), options(0.3F, 0));
  EXPECT_EQ(kept.features, (std::vector<uint32_t>{1, 4, 6, 7}));
  EXPECT_EQ(kept.values, (std::vector<float>{0.5F, -0.3F, 0.3F, 0.3F}));
  EXPECT_EQ(kept.bias, sample_rows().bias);
}

TEST(Prune, AmongEqualsTheFirstStaySoThatEachChildKeepsAsManyAsItMay) {
  const ChunkRows kept = prune_rows(sample_rows(), options(0, 3));
  EXPECT_EQ(kept.features, (std::vector<uint32_t>{1, 4, 6}));
  EXPECT_EQ(kept.children, (std::vector<uint16_t>{0, 0, 1, 0, 1}));
  EXPECT_EQ(kept.values, (std::vector<float>{0.5F, -0.3F, 0.2F, 0.3F, 0.05F}));
}

TEST(Prune, BothLimitsHold) {
  const ChunkRows kept = prune_rows(sample_rows(), options(0.15F, 4));
  EXPECT_EQ(kept.values, (std::vector<float>{0.5F, -0.3F, 0.2F, 0.3F, 0.3F}));
  EXPECT_EQ(prune_rows(sample_rows(), options(0.4F, 4)).values, (std::vector<float>{0.5F}));
}

TEST(Prune, WithoutLimitsNothingGoes) {
  EXPECT_EQ(prune_rows(sample_rows(), options(0, 0)).values, sample_rows().values);
  EXPECT_EQ(prune_rows(sample_rows(), options(0, 5)).values, sample_rows().values);
}

}  // namespace
}  // namespace coppice
