// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "coppice/core/progress.h"
#include "coppice/dist/transport.h"
#include "coppice/dist/tree_over_ranks_pulse.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice {

/// Predictions for the same rows by several workers: block b of the rows is for worker b mod size, and the first worker
/// gets all of them in their order.
///
/// Every worker has the model and reads all rows; it vectorizes and predicts its own blocks alone.
class PredictionTurns {
 public:
  /// Both outlive it. `transport` null = there is one worker. Whoever waits stops when `stop` says so.
  PredictionTurns(Transport* transport, const Progress& stop);

  bool is_first() const noexcept { return transport_ == nullptr || transport_->rank() == 0; }

  /// Of the next block of `n_rows` rows, in parts, what `predict` gives on the worker whose turn it is: on the first
  /// worker; nothing on the others. All call it for each block.
  /// Throws `ErrorCode::data` when that worker's block has another number of rows; `ErrorCode::cancelled`; as
  /// Transport does.
  std::vector<Predictions> next(size_t n_rows, const std::function<std::vector<Predictions>()>& predict);

 private:
  std::vector<Predictions> next_of(size_t n_rows, const std::function<std::vector<Predictions>()>& predict);

  Transport* transport_;
  const Progress& stop_;
  std::optional<AbortOnStop> abort_;
  size_t n_blocks_ = 0;
};

}  // namespace coppice
