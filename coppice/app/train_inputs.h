// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coppice/app/input_files.h"
#include "coppice/core/progress.h"
#include "coppice/data/label_domains.h"
#include "coppice/index/label_tree.h"
#include "coppice/index/word_vectors.h"
#include "coppice/train/pipeline.h"

namespace coppice::app {

/// What `coppice train` takes by path beside its examples; "" or empty = not given.
struct TrainInputs {
  std::string label_features;
  std::string label_vectors;
  WordVectorOptions word_vectors;
  std::vector<std::string> tree;
  std::string negatives;
  std::string domains;
};

void describe(OptionTable& table, TrainInputs& inputs);

/// Those of these files that are given.
std::vector<InputFile> input_files(const TrainInputs& inputs);

/// Throws `ErrorCode::usage` for a file that training with these options would not look at, for one that they need and
/// that is not given, and for widths of a tree that no tree can have.
void expect_used(const TrainInputs& inputs, const TrainOptions& options);

/// Do any of the negatives come from a search?
bool uses_matcher(const RankerOptions& options);

/// What was read from these paths; absent where nothing was given.
struct TrainMaterial {
  std::optional<Csr> label_features;
  std::optional<LabelTree> tree;
  std::optional<Csr> negatives;
  std::optional<LabelDomains> domains;
  std::vector<std::string> remarks;  ///< what a user should know, such as how many labels have a word vector

  /// Borrows what is here.
  TrainExtras extras() const;
};

/// Reads them. Throws as the readers do; `ErrorCode::cancelled` when `progress` says so while a pipe is waited for.
TrainMaterial read_train_material(const TrainInputs& inputs, const TrainingSet& set, const Progress& progress);

}  // namespace coppice::app
