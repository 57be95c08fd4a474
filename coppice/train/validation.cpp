// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/validation.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/data/reader.h"
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
  if (input.path == "-") throw Error(ErrorCode::usage, "rows to validate on come from a file, not from standard input");
  for (const std::string& path : {input.path, input.labels_path, input.dense_path}) {
    if (!path.empty()) recognise(path);
  }
}

Model with_validation(const Model& model, const ValidationInput& input, const ReadOptions& read, ThreadPool& pool) {
  EvaluationInput rows{input.path, read, input.dense_path};
  rows.read.labels_path = input.labels_path;
  const Evaluation evaluation = evaluate(model, rows, {}, pool);
  ModelParts parts = model.parts();
  parts.metrics_json = metrics_text(evaluation.metrics);
  return Model(std::move(parts));
}

}  // namespace coppice
