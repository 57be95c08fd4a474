// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "coppice/core/options.h"
#include "coppice/index/indexer.h"
#include "coppice/index/label_embedding.h"
#include "coppice/model/model.h"
#include "coppice/rank/beam_search.h"
#include "coppice/rank/metrics.h"
#include "coppice/rank/ranker_training.h"

namespace coppice::bench {

enum class Stage { all, train, predict, judge };

/// What coppice_bench_xmr is told.
struct XmrArguments {
  Stage stage = Stage::all;
  std::string mats;         ///< folder with {X,Y}.{trn,tst}.npz
  std::string model;        ///< where training leaves the model and prediction finds it; "" = a temporary file
  std::string predictions;  ///< judge: an n x L matrix of scores as .npz
  uint32_t threads = 2;
  uint32_t repeats = 3;
  uint32_t single_queries = 5000;
  uint64_t seed = 0;
  EmbeddingOptions embedding;
  IndexOptions index;
  RankerOptions ranker;
  PredictOptions predict;
  MetricOptions metrics;
};

/// The arguments that belong to no stage of the library.
void describe(OptionTable& table, XmrArguments& arguments);

/// Index and ranker of X.trn, Y.trn: seconds of each part, peak memory (whole process, data included), model size.
/// Leaves the model in `arguments.model`.
nlohmann::ordered_json measure_training(const XmrArguments& arguments);

/// Opening the model, X.tst in batches by one and by all threads and row by row, and how good the answers are.
nlohmann::ordered_json measure_prediction(const XmrArguments& arguments);

/// The quality of predictions made elsewhere, judged by the same code as ours.
nlohmann::ordered_json judge_predictions(const XmrArguments& arguments);

}  // namespace coppice::bench
