// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "coppice/dist/learner.h"

namespace coppice {

/// The gradient of a minibatch, all of whose elements are finite numbers. If they are not: throws `ErrorCode::data`
/// naming the step; or, where such ones are to be skipped, the gradient is 0, and nothing is returned.
std::optional<BatchResult> compute_finite_gradient(Learner& learner, uint64_t minibatch, uint64_t step, bool skips,
                                                   std::span<float> gradient);

}  // namespace coppice
