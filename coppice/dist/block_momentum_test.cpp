// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/block_momentum.h"

#include <gtest/gtest.h>

#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// One parameter, whose means at the ends of four blocks are these: what the next block starts with, by hand.
constexpr double kFirst = 1, kMeans[] = {3, 2, 4, 4.5};

std::vector<float> starts_of(const BlockMomentumOptions& options, uint32_t n_models,
                             std::vector<float>* models = nullptr) {
  const float first = kFirst;
  BlockMomentum filter({&first, 1}, n_models, options);
  std::vector<float> starts;
  for (const double mean : kMeans) {
    const auto value = static_cast<float>(mean);
    filter.update({&value, 1});
    starts.push_back(filter.start()[0]);
    if (models != nullptr) models->push_back(filter.model()[0]);
  }
  return starts;
}

TEST(BlockMomentum, ClassicalIsTheFormulaOfThePaper) {
  // eta = 1/2, zeta = 1: delta 2, 0 (1 + 2 - 3), 1, 1
  //   t=1: G = 3 - 1 = 2, delta = 2, W = 3.   t=2: G = 2 - 3 = -1, delta = 1 - 1 = 0, W = 3.
  //   t=3: G = 4 - 3 = 1, delta = 0 + 1, W = 4.  t=4: G = 4.5 - 4, delta = 0.5 + 0.5 = 1, W = 5.
  EXPECT_EQ(starts_of({.variant = BlockVariant::classical}, 2), (std::vector<float>{3, 3, 4, 5}));
}

TEST(BlockMomentum, NesterovsStepAheadIsTakenBack) {
  //   t=1: G = 2, delta = 2, W = 3, start = 3 + 1 = 4.      t=2: G = 2 - 4 = -2, delta = 1 - 2 = -1, W = 2, start 1.5.
  //   t=3: G = 4 - 1.5 = 2.5, delta = -0.5 + 2.5 = 2, W = 4, start = 5.   t=4: G = -0.5, delta = 0.5, W = 4.5, 4.75.
  std::vector<float> models;
  EXPECT_EQ(starts_of({.variant = BlockVariant::nesterov}, 2, &models), (std::vector<float>{4, 1.5F, 5, 4.75F}));
  EXPECT_EQ(models, (std::vector<float>{3, 2, 4, 4.5F}));
}

TEST(BlockMomentum, CntksStepAheadStays) {
  //   t=1: delta = 2, W = start = 1 + 2 + 1 = 4.   t=2: G = -2, delta = 1 - 2 = -1, W = 4 - 1 - 0.5 = 2.5.
  //   t=3: G = 1.5, delta = -0.5 + 1.5 = 1, W = 2.5 + 1 + 0.5 = 4.   t=4: G = 0.5, delta = 1, W = 4 + 1 + 0.5 = 5.5.
  EXPECT_EQ(starts_of({.variant = BlockVariant::cntk}, 2), (std::vector<float>{4, 2.5F, 4, 5.5F}));
}

TEST(BlockMomentum, FairseqCountsABlocksUpdateLess) {
  // zeta = 1/2:  t=1: delta = 1, W = 1 + 1 + 0.5 = 2.5.   t=2: G = -0.5, delta = 0.5 - 0.25 = 0.25, W = 2.875.
  //   t=3: G = 1.125, delta = 0.125 + 0.5625 = 0.6875, W = 2.875 + 0.6875 + 0.34375 = 3.90625.
  //   t=4: G = 0.59375, delta = 0.34375 + 0.296875 = 0.640625, W = 3.90625 + 0.640625 + 0.3203125 = 4.8671875.
  EXPECT_EQ(starts_of({.variant = BlockVariant::fairseq}, 2), (std::vector<float>{2.5F, 2.875F, 3.90625F, 4.8671875F}));
}

TEST(BlockMomentum, OfOneModelChangesNothing) {
  for (const BlockVariant variant : {BlockVariant::classical, BlockVariant::nesterov, BlockVariant::cntk}) {
    EXPECT_EQ(starts_of({.variant = variant}, 1), (std::vector<float>{3, 2, 4, 4.5F}));
  }
}

TEST(BlockMomentum, MomentumAndLearningRateAreThoseInUse) {
  const std::vector<float> start(3);
  EXPECT_DOUBLE_EQ(BlockMomentum(start, 16, {}).momentum(), 15.0 / 16);
  EXPECT_DOUBLE_EQ(BlockMomentum(start, 16, {.momentum = 0.5}).momentum(), 0.5);
  EXPECT_DOUBLE_EQ(BlockMomentum(start, 4, {.variant = BlockVariant::fairseq, .learning_rate = 2}).learning_rate(),
                   0.5);
  EXPECT_THROW(BlockMomentum(start, 4, {.momentum = 1}), Error);
}

TEST(BlockMomentum, GoesOnFromItsState) {
  const float first = kFirst, more = 3;
  BlockMomentum one({&first, 1}, 4, {});
  one.update({&more, 1});
  BlockMomentum two({&more, 1}, 4, {});
  two.restore(one.state());
  one.update({&more, 1}), two.update({&more, 1});
  EXPECT_EQ(one.start()[0], two.start()[0]);
  EXPECT_THROW(BlockMomentum(std::vector<float>(2), 4, {}).restore(one.state()), Error);
}

}  // namespace
}  // namespace coppice
