// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/step_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "coppice/core/random.h"

namespace coppice {
namespace {

using Numbers = std::vector<size_t>;

TEST(StepOrder, EachComesAfterThoseThatItNeedsAndTheLowestFirst) {
  EXPECT_EQ(order_steps({}).order, Numbers{});
  EXPECT_EQ(order_steps({{}, {}, {}}).order, (Numbers{0, 1, 2}));
  EXPECT_EQ(order_steps({{2}, {}, {1}, {}}).order, (Numbers{1, 2, 0, 3}));
}

TEST(StepOrder, ACircleIsNamed) {
  EXPECT_EQ(order_steps({{0}}).circle, Numbers{0});
  EXPECT_EQ(order_steps({{}, {3}, {1, 0}, {2}}).circle, (Numbers{1, 3, 2}));
  EXPECT_EQ(order_steps({{1}, {2}, {1}}).circle, (Numbers{1, 2})) << "not the one that only leads to it";
}

TEST(StepOrder, HoldsForRandomGraphs) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const size_t n = 1 + random.below(12);
    Needs needs(n);
    for (size_t i = 0; i < n; ++i) {
      for (size_t k = 0; k < n; ++k) {
        if (random.below(6) == 0) needs[i].push_back(k);
      }
    }
    const StepOrder made = order_steps(needs);
    if (made.circle.empty()) {
      ASSERT_EQ(made.order.size(), n);
      const auto place = [&](size_t i) { return std::find(made.order.begin(), made.order.end(), i); };
      for (size_t i = 0; i < n; ++i) {
        for (const size_t other : needs[i]) EXPECT_LT(place(other), place(i));
      }
    } else {
      for (size_t i = 0; i < made.circle.size(); ++i) {
        const Numbers& of = needs[made.circle[i]];
        EXPECT_NE(std::find(of.begin(), of.end(), made.circle[(i + 1) % made.circle.size()]), of.end());
      }
    }
  }
}

}  // namespace
}  // namespace coppice
