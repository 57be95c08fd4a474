// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/lbfgs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// Rosenbrock's valley, in pairs: its lowest point is (1, .., 1).
double rosenbrock(std::span<const double> x, std::span<double> gradient) {
  double value = 0;
  for (size_t i = 0; i < x.size(); i += 2) {
    const double a = 1 - x[i], b = x[i + 1] - x[i] * x[i];
    value += a * a + 100 * b * b;
    gradient[i] = -2 * a - 400 * x[i] * b;
    gradient[i + 1] = 200 * b;
  }
  return value;
}

/// sum of curvature_i / 2 * (x_i - centre_i)^2, curvatures from 1 to 1000.
double bowl(std::span<const double> x, std::span<double> gradient) {
  double value = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double curvature = std::pow(1000.0, double(i) / double(x.size()));
    const double off = x[i] - (double(i % 7) - 3) / 4;
    value += curvature / 2 * off * off;
    gradient[i] = curvature * off;
  }
  return value;
}

LbfgsOptions thorough() {
  LbfgsOptions options;
  options.most_iterations = 1000;
  options.tolerance = 1e-14;
  return options;
}

TEST(Lbfgs, FindsTheBottomOfACurvedValley) {
  std::vector<double> start(10, 1.0);
  for (size_t i = 0; i < start.size(); i += 2) start[i] = -1.2;
  const LbfgsResult found = minimize(rosenbrock, start, thorough());
  EXPECT_TRUE(found.converged);
  EXPECT_LT(found.iterations, 200u);
  for (const double x : found.x) EXPECT_NEAR(x, 1, 1e-4);
  EXPECT_LT(found.value, 1e-8);
}

TEST(Lbfgs, FindsTheCentreOfAnIllConditionedBowl) {
  const LbfgsResult found = minimize(bowl, std::vector<double>(100, 5.0), thorough());
  EXPECT_TRUE(found.converged);
  for (size_t i = 0; i < 100; ++i) EXPECT_NEAR(found.x[i], (double(i % 7) - 3) / 4, 1e-4);
}

TEST(Lbfgs, L1ShrinksEachValueOfASeparableBowlAsTheFormulaSays) {
  LbfgsOptions options = thorough();
  options.l1 = 0.6;
  const LbfgsResult found = minimize(bowl, std::vector<double>(100, 5.0), options);
  size_t zeros = 0;
  for (size_t i = 0; i < 100; ++i) {
    const double curvature = std::pow(1000.0, double(i) / 100), centre = (double(i % 7) - 3) / 4;
    const double expected = std::copysign(std::max(0.0, std::abs(centre) - 0.6 / curvature), centre);
    EXPECT_NEAR(found.x[i], expected, 1e-4) << i;
    zeros += found.x[i] == 0;
    EXPECT_EQ(found.x[i] == 0, expected == 0) << i;
  }
  EXPECT_GT(zeros, 10u);
}

TEST(Lbfgs, AValueNeverRises) {
  for (const double l1 : {0.0, 0.5}) {
    LbfgsOptions options;
    options.l1 = l1;
    double last = INFINITY;
    uint32_t calls = 0;
    options.watch = [&](uint32_t iteration, double value) {
      EXPECT_EQ(iteration, ++calls);
      EXPECT_LT(value, last);
      last = value;
    };
    const LbfgsResult found = minimize(rosenbrock, {-1.2, 1, -1.2, 1}, options);
    EXPECT_EQ(found.iterations, calls);
    EXPECT_EQ(found.value, last);
  }
}

TEST(Lbfgs, StopsAfterTheIterationsAllowedOrWhenTheWatchThrows) {
  LbfgsOptions options = thorough();
  options.most_iterations = 3;
  EXPECT_EQ(minimize(bowl, std::vector<double>(100, 5.0), options).iterations, 3u);
  EXPECT_FALSE(minimize(bowl, std::vector<double>(100, 5.0), options).converged);
  options.watch = [](uint32_t, double) { throw Error(ErrorCode::cancelled, "stop"); };
  EXPECT_THROW(minimize(bowl, std::vector<double>(100, 5.0), options), Error);
}

TEST(Lbfgs, StaysWhereItIsAtTheBottom) {
  const LbfgsResult found = minimize(rosenbrock, {1, 1}, thorough());
  EXPECT_TRUE(found.converged);
  EXPECT_EQ(found.iterations, 0u);
  EXPECT_EQ(found.x, (std::vector<double>{1, 1}));
}

/// Finite only between -1 and 1: a first step that is too long must not end the search.
TEST(Lbfgs, ComesBackFromAStepThatLeavesTheDomain) {
  const auto barrier = [](std::span<const double> x, std::span<double> gradient) {
    if (std::abs(x[0]) >= 1) return std::numeric_limits<double>::quiet_NaN();
    gradient[0] = 2 * x[0] / (1 - x[0] * x[0]) - 1;
    return -std::log(1 - x[0] * x[0]) - x[0];
  };
  const LbfgsResult found = minimize(barrier, {-0.9}, thorough());
  EXPECT_NEAR(found.x[0], std::sqrt(2.0) - 1, 1e-5);
}

}  // namespace
}  // namespace coppice
