// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "coppice/dist/gradient_message.h"

namespace coppice {

struct TakeLimits {
  float threshold;  ///< above 0
  float residual;   ///< what stays is cut to plus or minus this; infinity: it is not
};

/// residual[i] += gradient[i]; then each element above the threshold, or below minus it, is sent, and the threshold
/// taken away from it, or added: the rest stays. Writes the words of those sent, from `first` on the index of the first
/// element; `words` has room for gradient.size() + 16 of them. Returns how many, or kNotFinite for a sum that is no
/// number.
inline constexpr size_t kNotFinite = ~size_t{0};
size_t take_above(std::span<const float> gradient, std::span<float> residual, TakeLimits limits, GradientWord first,
                  GradientWord* words) noexcept;

/// The plain loop that it is tested against.
size_t take_above_naive(std::span<const float> gradient, std::span<float> residual, TakeLimits limits,
                        GradientWord first, GradientWord* words) noexcept;

}  // namespace coppice
