// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

namespace coppice {

/// IEEE 754 binary16 to float, exactly; infinities and NaN, which we never write, become finite numbers.
inline float half_to_float(uint16_t half) noexcept {
  const uint32_t sign = uint32_t{half & 0x8000U} << 16;
  const uint32_t rest = uint32_t{half & 0x7FFFU} << 13;
  // The exponent's bias is 112 larger in a float; the product carries it, and makes subnormals normal.
  const float magnitude = std::bit_cast<float>(rest) * 0x1p112F;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

/// To the nearest half, ties to even; what is too large becomes the largest, 65504. `value` is finite.
inline uint16_t float_to_half(float value) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000U;
  const float magnitude = std::bit_cast<float>(bits & 0x7FFFFFFFU);
  if (magnitude >= 65504.0F) return static_cast<uint16_t>(sign | 0x7BFFU);
  if (magnitude < 0x1p-14F) {  // a subnormal half: a multiple of 2^-24, which the sum rounds to
    const float sum = magnitude + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(sum) - std::bit_cast<uint32_t>(0.5F)));
  }
  const uint32_t plain = std::bit_cast<uint32_t>(magnitude) - (112U << 23);
  return static_cast<uint16_t>(sign | ((plain + 0xFFFU + (plain >> 13 & 1U)) >> 13));
}

}  // namespace coppice
