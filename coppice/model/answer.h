// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/data/examples.h"
#include "coppice/model/model.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice {

/// A label as a person reads it. `name` lies in the model; for a label without a name it is its number, as text.
struct NamedScore {
  std::string name;
  float score;
  uint32_t label;
};

/// What a model takes of each row.
struct RowNeeds {
  bool texts = false;
  uint32_t n_own = 0;    ///< features that the rows bring themselves
  uint32_t n_dense = 0;  ///< those of a file beside them
};

/// Throws as `features_for` for rows that lack any of it.
void expect_fitting(const Examples& rows, const RowNeeds& needs);

/// The features that the model's ranker takes, for a block of rows: texts through the model's vectorizer, the rows' own
/// features behind them, dense ones at the end; without the texts when the model has no vectorizer.
///
/// Shapes: n x n_features() of the model. Features of the rows beyond those the model knows are left out.
/// Throws `ErrorCode::data` when the model needs texts and the rows have none; `ErrorCode::usage` when they lack the
/// dense features that the model was trained with, have some that it was not, or another number of them.
Csr features_for(const Model& model, const Examples& rows, ThreadPool& pool);

/// The same for training, where no model says what there is: `vectorizer` may be null; of the rows' own features the
/// first `n_own` columns.
Csr join_features(const Vectorizer* vectorizer, const Examples& rows, uint32_t n_own, ThreadPool& pool);

/// The best labels of one text, best first. Throws `ErrorCode::data` if the model takes features, not texts.
/// Cost: allocates; loops over many texts use `predict_batch`.
std::vector<NamedScore> predict_text(const Model& model, std::string_view text, const PredictOptions& options = {});

/// The name of a label, or its number as text where labels have no names.
std::string label_text(const Model& model, uint32_t label);
std::string label_text(const LabelNames& names, uint32_t label);

/// The label of that name, or of that number where labels have no names. Throws `ErrorCode::usage` naming it if the
/// model has no such label.
uint32_t find_label(const Model& model, std::string_view name);

}  // namespace coppice
