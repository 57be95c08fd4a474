// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/money.h"

#include <gtest/gtest.h>

#include <limits>

#include "coppice/core/error.h"

namespace coppice {
namespace {

TEST(Money, APriceOfATokenIsExact) {
  EXPECT_EQ(Money::of_dollars(1.5e-7).pico_dollars, 150'000);
  EXPECT_EQ(times(Money::of_dollars(2e-8), 1'000'000), Money::of_dollars(0.02));
}

TEST(Money, StaysAtTheLargestAmount) {
  const Money most{std::numeric_limits<int64_t>::max()};
  EXPECT_EQ(most + Money{1}, most);
  EXPECT_EQ(times(most, 2), most);
  EXPECT_EQ((Money{5} - Money{7}).pico_dollars, -2);
}

TEST(Money, IsShownWithAsManyDigitsAsItNeeds) {
  EXPECT_EQ(money_text({}), "$0.0000");
  EXPECT_EQ(money_text(Money::of_dollars(12.345)), "$12.35");
  EXPECT_EQ(money_text(Money::of_dollars(0.0512)), "$0.0512");
  EXPECT_EQ(money_text(Money::of_dollars(0.000123)), "$0.00012");
  EXPECT_EQ(money_text(Money::of_dollars(-0.5)), "-$0.5000");
}

TEST(Money, IsReadAsPeopleWriteIt) {
  for (const char* text : {"0.5", "$0.5", " 0.50 USD ", "0.5 usd", "5e-1"}) {
    EXPECT_EQ(parse_money(text), Money::of_dollars(0.5)) << text;
  }
  for (const char* text : {"", "-1", "half", "0.5 EUR", "$", "1e300", "nan", "inf"}) {
    EXPECT_THROW(parse_money(text), Error) << text;
  }
}

}  // namespace
}  // namespace coppice
