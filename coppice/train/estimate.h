// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/train/pipeline.h"

namespace coppice {

/// What training one level will take.
struct LevelEstimate {
  uint64_t n_chunks = 0;
  uint64_t n_children = 0;
  uint64_t n_rows = 0;         ///< over all chunks: rows times the chunks they take part in
  uint64_t model_bytes = 0;    ///< of the level's weights
  uint64_t scratch_bytes = 0;  ///< at most, while it is trained: chunks in work, and those that are finished
  double cpu_seconds = 0;
  double wall_seconds = 0;
  double matching_seconds = 0;  ///< wall time of the beam search that brings the level rows; a matcher's own: 0
  uint32_t pilot_chunks = 0;    ///< how many were trained to know this
};

/// What training will take, from now on: reading is done, the index was built to know the chunks.
struct Estimate {
  uint64_t n_rows = 0, n_features = 0, n_labels = 0, n_nonzeros = 0;
  double reading_seconds = 0;  ///< measured by the caller, vectorizing included
  double index_seconds = 0;    ///< measured
  double train_seconds = 0;    ///< wall time of all levels, matching included
  uint64_t peak_bytes = 0;     ///< of the whole process, reading included
  uint64_t model_bytes = 0;
  std::vector<LevelEstimate> levels;
};

/// Trains a few chunks of each level and draws conclusions. A chunk too large to try is tried on two samples of its
/// rows, and their growth is carried on.
///
/// The rows of each level are those that `train_ranker` would choose, teacher-forced and the user's own.
/// Rows that a matcher would bring are not known before the levels above are trained: their number is taken from the
/// beam, and rows of the neighbouring chunks stand in for them.
/// Levels that will be searched for matches are searched by a block of rows, as far as the pilots stand for a level.
/// The search of a matcher of the user's own, and validation afterwards, are in no figure.
/// Cost: the index, the training of up to twelve chunks a level, and one search from the root by a block of rows: a
/// tenth of a long run, half of one of seconds.
Estimate estimate_training(const TrainingSet& set, const TrainOptions& options, const TrainExtras& extras, Job job);

nlohmann::ordered_json to_json(const Estimate& estimate);
std::string to_text(const Estimate& estimate);

}  // namespace coppice
