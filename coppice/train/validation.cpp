// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/validation.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/data/input_stream.h"
#include "coppice/data/reader.h"
#include "coppice/model/answer.h"
#include "coppice/train/dense_features.h"
#include "coppice/train/evaluate.h"

namespace coppice {
namespace {

double to_four_places(double value) {
  return std::round(value * 1e4) / 1e4;
}

std::string metrics_text(const Metrics& metrics) {
  nlohmann::ordered_json object{{"rows", metrics.rows}};
  const MetricsOfBin& all = metrics.bins.front();
  const auto add = [&](const char* name, auto figure) {
    for (const MetricsAtK& at : all.at)
      object[std::string(name) + "@" + std::to_string(at.k)] = to_four_places(at.*figure);
  };
  add("P", &MetricsAtK::precision);
  add("R", &MetricsAtK::recall);
  add("nDCG", &MetricsAtK::ndcg);
  add("PSP", &MetricsAtK::psp);
  return object.dump();
}

ReadOptions with_labels_of(const ValidationInput& input, ReadOptions read) {
  read.labels_path = input.labels_path;
  return read;
}

/// Throws for rows that a model with these needs could not be asked.
void expect_like_training(const Examples& rows, const RowNeeds& needs, const std::string& path) {
  try {
    expect_fitting(rows, needs);
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), path,
                "rows to validate on are like those of training: texts or features, and as many dense features");
  }
}

/// What a model of this set will take of a row.
RowNeeds needs_of(const TrainingSet& set) {
  const uint32_t n_text = set.vectorizer ? set.vectorizer->n_features() : 0;
  return {set.vectorizer.has_value(), set.features.n_columns - set.n_dense - n_text, set.n_dense};
}

}  // namespace

void describe(OptionTable& table, ValidationInput& input) {
  table.add(
      "validate", input.path,
      "Held-out rows with labels, in a format of docs/formats.md: once trained, the model is measured on them, and "
      "the figures (P, R, nDCG and PSP at 1, 3, 5) are kept in it for inspect to show.");
  table.add("validate_labels", input.labels_path, "For npz and npy: the label matrix of the rows to validate on.");
  table.add("validate_dense", input.dense_path, "The dense features of the rows to validate on, where dense is given.");
}

void expect_readable(const ValidationInput& input) {
  if (input.path.empty()) return;
  for (const std::string& path : {input.path, input.labels_path, input.dense_path}) {
    if (path.empty()) continue;
    if (is_stream(path)) {
      throw Error(ErrorCode::usage, "what to validate on is read more than once, expected a file", path,
                  "standard input and pipes can be read once only");
    }
    recognise(path);
  }
}

void expect_usable(const ValidationInput& input, const ReadOptions& read, const TrainingSet& set) {
  if (input.path.empty()) return;
  const RowNeeds needs = needs_of(set);
  LabelIndex labels(set.label_names, set.labels.n_columns);
  const auto reader = open_examples(input.path, with_labels_of(input, read), labels);
  DenseFeatures dense(input.dense_path);
  for (Examples block; reader->next(block);) {
    if (read.stop != nullptr) read.stop->throw_if_stopped();
    dense.join(block);
    expect_like_training(block, needs, input.path);
  }
  dense.expect_end();
  require_labels(reader->report());
}

Model with_validation(const Model& model, const ValidationInput& input, const ReadOptions& read, ThreadPool& pool) {
  const EvaluationInput rows{input.path, with_labels_of(input, read), input.dense_path};
  const Evaluation evaluation = evaluate(model, rows, {}, pool);
  ModelParts parts = model.parts();
  parts.metrics_json = metrics_text(evaluation.metrics);
  return Model(std::move(parts));
}

}  // namespace coppice
