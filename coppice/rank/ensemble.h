// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice {

/// How the predictions of several models become one.
enum class EnsembleMethod { average, rank_average };

struct EnsembleOptions {
  EnsembleMethod method = EnsembleMethod::average;
  std::vector<float> weights;  ///< empty = all alike; else one per model
  /// Labels with a lower combined score do not come out. The models themselves are to be asked without a threshold: a
  /// label that one of them left out would count with that model's lowest score. Not an option by name.
  float threshold = PredictOptions::kNoThreshold;
};

/// Throws `ErrorCode::usage` for values out of range when they are set.
void describe(OptionTable& table, EnsembleOptions& options);

/// Gives labels other numbers: label i becomes `numbers[i]`, unless `numbers` is empty. What makes models with the same
/// labels in different orders fit each other.
void renumber_labels(Predictions& predictions, std::span<const uint32_t> numbers);

/// The best labels of each row by the weighted mean over the models of
/// average: the score; a label that a model did not return counts with that model's lowest score of the row, or 0 if
/// that is lower;
/// rank_average: (k - r) / k for the label of rank r = 0.. among k; 0 where a model did not return it.
///
/// Shapes: all of `models` have as many rows; the result keeps the largest top_k, of scores from `threshold` on. Ties
/// by label. Throws `ErrorCode::usage` when rows or weights do not fit.
Predictions combine_predictions(std::span<const Predictions> models, const EnsembleOptions& options);

}  // namespace coppice
