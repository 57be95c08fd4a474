// SPDX-License-Identifier: Apache-2.0
// An outside program: includes the front door only, links what the installed package says, and goes the whole way
// from a file of texts to a ranked name.
#include <coppice/coppice.h>

#include <fstream>
#include <iostream>

namespace {

void write_examples(const std::string& path) {
  std::ofstream file(path);
  for (int i = 0; i < 20; ++i) {
    file << R"({"text": "inbox smtp spam folders", "labels": ["mail"]})" << '\n';
    file << R"({"text": "window tiles desktop x11", "labels": ["window-manager"]})" << '\n';
    file << R"({"text": "songs mixer sound player", "labels": ["audio"]})" << '\n';
  }
}

coppice::Model train_on(const std::string& path, coppice::ThreadPool& pool) {
  coppice::Progress progress;
  coppice::TrainingInput input;
  input.path = path;
  const coppice::TrainOptions options;
  const coppice::TrainingSet set = coppice::read_training_set(input, options.vectorizer, {pool, progress});
  return coppice::train(set, options, {}, {pool, progress});
}

bool says_what_is_missing() {
  try {
    coppice::Model::load("/no/such/model.coppice");
  } catch (const coppice::Error& error) {
    return error.code() == coppice::ErrorCode::io && !error.message().empty();
  }
  return false;
}

}  // namespace

int main() {
  coppice::ThreadPool pool(2);
  write_examples("outside.jsonl");
  train_on("outside.jsonl", pool).save("outside.coppice");

  const coppice::Model model = coppice::Model::load("outside.coppice");
  const auto answers = coppice::predict_text(model, "tiles for X11");
  for (const coppice::NamedScore& answer : answers) std::cout << answer.score << ' ' << answer.name << '\n';
  const coppice::Evaluation judged = coppice::evaluate(model, {"outside.jsonl", {}, {}}, {}, pool);
  const bool right =
      !answers.empty() && answers[0].name == "window-manager" && judged.metrics.bins[0].at[0].precision == 100;
  return right && says_what_is_missing() ? 0 : 1;
}
