// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/answer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// The matrix cut to its first `n_columns` columns, or widened to them.
Csr with_columns(const Csr& matrix, uint32_t n_columns) {
  Csr result = matrix;
  result.n_columns = n_columns;
  if (matrix.n_columns <= n_columns) return result;
  CsrBuilder builder(n_columns);
  for (size_t i = 0; i < matrix.n_rows(); ++i) {
    const SparseRow row = matrix.row(i);
    for (size_t j = 0; j < row.size() && row.columns[j] < n_columns; ++j) builder.add(row.columns[j], row.values[j]);
    builder.end_row();
  }
  return builder.build();
}

/// The rows' own features; rows of none where there are no such rows.
Csr own_features(const Examples& rows, uint32_t n_columns) {
  if (rows.features.n_rows() > 0 || rows.size() == 0) return with_columns(rows.features, n_columns);
  CsrBuilder builder(n_columns);
  for (size_t i = 0; i < rows.size(); ++i) builder.end_row();
  return builder.build();
}

void expect_texts(const Examples& rows) {
  if (rows.texts.size() > 0 || rows.size() == 0) return;
  throw Error(ErrorCode::data, "the rows have features but no text, and the model was trained on texts");
}

void expect_dense(const Examples& rows, uint32_t expected) {
  const uint32_t got = rows.dense.n_rows() > 0 ? rows.dense.n_columns : 0;
  if (got == expected || rows.size() == 0) return;
  throw Error(ErrorCode::usage,
              "the rows have " + (got == 0 ? std::string("no") : std::to_string(got)) +
                  " dense features beside their own, the model was trained with " +
                  (expected == 0 ? std::string("none") : std::to_string(expected)),
              {}, "the option dense names the file that holds them, one row for each input row, as in training");
}

}  // namespace

Csr join_features(const Vectorizer* vectorizer, const Examples& rows, uint32_t n_own, ThreadPool& pool) {
  Csr joined;
  if (vectorizer == nullptr) {
    joined = own_features(rows, n_own);
  } else {
    expect_texts(rows);
    joined = vectorizer->transform(rows.texts, pool);
    if (n_own > 0) joined = concatenate_columns(joined, own_features(rows, n_own));
  }
  return rows.dense.n_rows() > 0 ? concatenate_columns(joined, rows.dense) : joined;
}

void expect_fitting(const Examples& rows, const RowNeeds& needs) {
  if (needs.texts) {
    expect_texts(rows);
  } else if (rows.features.n_rows() == 0 && rows.size() > 0 && needs.n_own > 0) {
    throw Error(ErrorCode::data, "the rows have texts but no features, and the model was trained on features");
  }
  expect_dense(rows, needs.n_dense);
}

Csr features_for(const Model& model, const Examples& rows, ThreadPool& pool) {
  const Vectorizer* vectorizer = model.vectorizer();
  const uint32_t n_text = vectorizer == nullptr ? 0 : vectorizer->n_features();
  const uint32_t n_own = model.n_features() - model.n_dense() - n_text;
  expect_fitting(rows, {vectorizer != nullptr, n_own, model.n_dense()});
  return join_features(vectorizer, rows, n_own, pool);
}

std::vector<NamedScore> predict_text(const Model& model, std::string_view text, const PredictOptions& options) {
  Examples row;
  row.texts.add(text);
  ThreadPool inline_pool(1);
  const Csr features = features_for(model, row, inline_pool);
  SearchState state;
  std::vector<NamedScore> answers;
  for (const ScoredLabel& best : predict(model.ranker(), features.row(0), options, state)) {
    answers.push_back({label_text(model, best.label), best.score, best.label});
  }
  return answers;
}

std::string label_text(const LabelNames& names, uint32_t label) {
  return label < names.size() ? names.name(label) : std::to_string(label);
}

std::string label_text(const Model& model, uint32_t label) {
  return label_text(model.label_names(), label);
}

uint32_t find_label(const Model& model, std::string_view name) {
  if (const auto label = model.label_names().find(name)) return *label;
  if (model.label_names().size() == 0) {
    uint32_t label = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), label);
    if (error == std::errc() && end == name.data() + name.size() && label < model.n_labels()) return label;
  }
  throw Error(ErrorCode::usage, "the model has no label '" + std::string(name) + "'");
}

}  // namespace coppice
