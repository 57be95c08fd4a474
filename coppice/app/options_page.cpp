// SPDX-License-Identifier: Apache-2.0
// coppice options: every option of every stage, from the tables that also make the flags.
#include <fmt/core.h>

#include <memory>
#include <utility>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/output.h"
#include "coppice/data/read_options.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/rank/ensemble.h"
#include "coppice/rank/metrics.h"
#include "coppice/train/pipeline.h"

namespace coppice::app {
namespace {

/// All option structs there are, in travel order, with their defaults.
struct Everything {
  ReadOptions read;
  TrainingInput input;
  TrainOptions train;
  PredictOptions predict;
  EnsembleOptions ensemble;
  MetricOptions metrics;
  CommonOptions common;

  std::vector<std::pair<std::string, OptionTable>> tables() {
    std::vector<std::pair<std::string, OptionTable>> all(7);
    all[0].first = "Reading (train, evaluate, predict)";
    describe(all[0].second, read);
    all[1].first = "Training examples (train)";
    describe(all[1].second, input);
    all[2].first = "Training: text, index, ranker (train)";
    describe(all[2].second, train);
    all[3].first = "Search (evaluate, predict, explain)";
    describe(all[3].second, predict);
    all[4].first = "Ensembles (predict)";
    describe(all[4].second, ensemble);
    all[5].first = "Metrics (evaluate)";
    describe(all[5].second, metrics);
    all[6].first = "Every command";
    describe(all[6].second, common);
    return all;
  }
};

std::string markdown() {
  std::string page =
      "# Parameters\n\n"
      "Made by `coppice options`; do not edit. An option `max_leaf` is the flag `--max-leaf`, the variable\n"
      "`COPPICE_MAX_LEAF` and the key `max_leaf` of a `--config` file. A flag wins over the variable, the variable "
      "over\n"
      "the file, the file over the default. A switch `x` is turned on by `--x` and off by `--no-x`.\n";
  Everything everything;
  for (const auto& [heading, table] : everything.tables()) {
    page += fmt::format("\n## {}\n", heading);
    for (const Option& option : table.options()) {
      const std::string fallback = option.default_text.empty() ? "none" : option.default_text;
      page += fmt::format("\n**`{}`** ({}; default {})\n{}\n", option.name, option.type, fallback, option.help);
    }
  }
  return page;
}

}  // namespace

void add_options(CLI::App& program) {
  Command command(program, "options", "Print every option with its effect, as Markdown (docs/parameters.md).",
                  "  coppice options > docs/parameters.md\n");
  command.action([] { print_out(markdown()); });
}

}  // namespace coppice::app
