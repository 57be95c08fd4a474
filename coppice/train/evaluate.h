// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/data/read_options.h"
#include "coppice/model/model.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/rank/beam_search.h"
#include "coppice/rank/metrics.h"

namespace coppice {

/// Predicts a block of so many rows, in parts: by `here`, or where it is another worker's turn, by that one. No parts:
/// the rows are judged elsewhere.
using PredictBlock =
    std::function<std::vector<Predictions>(size_t n_rows, const std::function<std::vector<Predictions>()>& here)>;

/// Rows whose labels are known.
struct EvaluationInput {
  std::string path = "-";  ///< "-" = standard input
  ReadOptions read;
  std::string dense_path;           ///< features beside the rows' own, as in training; "" = none
  PredictBlock predict_block = {};  ///< empty = all blocks here
};

/// Takes the ranking of one row, best label first, and its true labels (none: an empty row).
using TakeRanking = std::function<void(std::span<const uint32_t> ranking, const SparseRow& truth)>;

/// Predicts every row, in their order. The input is read in blocks, so it may be larger than memory.
/// Throws as `evaluate`.
ReadReport predict_examples(const Model& model, const EvaluationInput& input, const PredictOptions& options,
                            ThreadPool& pool, const TakeRanking& take);

/// `predict.top_k` is raised to the deepest of `metrics.at`.
struct EvaluateOptions {
  PredictOptions predict;
  MetricOptions metrics;
};

/// What is predicted for these options.
PredictOptions prediction_for(const EvaluateOptions& options);

struct Evaluation {
  Metrics metrics;
  ReadReport report;  ///< what was repaired or left out while reading
};

/// Predicts every row and judges the predictions. Labels that the model does not know count as positives it misses.
///
/// The input is read in blocks, so it may be larger than memory.
/// Throws `ErrorCode::data` when there is no row or no row has a label; `ErrorCode::cancelled` when `input.read.stop`
/// says so; else as the reader does.
/// Threads: the same figures for any number of them.
Evaluation evaluate(const Model& model, const EvaluationInput& input, const EvaluateOptions& options, ThreadPool& pool);

}  // namespace coppice
