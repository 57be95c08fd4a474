// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/memory_limit.h"

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {

void expect_below_limit(const Estimate& estimate, uint64_t limit_bytes) {
  if (limit_bytes == 0 || estimate.peak_bytes <= limit_bytes) return;
  throw Error(
      ErrorCode::memory,
      "training is estimated to need " + bytes_text(static_cast<double>(estimate.peak_bytes)) + ", the limit is " +
          bytes_text(static_cast<double>(limit_bytes)),
      {},
      "a higher threshold or min_label_count, fewer features (max_features, min_df), fewer threads or negatives "
      "tfn need less");
}

}  // namespace coppice
