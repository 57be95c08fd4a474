// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/finite_gradient.h"

#include <algorithm>
#include <bit>
#include <string>

#include "coppice/core/error.h"

namespace coppice {
namespace {

bool all_finite(std::span<const float> values) noexcept {
  constexpr uint32_t kExponent = 0x7F800000;  // all of it is set in what is no finite number
  uint32_t found = 0;
  for (const float value : values) found |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? ~0U : 0U;
  return found == 0;
}

}  // namespace

std::optional<BatchResult> compute_finite_gradient(Learner& learner, uint64_t minibatch, uint64_t step, bool skips,
                                                   std::span<float> gradient) {
  const BatchResult result = learner.compute_gradient(minibatch, gradient);
  if (all_finite(gradient)) return result;
  if (!skips) {
    throw Error(ErrorCode::data, "step " + std::to_string(step) + ": a gradient is no finite number", {},
                "a smaller learning_rate may help; skips_not_finite leaves such minibatches out");
  }
  std::fill(gradient.begin(), gradient.end(), 0.0F);
  return std::nullopt;
}

}  // namespace coppice
