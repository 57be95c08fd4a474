// SPDX-License-Identifier: Apache-2.0
// coppice_bench_model --model=FILE,FILE --rows=FILE [--stage=speed|cost]: model files as programs use them.
// speed: batches and single queries by each model, in turns, in rounds; by the ranker alone, features made before, and
// from the text. cost, of one model: what of its file is in memory once all rows were asked, one by one, from opening
// on; how long opening takes; how fast the whole file is verified.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/core/memory.h"
#include "coppice/data/reader.h"
#include "coppice/model/model.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

enum class Stage { speed, cost };

struct Arguments {
  Stage stage = Stage::speed;
  std::vector<std::string> model;
  std::string rows;
  uint32_t threads = 2;
  uint32_t rounds = 5;
  uint32_t single_queries = 5000;
  uint32_t opens = 101;
  PredictOptions predict;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("stage", arguments.stage, {{Stage::speed, "speed"}, {Stage::cost, "cost"}}, "What is measured.");
  table.add("model", arguments.model, "Model files that take texts; cost: one.");
  table.add("rows", arguments.rows, "Rows with texts.");
  table.add("threads", arguments.threads, 1, 1024, "Of batches; single queries have one.");
  table.add("rounds", arguments.rounds, 1, 1000, "Each model in turn, so often; one more goes before, to warm up.");
  table.add("single_queries", arguments.single_queries, 1, UINT32_MAX, "How many rows are asked one at a time.");
  table.add("opens", arguments.opens, 1, 1'000'000, "How often a model is opened.");
}

Texts read_texts(const std::string& path) {
  Texts texts;
  const auto reader = open_queries(path, {});
  for (Examples block; reader->next(block);) {
    for (size_t i = 0; i < block.texts.size(); ++i) texts.add(block.texts[i]);
  }
  if (texts.size() == 0) throw Error(ErrorCode::data, "the rows have no texts", path);
  return texts;
}

const Vectorizer& vectorizer_of(const Model& model) {
  if (model.vectorizer() == nullptr) throw Error(ErrorCode::usage, "the model takes no texts");
  return *model.vectorizer();
}

/// Microseconds a query.
ordered_json per_query(const Spent& spent, size_t n_queries) {
  const double scale = 1e6 / static_cast<double>(n_queries);
  return {{"us", spent.wall_seconds * scale}, {"cpu_us", spent.cpu_seconds * scale}};
}

/// One call after the other, microseconds.
template <class Ask>
ordered_json time_single(size_t count, const Ask& ask) {
  std::vector<double> us;
  for (size_t i = 0; i < count; ++i) {
    const auto start = std::chrono::steady_clock::now();
    ask(i);
    us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  return quantiles(std::move(us));
}

/// A model and the features that it makes of the texts.
class Candidate {
 public:
  Candidate(const std::string& path, const Texts& texts, const Arguments& arguments, ThreadPool& pool)
      : arguments_(arguments),
        texts_(texts),
        pool_(pool),
        model_(Model::load(path)),
        features_(vectorizer_of(model_).transform(texts, pool)) {}

  ordered_json measure_round() {
    const size_t n = texts_.size(), n_single = std::min<size_t>(n, arguments_.single_queries);
    const Ranker& ranker = model_.ranker();
    const Vectorizer& vectorizer = *model_.vectorizer();
    ordered_json report;
    const Stopwatch ranking;
    predict_batch(ranker, features_, arguments_.predict, pool_);
    report["batch"] = per_query(ranking.spent(), n);
    const Stopwatch from_text;
    predict_batch(ranker, vectorizer.transform(texts_, pool_), arguments_.predict, pool_);
    report["text_batch"] = per_query(from_text.spent(), n);
    report["single"] =
        time_single(n_single, [&](size_t i) { predict(ranker, features_.row(i), arguments_.predict, search_); });
    report["text_single"] = time_single(n_single, [&](size_t i) {
      predict(ranker, vectorizer.transform(texts_[i], reading_), arguments_.predict, search_);
    });
    return report;
  }

 private:
  const Arguments& arguments_;
  const Texts& texts_;
  ThreadPool& pool_;
  Model model_;
  Csr features_;
  SearchState search_;
  Vectorizer::State reading_;
};

ordered_json measure_speed(const Arguments& arguments) {
  const Texts texts = read_texts(arguments.rows);
  ThreadPool pool(arguments.threads);
  std::vector<std::unique_ptr<Candidate>> candidates;
  ordered_json models = ordered_json::array();
  for (const std::string& path : arguments.model) {
    candidates.push_back(std::make_unique<Candidate>(path, texts, arguments, pool));
    models.push_back({{"bytes", std::filesystem::file_size(path)}, {"rounds", ordered_json::array()}});
  }
  for (uint32_t round = 0; round <= arguments.rounds; ++round) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      ordered_json report = candidates[i]->measure_round();
      if (round > 0) models[i]["rounds"].push_back(std::move(report));
    }
  }
  return {{"rows", texts.size()}, {"threads", arguments.threads}, {"models", std::move(models)}};
}

