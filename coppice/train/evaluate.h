// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/core/parallel.h"
#include "coppice/data/read_options.h"
#include "coppice/model/model.h"
#include "coppice/rank/beam_search.h"
#include "coppice/rank/metrics.h"

namespace coppice {

/// Rows whose labels are known.
struct EvaluationInput {
  std::string path = "-";  ///< "-" = standard input
  ReadOptions read;
  std::string dense_path;  ///< features beside the rows' own, as in training; "" = none
};

/// `predict.top_k` is raised to the deepest of `metrics.at`.
struct EvaluateOptions {
  PredictOptions predict;
  MetricOptions metrics;
};

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
Evaluation evaluate(const Model& model, const EvaluationInput& input, EvaluateOptions options, ThreadPool& pool);

}  // namespace coppice
