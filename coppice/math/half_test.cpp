// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/half.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coppice/core/random.h"

namespace coppice {
namespace {

/// By the definition: sign, five bits of exponent, ten of fraction.
float by_definition(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const auto fraction = static_cast<float>(half & 1023);
  const float magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return half >> 15 != 0 ? -magnitude : magnitude;
}

TEST(Half, IsReadByTheDefinition) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    EXPECT_EQ(half_to_float(static_cast<uint16_t>(half)), by_definition(static_cast<uint16_t>(half))) << half;
  }
}

TEST(Half, EachFiniteOneComesBack) {
  for (uint32_t half = 0; half < 0x7C00; ++half) {
    EXPECT_EQ(float_to_half(half_to_float(static_cast<uint16_t>(half))), half);
    EXPECT_EQ(float_to_half(-half_to_float(static_cast<uint16_t>(half))), half | 0x8000U);
  }
}

TEST(Half, IsTheNearest) {
  Random random(1);
  for (int i = 0; i < 100000; ++i) {
    const auto value = static_cast<float>(std::ldexp(random.uniform() - 0.5, static_cast<int>(random.below(40)) - 26));
    const uint16_t half = float_to_half(value);
    const float distance = std::abs(half_to_float(half) - value);
    EXPECT_LE(distance, std::abs(half_to_float(static_cast<uint16_t>(half + 1)) - value)) << value;
    if ((half & 0x7FFF) != 0) EXPECT_LE(distance, std::abs(half_to_float(static_cast<uint16_t>(half - 1)) - value));
  }
  EXPECT_EQ(half_to_float(float_to_half(1e9F)), 65504.0F);
  EXPECT_EQ(half_to_float(float_to_half(-1e9F)), -65504.0F);
}

}  // namespace
}  // namespace coppice
