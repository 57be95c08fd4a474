// SPDX-License-Identifier: Apache-2.0
// coppice_bench_xmr --mats=FOLDER [--stage=all|train|predict|judge] [any option of index, ranker, prediction, metrics]:
// time, memory, size and quality of one model on one set, as one JSON object on standard output.
#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "bench/flags.h"
#include "bench/xmr_stages.h"
#include "coppice/core/error.h"

namespace coppice::bench {
namespace {

template <class Options>
OptionTable table_of(Options& options) {
  OptionTable table;
  describe(table, options);
  return table;
}

void add_flags(Flags& flags, XmrArguments& arguments) {
  flags.add("bench_", table_of(arguments));
  flags.add("embedding_", table_of(arguments.embedding));
  flags.add("index_", table_of(arguments.index));
  flags.add("ranker_", table_of(arguments.ranker));
  flags.add("predict_", table_of(arguments.predict));
  flags.add("metrics_", table_of(arguments.metrics));
}

/// A model file of our own when the caller names none; removed at the end.
class ModelPlace {
 public:
  explicit ModelPlace(XmrArguments& arguments) {
    if (!arguments.model.empty()) return;
    if (arguments.stage == Stage::predict) throw Error(ErrorCode::usage, "--model=FILE is missing");
    const std::string name = fmt::format("coppice_bench_{:x}.coppice", std::random_device()());
    own_ = arguments.model = (std::filesystem::temp_directory_path() / name).string();
  }
  ~ModelPlace() {
    std::error_code ignored;
    if (!own_.empty()) std::filesystem::remove(own_, ignored);
  }
  ModelPlace(const ModelPlace&) = delete;
  ModelPlace& operator=(const ModelPlace&) = delete;

 private:
  std::string own_;
};

void run(int argc, char** argv) {
  XmrArguments arguments;
  Flags flags;
  add_flags(flags, arguments);
  if (!flags.parse(argc, argv)) return;
  nlohmann::ordered_json report{{"given", flags.given()}};
  if (arguments.stage == Stage::judge) {
    report.update(judge_predictions(arguments));
  } else {
    const ModelPlace place(arguments);
    if (arguments.stage != Stage::predict) report["training"] = measure_training(arguments);
    if (arguments.stage != Stage::train) report["prediction"] = measure_prediction(arguments);
  }
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
