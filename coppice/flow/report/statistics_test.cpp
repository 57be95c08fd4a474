// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "coppice/core/random.h"

namespace coppice {
namespace {

TEST(Statistics, QuantilesLieBetweenNeighbours) {
  EXPECT_EQ(quantile({}, 0.5), 0);
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({1, 2}, 0.5), 1.5);
  EXPECT_EQ(quantile({1, 2, 3, 4, 5}, 1), 5);
  EXPECT_DOUBLE_EQ(quantile({0, 10}, 0.95), 9.5);
}

TEST(Statistics, WilsonsIntervalIsThatOfTheBooks) {
  const Figure some = proportion(8, 10);  // R: prop.test without correction gives 0.4902 to 0.9433
  EXPECT_NEAR(some.low, 0.4902, 1e-4);
  EXPECT_NEAR(some.high, 0.9433, 1e-4);
  EXPECT_EQ(proportion(0, 10).low, 0);
  EXPECT_GT(proportion(0, 10).high, 0.2) << "ten failures do not show that it never works";
  EXPECT_EQ(proportion(0, 0).high, 1);
  EXPECT_DOUBLE_EQ(proportion(2.5, 10).value, 0.25);
}

TEST(Statistics, TheBootstrapsIntervalOfAMeanIsThatOfItsStandardError) {
  std::vector<double> values(400);
  Random random(3);
  for (double& value : values) value = random.uniform();
  const auto figure = [&](std::span<const size_t> drawn) {
    double sum = 0;
    for (const size_t i : drawn) sum += values[i];
    return sum / static_cast<double>(drawn.size());
  };
  const Figure made = bootstrap(values.size(), figure, 1);
  const double error = std::sqrt(1.0 / 12 / 400);
  EXPECT_NEAR(made.high - made.low, 2 * 1.96 * error, 0.006);
  EXPECT_EQ(made.low, bootstrap(values.size(), figure, 1).low) << "the same seed, the same interval";
}

TEST(Statistics, OfOneGroupNothingIsKnown) {
  const Figure made = bootstrap(
      1, [](std::span<const size_t>) { return 5.0; }, 1);
  EXPECT_EQ(made.value, 5);
  EXPECT_TRUE(std::isinf(made.low) && std::isinf(made.high));
}

TEST(Statistics, PairsThatAreAlikeDoNotShowThatAllAre) {
  const Figure six = paired_difference(0, 0, 6);  // one pair more for each side: sqrt(1 / 8 / 8)
  EXPECT_DOUBLE_EQ(six.value, 0);
  EXPECT_NEAR(six.high, 1.96 / 8, 1e-4);
  EXPECT_NEAR(six.low, -1.96 / 8, 1e-4);
  EXPECT_LT(paired_difference(0, 0, 1000).high, 0.002);
  // Agresti and Min's interval for 20 of 100 pairs better and 5 worse: (20 - 5) / 102 -+ 1.96 sqrt(26 - 15^2 / 102) /
  // 102.
  const Figure some = paired_difference(0.15, 0.25, 100);
  EXPECT_DOUBLE_EQ(some.value, 0.15);
  EXPECT_NEAR(some.low, 0.147059 - 0.093749, 2e-4);
  EXPECT_NEAR(some.high, 0.147059 + 0.093749, 2e-4);
}

/// Of samples of a normal distribution the interval of the mean holds the true one in some 95 %.
TEST(Statistics, IntervalsOfFewGroupsHoldWhatTheySay) {
  Random random(7, 1);
  for (const size_t groups : {size_t{5}, size_t{20}}) {
    size_t held = 0;
    constexpr size_t kTries = 400;
    for (size_t i = 0; i < kTries; ++i) {
      std::vector<double> values(groups);
      for (double& value : values) {
        value = -6;
        for (int k = 0; k < 12; ++k) value += random.uniform();
      }
      const auto mean_of = [&](std::span<const size_t> drawn) {
        double sum = 0;
        for (const size_t one : drawn) sum += values[one];
        return sum / static_cast<double>(drawn.size());
      };
      const Figure figure = bootstrap(groups, mean_of, i, 500);
      held += figure.low <= 0 && 0 <= figure.high ? 1 : 0;
    }
    EXPECT_GT(held, kTries * 88 / 100) << groups;
    EXPECT_LT(held, kTries * 99 / 100) << groups;
  }
}

TEST(Statistics, ScoresThatAreAllAlikeDoNotShowThatAllOthersAre) {
  const Figure alike = with_spread({1, 1, 1}, 6);
  EXPECT_EQ(alike.value, 1);
  EXPECT_NEAR(alike.low, proportion(6, 6).low, 1e-12);
  const Figure spread = with_spread({0.85, 0.8, 0.9}, 6);
  EXPECT_EQ(spread.low, 0.8);
  EXPECT_EQ(spread.high, 0.9);
}

}  // namespace
}  // namespace coppice
