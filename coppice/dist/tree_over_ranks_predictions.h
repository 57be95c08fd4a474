// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "coppice/dist/transport.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice {

/// Predictions for the same rows by several workers: block b of the rows is for worker b mod size, and the first worker
/// gets all of them in their order.
///
/// Every worker has the model and reads all rows; it vectorizes and predicts its own blocks alone.
class PredictionTurns {
 public:
  /// `transport` outlives it; null = there is one worker.
  explicit PredictionTurns(Transport* transport) : transport_(transport) {}

  bool is_first() const noexcept { return transport_ == nullptr || transport_->rank() == 0; }

  /// Of the next block of `n_rows` rows, in parts, what `predict` gives on the worker whose turn it is: on the first
  /// worker; nothing on the others. All call it for each block.
  /// Throws `ErrorCode::data` when that worker's block has another number of rows; as Transport does.
  std::vector<Predictions> next(size_t n_rows, const std::function<std::vector<Predictions>()>& predict);

 private:
  Transport* transport_;
  size_t n_blocks_ = 0;
};

}  // namespace coppice
