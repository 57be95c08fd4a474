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

}  // namespace
}  // namespace coppice
