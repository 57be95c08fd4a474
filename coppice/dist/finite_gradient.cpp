// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/finite_gradient.h"

#include <algorithm>
#include <bit>
#include <string>

namespace coppice {
bool all_finite(std::span<const float> values) noexcept {
  constexpr uint32_t kExponent = 0x7F800000;  // all of it is set in what is no finite number
  uint32_t found = 0;
  for (const float value : values) found |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? ~0U : 0U;
  return found == 0;
}

NotFinite::NotFinite(const std::string& what)
    : Error(ErrorCode::data, what, {},
            "a smaller learning_rate may help; skips_not_finite leaves minibatches out whose "
            "gradients are no numbers") {}

std::optional<BatchResult> compute_finite_gradient(Learner& learner, const Turn& turn, bool skips,
                                                   std::span<float> gradient) {
  const BatchResult result = learner.compute_gradient(turn.minibatch, gradient);
  if (all_finite(gradient)) return result;
  if (!skips) {
    throw NotFinite("worker " + std::to_string(turn.worker) + ", step " + std::to_string(turn.step) +
                    ": a gradient is no finite number");
  }
  std::fill(gradient.begin(), gradient.end(), 0.0F);
  return std::nullopt;
}

}  // namespace coppice