/// The sum of a field of /proc/self/smaps over the mappings of a file; 0 where the system does not say.
uint64_t mapped_bytes(const std::string& path, const std::string& field) {
  const std::string name = std::filesystem::canonical(path).string();
  std::ifstream lines("/proc/self/smaps");
  uint64_t kilobytes = 0;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    const bool heads_mapping = line.find('-') < line.find(' ');  // "7f12-7f34 r--s ..."; others are "Rss:   4 kB"
    if (heads_mapping) inside = line.ends_with(name);
    if (!heads_mapping && inside && line.substr(0, colon) == field) kilobytes += std::stoull(line.substr(colon + 1));
  }
  return kilobytes * 1024;
}

/// What is in memory and of no file, counted page by page.
uint64_t anonymous_bytes() {
  const std::string field = "Anonymous:";
  std::ifstream lines("/proc/self/smaps_rollup");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(field)) return std::stoull(line.substr(field.size())) * 1024;
  }
  return 0;
}

/// What opening a model and asking it all rows, one by one, leaves in memory: of its file, and of our own.
ordered_json measure_memory(const std::string& path, const Texts& texts, const PredictOptions& options) {
  release_free_memory();
  const uint64_t before = anonymous_bytes();
  const Model model = Model::load(path);
  const Vectorizer& vectorizer = vectorizer_of(model);
  Vectorizer::State reading;
  SearchState search;
  const uint64_t opened = anonymous_bytes(), opened_of_file = mapped_bytes(path, "Rss");
  for (size_t i = 0; i < texts.size(); ++i) {
    predict(model.ranker(), vectorizer.transform(texts[i], reading), options, search);
  }
  return {{"opened_own_bytes", opened - before},
          {"opened_of_file_bytes", opened_of_file},
          {"own_bytes", anonymous_bytes() - before},
          {"of_file_bytes", mapped_bytes(path, "Rss")}};
}

template <class Work>
double median_seconds(uint32_t repeats, const Work& work) {
  std::vector<double> seconds;
  for (uint32_t i = 0; i < repeats; ++i) {
    const Stopwatch watch;
    work();
    seconds.push_back(watch.spent().wall_seconds);
  }
  std::ranges::sort(seconds);
  return seconds[seconds.size() / 2];
}

ordered_json measure_cost(const Arguments& arguments) {
  if (arguments.model.size() != 1) throw Error(ErrorCode::usage, "cost takes one model");
  const std::string& path = arguments.model[0];
  const Texts texts = read_texts(arguments.rows);
  const auto bytes = static_cast<double>(std::filesystem::file_size(path));
  const ordered_json memory = measure_memory(path, texts, arguments.predict);
  const double open = median_seconds(arguments.opens, [&] { Model::load(path); });
  const auto load = [&](Verify verify) { Model::load(path, {verify, LoadMode::map}); };
  load(Verify::checksums);  // from here on the file is in the page cache
  const double verify = median_seconds(arguments.rounds, [&] { load(Verify::checksums); });
  const double audit = median_seconds(arguments.rounds, [&] { load(Verify::everything); });
  return {{"bytes", bytes},
          {"rows", texts.size()},
          {"memory", memory},
          {"open_ms", open * 1e3},
          {"verify_gb_per_second", bytes / verify * 1e-9},
          {"audit_gb_per_second", bytes / audit * 1e-9}};
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable own, predicting;
  describe(own, arguments);
  describe(predicting, arguments.predict);
  Flags flags;
  flags.add("bench_", std::move(own));
  flags.add("predict_", std::move(predicting));
  if (!flags.parse(argc, argv)) return;
  if (arguments.model.empty()) throw Error(ErrorCode::usage, "--model=FILE is missing");
  const ordered_json report = arguments.stage == Stage::speed ? measure_speed(arguments) : measure_cost(arguments);
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
