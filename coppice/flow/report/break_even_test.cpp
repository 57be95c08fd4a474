// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/break_even.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace coppice {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string told(double fixed_more, Figure saved) {
  return break_even_text(break_even(fixed_more, saved, 10));
}

TEST(BreakEven, WhatCostsMoreAtFirstPaysFromTheCrossingOn) {
  EXPECT_EQ(told(1000, {0.4, 0.2, 0.8}), "from 250 users on (125 to 500)");
  EXPECT_EQ(told(1000, {0.4, -0.1, 0.8}), "from 250 users on (125 to never)");
  EXPECT_EQ(told(1000, {-0.1, -0.2, 0.8}), "never; at best from 125 users on");
  EXPECT_EQ(told(1000, {-0.1, -0.2, -0.05}), "never");
  EXPECT_EQ(told(1000, {0, 0, 0}), "never");
}

TEST(BreakEven, WhatCostsLessAtFirstPaysUpToTheCrossing) {
  EXPECT_EQ(told(-8000, {-0.0225, -0.025, -0.02}), "up to 35,555 users (32,000 to 40,000)");
  EXPECT_EQ(told(-8000, {-0.0225, -0.025, 0.01}), "up to 35,555 users (32,000 to any number)");
  EXPECT_EQ(told(-8000, {0.1, -0.025, 0.2}), "at once; at worst up to 32,000 users");
  EXPECT_EQ(told(-8000, {0.1, 0.05, 0.2}), "at once");
}

TEST(BreakEven, WhatCostsAsMuchAtFirstPaysAtOnceOrNever) {
  EXPECT_EQ(told(0, {0.1, 0.05, 0.2}), "at once");
  EXPECT_EQ(told(0, {0, 0, 0}), "at once");
  EXPECT_EQ(told(0, {0.1, -0.05, 0.2}), "at once; at worst never");
  EXPECT_EQ(told(0, {-0.1, -0.2, -0.05}), "never");
  EXPECT_EQ(told(0, {-0.1, -0.2, 0.05}), "never; at best at once");
}

TEST(BreakEven, OfFewInputsThereIsNoInterval) {
  EXPECT_EQ(told(1000, {0.4, -kInfinity, kInfinity}), "from 250 users on (too few inputs)");
  EXPECT_EQ(told(-1000, {-0.4, -kInfinity, kInfinity}), "up to 250 users (too few inputs)");
  EXPECT_TRUE(std::isnan(break_even(1000, {0.4, -kInfinity, kInfinity}, 10).users.low));
}

TEST(BreakEven, ItsKindHasAWord) {
  const auto kind = [](double fixed_more, double saved) {
    return kind_of(break_even(fixed_more, {saved, saved, saved}, 1));
  };
  EXPECT_STREQ(kind(1, 1), "from");
  EXPECT_STREQ(kind(1, -1), "never");
  EXPECT_STREQ(kind(-1, -1), "up to");
  EXPECT_STREQ(kind(-1, 1), "at once");
  EXPECT_STREQ(kind(0, 1), "at once");
}

}  // namespace
}  // namespace coppice
