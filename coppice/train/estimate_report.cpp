// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "coppice/core/quantity.h"
#include "coppice/train/estimate.h"

namespace coppice {
namespace {

double megabytes(uint64_t bytes) {
  return static_cast<double>(bytes) * 1e-6;
}

}  // namespace

nlohmann::ordered_json to_json(const Estimate& estimate) {
  nlohmann::ordered_json levels = nlohmann::ordered_json::array();
  for (const LevelEstimate& level : estimate.levels) {
    levels.push_back({{"chunks", level.n_chunks},
                      {"children", level.n_children},
                      {"rows", level.n_rows},
                      {"model_bytes", level.model_bytes},
                      {"scratch_bytes", level.scratch_bytes},
                      {"cpu_seconds", level.cpu_seconds},
                      {"wall_seconds", level.wall_seconds},
                      {"matching_seconds", level.matching_seconds},
                      {"pilot_chunks", level.pilot_chunks}});
  }
  return {{"rows", estimate.n_rows},
          {"features", estimate.n_features},
          {"labels", estimate.n_labels},
          {"nonzeros", estimate.n_nonzeros},
          {"reading_seconds", estimate.reading_seconds},
          {"index_seconds", estimate.index_seconds},
          {"train_seconds", estimate.train_seconds},
          {"peak_bytes", estimate.peak_bytes},
          {"model_bytes", estimate.model_bytes},
          {"levels", std::move(levels)}};
}

std::string to_text(const Estimate& estimate) {
  std::string text = fmt::format(
      "plan for {}, {}, {}, {}\n\n"
      "level  chunks  children  rows seen  model MB  scratch MB  CPU s  wall s  matching s\n",
      counted(estimate.n_rows, "row"), counted(estimate.n_features, "feature"), counted(estimate.n_labels, "label"),
      counted(estimate.n_nonzeros, "nonzero"));
  for (size_t i = 0; i < estimate.levels.size(); ++i) {
    const LevelEstimate& level = estimate.levels[i];
    text += fmt::format("{:5}  {:6}  {:8}  {:9}  {:8.1f}  {:10.1f}  {:5.1f}  {:6.1f}  {:10.1f}\n", i + 1,
                        level.n_chunks, level.n_children, level.n_rows, megabytes(level.model_bytes),
                        megabytes(level.scratch_bytes), level.cpu_seconds, level.wall_seconds, level.matching_seconds);
  }
  text += fmt::format(
      "\nreading      {:.1f} s (measured)\nindex        {:.1f} s (measured)\n"
      "training     {:.1f} s (from pilot chunks; validation is not included)\npeak memory  {:.0f} MB\n"
      "model file   {:.1f} MB\n",
      estimate.reading_seconds, estimate.index_seconds, estimate.train_seconds, megabytes(estimate.peak_bytes),
      megabytes(estimate.model_bytes));
  return text;
}

}  // namespace coppice
