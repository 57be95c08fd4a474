// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "coppice/core/random.h"

namespace coppice {
namespace {

TEST(StandInModel, ASpreadHasTheMedianAndThe95thPercentileThatItSays) {
  const Spread spread{0.4, 1.2};
  EXPECT_NEAR(spread.at(0.5), 0.4, 1e-9);
  EXPECT_NEAR(spread.at(0.95), 1.2, 1e-9);
  EXPECT_LT(spread.at(1e-12), 0.01);
  EXPECT_GT(spread.mean(), spread.median);
  EXPECT_EQ((Spread{3, 3}.at(0.99)), 3);
  EXPECT_EQ((Spread{3, 3}.mean()), 3);
  EXPECT_EQ(Spread{}.at(0.5), 0);
}

TEST(StandInModel, DrawnTimesFollowTheSpread) {
  SpeedProfile speed;
  speed.first_token_seconds = {0.4, 1.2};
  speed.output_token_seconds = {0.02, 0.03};
  constexpr int kDraws = 20'000;
  std::vector<double> first, later;
  for (uint64_t key = 0; key < kDraws; ++key) {
    const AnswerTiming timing = draw_timing(speed, Random(9, key).next(), 0, 11);
    first.push_back(timing.first_token_seconds);
    later.push_back(timing.output_token_seconds);
    ASSERT_DOUBLE_EQ(timing.total_seconds, timing.first_token_seconds + 10 * timing.output_token_seconds);
  }
  std::sort(first.begin(), first.end());
  std::sort(later.begin(), later.end());
  EXPECT_NEAR(first[kDraws / 2], 0.4, 0.4 * 0.03);
  EXPECT_NEAR(first[kDraws * 95 / 100], 1.2, 1.2 * 0.05);
  EXPECT_NEAR(later[kDraws / 2], 0.02, 0.02 * 0.02);
  EXPECT_NEAR(later[kDraws * 95 / 100], 0.03, 0.03 * 0.03);
}

TEST(StandInModel, ThePromptDelaysTheFirstTokenAndAnAnswerOfNoTokensTakesNoMore) {
  SpeedProfile speed;
  speed.first_token_seconds = {1, 1};
  speed.input_token_seconds = 0.01;
  speed.output_token_seconds = {0.1, 0.1};
  EXPECT_DOUBLE_EQ(draw_timing(speed, 1, 50, 1).total_seconds, 1.5);
  EXPECT_DOUBLE_EQ(draw_timing(speed, 1, 50, 0).total_seconds, 1.5);
  EXPECT_DOUBLE_EQ(draw_timing(speed, 1, 50, 3).total_seconds, 1.7);
}

/// Goes through time in small steps, and gives each free slot to the first in line.
std::vector<double> naive_begins(uint32_t slots, const std::vector<std::pair<double, double>>& requests) {
  std::vector<double> begins(requests.size(), -1), free_at(slots, 0);
  size_t next = 0;
  for (double now = 0; next < requests.size(); now += 0.25) {
    for (double& free : free_at) {
      if (next == requests.size() || requests[next].first > now || free > now) continue;
      begins[next] = now;
      free = now + requests[next++].second;
    }
  }
  return begins;
}

TEST(StandInModel, TheLineBeforeTheSlotsIsThatOfASimulationInSmallSteps) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const uint32_t slots = 1 + random.below(4);
    std::vector<std::pair<double, double>> requests;
    double at = 0;
    for (int i = 0; i < 60; ++i) {
      at += 0.25 * random.below(4);
      requests.emplace_back(at, 0.25 * (1 + random.below(12)));
    }
    const std::vector<double> expected = naive_begins(slots, requests);
    SlotQueue queue(slots);
    for (size_t i = 0; i < requests.size(); ++i) {
      ASSERT_DOUBLE_EQ(queue.begin(requests[i].first, requests[i].second), expected[i]) << seed << " " << i;
    }
  }
}

TEST(StandInModel, WithoutSlotsNobodyWaits) {
  SlotQueue queue(0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(queue.begin(2.5, 100), 2.5);
}

TEST(StandInModel, ABucketGivesAMinutesWorthAndThenAsItFills) {
  RateBucket bucket(60);
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(bucket.wait_seconds(10, 1), 0);
    bucket.take(10, 1);
  }
  EXPECT_NEAR(bucket.wait_seconds(10, 1), 1, 1e-9);
  EXPECT_NEAR(bucket.reset_seconds(10), 60, 1e-9);
  EXPECT_EQ(bucket.wait_seconds(11, 1), 0);
  EXPECT_NEAR(bucket.remaining(40), 30, 1e-9);
  EXPECT_NEAR(bucket.remaining(1e6), 60, 1e-9);
  EXPECT_TRUE(std::isinf(bucket.wait_seconds(1e6, 61)));
  EXPECT_EQ(RateBucket(0).wait_seconds(0, 1e9), 0);
}

TEST(StandInModel, AWaitIsWrittenAsTheHeadersHaveIt) {
  EXPECT_EQ(reset_text(0), "0ms");
  EXPECT_EQ(reset_text(0.0123), "13ms");
  EXPECT_EQ(reset_text(1), "1s");
  EXPECT_EQ(reset_text(1.2), "2s");
  EXPECT_EQ(reset_text(360), "6m0s");
  EXPECT_EQ(reset_text(3661), "1h1m1s");
  EXPECT_EQ(reset_text(-1), "0ms");
  EXPECT_FALSE(reset_text(INFINITY).empty());
}

}  // namespace
}  // namespace coppice
