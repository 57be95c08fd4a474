// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "coppice/core/job.h"
#include "coppice/model/compress.h"
#include "coppice/model/model.h"
#include "coppice/train/refit.h"

namespace coppice {

/// The compressed model with as many weights, the largest ones, as a file of `max_bytes` has room for (to one per
/// cent). `rows` (may be null): the weights that stay are fitted to them, see Pruner. What `options` drop is not looked
/// at.
///
/// Throws `ErrorCode::budget` when the file would be larger with hardly a weight; `ErrorCode::cancelled`.
/// The same for any number of threads. Cost: some ten times that of `compress`, and that of Pruner::descend_to, its
/// last step as often as it takes until one fits, four times as a rule.
Model compress_to_size(const Model& model, const RefitRows* rows, uint64_t max_bytes, const CompressOptions& options,
                       Job job);

}  // namespace coppice
