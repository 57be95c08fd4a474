// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/core/options.h"
#include "coppice/core/parallel.h"
#include "coppice/data/read_options.h"
#include "coppice/model/model.h"
#include "coppice/train/training_set.h"

namespace coppice {

/// Held-out rows that a model is judged by once it is trained, so that the figures stand in the model.
struct ValidationInput {
  std::string path;         ///< rows with labels, in any format of docs/formats.md; "" = no validation
  std::string labels_path;  ///< npz and npy: their label matrix
  std::string dense_path;   ///< their dense features
};

void describe(OptionTable& table, ValidationInput& input);

/// To be called before anything is read, so that a wrong path is not known hours later. Throws as `recognise` does, and
/// `ErrorCode::usage` for standard input and pipes: the rows are read more than once.
void expect_readable(const ValidationInput& input);

/// To be called before training, for the same reason: reads the rows as `with_validation` will for a model of this set,
/// and throws as that would for rows that are bad, that do not fit the model, or that have no label.
/// Cost: one pass over the rows; texts are not vectorized.
void expect_usable(const ValidationInput& input, const ReadOptions& read, const TrainingSet& set);

/// The same model, with what its validation measured as its metrics: a JSON object of the number of rows and of P@k,
/// R@k, nDCG@k and PSP@k for k = 1, 3, 5 in percent, to four places.
///
/// Rows are read by the options of the training examples. Throws as `evaluate` does.
/// Threads: the same figures for any number of them.
Model with_validation(const Model& model, const ValidationInput& input, const ReadOptions& read, ThreadPool& pool);

}  // namespace coppice
