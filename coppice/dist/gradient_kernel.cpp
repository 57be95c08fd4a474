// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/gradient_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "coppice/dist/gradient_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace coppice {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_ATTR size_t TakeAbove(const float* HWY_RESTRICT gradient, size_t size, float* HWY_RESTRICT residual,
                          TakeLimits limits, GradientWord first, GradientWord* HWY_RESTRICT words) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const size_t lanes = hn::Lanes(d);
  const auto threshold = hn::Set(d, limits.threshold), most = hn::Set(d, limits.residual);
  const auto infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const auto sign_bit = hn::SignBit(d);
  const auto twice = hn::Add(hn::Iota(du, 0), hn::Iota(du, 0));  // indices stand above the bit of the sign
  auto finite = hn::Lt(threshold, infinity);
  GradientWord* const begin = words;
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto sum = hn::Add(hn::LoadU(d, residual + i), hn::LoadU(d, gradient + i));
    finite = hn::And(finite, hn::Lt(hn::Abs(sum), infinity));
    const auto is_sent = hn::Gt(hn::Abs(sum), threshold);
    const auto sign = hn::And(sum, sign_bit);
    const auto left = hn::Sub(sum, hn::IfThenElseZero(is_sent, hn::Or(threshold, sign)));
    hn::StoreU(hn::Max(hn::Min(left, most), hn::Neg(most)), d, residual + i);
    if (hn::AllFalse(d, is_sent)) continue;
    const auto indices = hn::Add(twice, hn::Set(du, 2 * (first + static_cast<GradientWord>(i))));
    const auto word = hn::Or(indices, hn::ShiftRight<31>(hn::BitCast(du, sum)));
    words += hn::CompressStore(word, hn::RebindMask(du, is_sent), du, words);
  }
  const bool all_finite = hn::AllTrue(d, finite);
  const size_t n = take_above_naive({gradient + i, size - i}, {residual + i, size - i}, limits,
                                    first + static_cast<GradientWord>(i), words);
  if (!all_finite || n == kNotFinite) return kNotFinite;
  return static_cast<size_t>(words - begin) + n;
}

}  // namespace HWY_NAMESPACE
}  // namespace coppice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coppice {
HWY_EXPORT(TakeAbove);

size_t take_above(std::span<const float> gradient, std::span<float> residual, TakeLimits limits, GradientWord first,
                  GradientWord* words) noexcept {
  return HWY_DYNAMIC_DISPATCH(TakeAbove)(gradient.data(), gradient.size(), residual.data(), limits, first, words);
}

size_t take_above_naive(std::span<const float> gradient, std::span<float> residual, TakeLimits limits,
                        GradientWord first, GradientWord* words) noexcept {
  size_t n = 0;
  for (size_t i = 0; i < gradient.size(); ++i) {
    float& left = residual[i];
    left += gradient[i];
    if (!std::isfinite(left)) return kNotFinite;
    if (std::abs(left) > limits.threshold) {
      words[n++] = 2 * (first + static_cast<GradientWord>(i)) + (left < 0 ? 1 : 0);
      left -= std::copysign(limits.threshold, left);
    }
    left = std::max(std::min(left, limits.residual), -limits.residual);
  }
  return n;
}

}  // namespace coppice
#endif  // HWY_ONCE
