// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "coppice/core/error.h"
#include "coppice/dist/learner.h"

namespace coppice {

/// What training came to is no finite number: `ErrorCode::data`. It diverges, mostly.
class NotFinite final : public Error {
 public:
  explicit NotFinite(const std::string& what);
};

bool all_finite(std::span<const float> values) noexcept;

/// Whose gradient is computed, and which.
struct Turn {
  uint32_t worker = 0;  ///< its number in the job
  uint64_t step = 0;
  uint64_t minibatch = 0;
};

/// The gradient of a minibatch, all of whose elements are finite numbers. If they are not: throws `NotFinite` naming
/// worker and step; or, where such ones are to be skipped, the gradient is 0, and nothing is returned.
std::optional<BatchResult> compute_finite_gradient(Learner& learner, const Turn& turn, bool skips,
                                                   std::span<float> gradient);

}  // namespace coppice
