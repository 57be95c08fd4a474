// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "coppice/train/estimate.h"

namespace coppice {

/// Throws `ErrorCode::memory`, with advice, when the plan's peak is above `limit_bytes`; 0 = no limit.
void expect_below_limit(const Estimate& estimate, uint64_t limit_bytes);

}  // namespace coppice
