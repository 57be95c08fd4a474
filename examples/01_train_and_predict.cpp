// SPDX-License-Identifier: Apache-2.0
// From texts with label names to ranked label names, in memory and through a model file.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "coppice/coppice.h"

int main() {
  using namespace coppice;
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "coppice_example_01";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "train.jsonl")
      << R"({"text": "window manager for X11 with tabs", "labels": ["libx11-6", "libxext6"]}
{"text": "light window manager for X11", "labels": ["libx11-6"]}
{"text": "library to decode png images", "labels": ["libpng16-16", "zlib1g"]}
{"text": "viewer for png and jpeg images", "labels": ["libpng16-16", "libx11-6"]}
{"text": "compress files with gzip", "labels": ["zlib1g"]}
)";

  ThreadPool pool(2);
  Progress quiet;
  TrainingInput input;
  input.path = folder / "train.jsonl";
  const TrainOptions options;
  const TrainingSet examples = read_training_set(input, options.vectorizer, {pool, quiet});
  train(examples, options, {}, {pool, quiet}).save(folder / "packages.coppice");

  const Model model = Model::load(folder / "packages.coppice");
  const std::vector<NamedScore> answers = predict_text(model, "a window manager for X11");
  for (const NamedScore& answer : answers) std::cout << answer.score << ' ' << answer.name << '\n';
  std::filesystem::remove_all(folder);
  return !answers.empty() && answers.front().name == "libx11-6" ? 0 : 1;
}
