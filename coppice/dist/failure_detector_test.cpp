// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/failure_detector.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coppice/core/random.h"

namespace coppice {
namespace {

/// Hears `n` signs whose intervals `draw` gives. Returns the time of the last one.
template <class Draw>
double hear(FailureDetector& detector, int n, const Draw& draw) {
  double now = 100;
  detector.heard(now);
  for (int i = 0; i < n; ++i) detector.heard(now += draw());
  return now;
}

TEST(FailureDetector, SuspicionGrowsWithTheSilence) {
  FailureDetector detector(1, {});
  const double last = hear(detector, 50, [] { return 1.0; });
  double before = -1;
  for (double silence = 0; silence < 60; silence += 0.1) {
    const double phi = detector.phi(last + silence);
    EXPECT_GE(phi, before);
    EXPECT_TRUE(std::isfinite(phi));
    before = phi;
  }
  EXPECT_LT(detector.phi(last), 0.01);
  EXPECT_FALSE(detector.suspects(last + 2));
  EXPECT_TRUE(detector.suspects(last + 60));
}

TEST(FailureDetector, TheBoundIsWhereSuspicionReachesPhi) {
  for (const double phi : {1.0, 3.0, 8.0, 16.0}) {
    FailureDetector detector(0.1, {.phi = phi});
    Random random(1);
    const double last = hear(detector, 100, [&] { return 0.1 + 0.1 * random.uniform(); });
    const double bound = detector.bound_seconds();
    EXPECT_NEAR(detector.phi(last + bound), phi, 1e-6);
    EXPECT_FALSE(detector.suspects(last + 0.999 * bound));
    EXPECT_TRUE(detector.suspects(last + 1.001 * bound));
  }
}

TEST(FailureDetector, TheBoundIsLearnedFromTheIntervals) {
  const auto bound_of = [](double interval) {
    FailureDetector detector(1, {});
    hear(detector, 1000, [&] { return interval; });
    return detector.bound_seconds();
  };
  EXPECT_NEAR(bound_of(10), 18.4 * 10, 2) << "8 ln 10 intervals";
  EXPECT_NEAR(bound_of(10) / bound_of(1), 10, 0.5);
  EXPECT_LT(bound_of(0.01), 2);
  FailureDetector changing(1, {});
  hear(changing, 1000, [] { return 1.0; });
  const double before = changing.bound_seconds();
  hear(changing, 1000, [] { return 5.0; });
  EXPECT_GT(changing.bound_seconds(), 4 * before) << "and follows a machine that becomes slow";
}

TEST(FailureDetector, IntervalsThatVaryMoreAreGivenMoreTime) {
  const auto bound_of = [](double spread) {
    FailureDetector detector(1, {});
    Random random(3);
    hear(detector, 1000, [&] { return random.uniform() < 0.05 ? 1 + spread : 1.0; });
    return detector.bound_seconds();
  };
  EXPECT_GT(bound_of(20), 2 * bound_of(0));
}

TEST(FailureDetector, BeforeAnythingIsHeardNothingIsSuspected) {
  const FailureDetector detector(1, {});
  EXPECT_EQ(detector.phi(1e9), 0);
}

TEST(FailureDetector, WithFewSignsWhatIsExpectedCounts) {
  FailureDetector detector(2, {});
  detector.heard(0);
  EXPECT_FALSE(detector.suspects(20));
  EXPECT_TRUE(detector.suspects(80));
}

TEST(FailureDetector, WhoeverWasAwayItselfSuspectsNobody) {
  FailureDetector detector(1, {});
  const double last = hear(detector, 50, [] { return 1.0; });
  const double bound = detector.bound_seconds();
  EXPECT_TRUE(detector.suspects(last + 1000));
  detector.begin_anew(last + 1000);
  EXPECT_FALSE(detector.suspects(last + 1001));
  detector.heard(last + 1001);
  EXPECT_NEAR(detector.bound_seconds(), bound, 1e-3) << "the pause was no interval";
}

TEST(FailureDetector, FalseAlarmsAreAsRareAsPhiSaysWhereTheModelHolds) {
  Random random(7);
  FailureDetector detector(1, {.phi = 2});
  double now = 0;
  detector.heard(now);
  int alarms = 0;
  constexpr int kSigns = 20000;
  for (int i = 0; i < kSigns; ++i) {
    const double interval = -std::log(1 - random.uniform());  // exponential, mean 1
    if (detector.suspects(now + interval)) ++alarms;
    detector.heard(now += interval);
  }
  // One in 100, and some more since the mean is of 200 intervals only.
  EXPECT_LT(alarms, 0.02 * kSigns);
  EXPECT_GT(alarms, 0.003 * kSigns);
}

}  // namespace
}  // namespace coppice
