// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
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

TEST(Statistics, OfFewGroupsNothingIsKnown) {
  for (const size_t groups : {1, 2, 5, 6}) {
    const auto figure = [](std::span<const size_t> drawn) { return static_cast<double>(drawn[0]); };
    const Figure made = bootstrap(groups, figure, 1);
    EXPECT_EQ(std::isinf(made.low) && std::isinf(made.high), groups < kFewestGroups) << groups;
  }
}

TEST(Statistics, DrawsWithoutAFigureMayLieAnywhere) {
  const auto figure = [](std::span<const size_t> drawn) {  // two of ten have one: often none of them is drawn
    double count = 0;
    for (const size_t one : drawn) count += one < 2 ? 1 : 0;
    return count > 0 ? 1 : std::numeric_limits<double>::quiet_NaN();
  };
  const Figure made = bootstrap(10, figure, 1);
  EXPECT_EQ(made.value, 1);
  EXPECT_TRUE(std::isinf(made.low) && std::isinf(made.high));
}

TEST(Statistics, QuantilesAreOpenWhereNoRankReaches) {
  std::vector<double> values(100);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i + 1);
  const Figure median = quantile_of_groups(values, 0.5, 100);  // the books' ranks 40 and 61 for n = 100
  EXPECT_EQ(median.value, 50.5);
  EXPECT_EQ(median.low, 40);
  EXPECT_EQ(median.high, 61);
  EXPECT_TRUE(std::isfinite(quantile_of_groups(values, 0.95, 100).high));
  EXPECT_EQ(quantile_of_groups(values, 0.95, 71).high, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isfinite(quantile_of_groups(values, 0.95, 72).high));
  const Figure few = quantile_of_groups({3, 1, 2}, 0.95, 3);
  EXPECT_EQ(few.low, 2) << "that two of three lie above it has a chance of 0.7 %";
  EXPECT_TRUE(std::isinf(few.high));
  EXPECT_TRUE(std::isinf(quantile_of_groups({1, 1, 2, 2, 3, 3, 4, 4, 5, 5}, 0.5, 5).high)) << "five, each twice";
  EXPECT_TRUE(std::isnan(quantile_of_groups({}, 0.5, 0).value));
}

double normal(Random& random) {
  double sum = -6;
  for (int k = 0; k < 12; ++k) sum += random.uniform();
  return sum;
}

/// In how many of 100 tries the interval of a quantile of lognormal seconds holds the true one; runs of one input share
/// the part `alike` of their variance.
double coverage(double q, double normal_quantile, size_t inputs, size_t repeats, double alike) {
  Random random(11, inputs * 10 + repeats);
  constexpr size_t kTries = 2000;
  const double truth = std::exp(normal_quantile);
  size_t held = 0;
  for (size_t i = 0; i < kTries; ++i) {
    std::vector<double> seconds;
    for (size_t input = 0; input < inputs; ++input) {
      const double shared = std::sqrt(alike) * normal(random);
      for (size_t k = 0; k < repeats; ++k) seconds.push_back(std::exp(shared + std::sqrt(1 - alike) * normal(random)));
    }
    const Figure made = quantile_of_groups(seconds, q, inputs);
    held += made.low <= truth && truth <= made.high ? 1 : 0;
  }
  return 100.0 * static_cast<double>(held) / kTries;
}

TEST(Statistics, IntervalsOfQuantilesHoldTheTrueOneHoweverFewInputs) {
  for (const size_t inputs : {1, 2, 3, 5, 6, 8, 20, 80}) {
    EXPECT_GE(coverage(0.5, 0, inputs, 1, 0), 93.5) << inputs;
    EXPECT_GE(coverage(0.95, 1.645, inputs, 1, 0), 93.5) << inputs;
    for (const double alike : {1.0, 0.8, 0.0}) {
      EXPECT_GE(coverage(0.5, 0, inputs, 3, alike), 93.5) << inputs << " three times, alike " << alike;
      EXPECT_GE(coverage(0.95, 1.645, inputs, 3, alike), 93.5) << inputs << " three times, alike " << alike;
    }
  }
}

TEST(Statistics, IntervalsSayWhichEndIsOpen) {
  constexpr double kOpen = std::numeric_limits<double>::infinity();
  const auto show = [](double value) { return std::to_string(static_cast<int>(value)); };
  EXPECT_EQ(interval_text({2, 1, 3}, show), "1 to 3");
  EXPECT_EQ(interval_text({2, 1, kOpen}, show), "at least 1");
  EXPECT_EQ(interval_text({2, -kOpen, 3}, show), "at most 3");
  EXPECT_EQ(interval_text({2, -kOpen, kOpen}, show), "too few inputs");
  EXPECT_EQ(interval_text({kOpen, kOpen, kOpen}, show), "");
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
  for (const size_t groups : {size_t{6}, size_t{20}}) {
    size_t held = 0;
    constexpr size_t kTries = 400;
    for (size_t i = 0; i < kTries; ++i) {
      std::vector<double> values(groups);
      for (double& value : values) value = normal(random);
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
  constexpr double kOpen = std::numeric_limits<double>::infinity();
  EXPECT_NEAR(with_spread({0.5, -kOpen, kOpen}, 4).low, proportion(2, 4).low, 1e-12) << "few: scores have bounds";
  const Figure spread = with_spread({0.85, 0.8, 0.9}, 6);
  EXPECT_EQ(spread.low, 0.8);
  EXPECT_EQ(spread.high, 0.9);
}

}  // namespace
}  // namespace coppice
