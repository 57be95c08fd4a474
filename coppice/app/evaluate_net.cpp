// SPDX-License-Identifier: Apache-2.0
// coppice evaluate-net: how well a network ranks rows whose labels are known.
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/app/terminal_progress.h"
#include "coppice/app/workers.h"
#include "coppice/net/net_evaluation.h"

namespace coppice::app {
namespace {

struct EvaluateNetArguments {
  CommonOptions common;
  MetricOptions metrics;
  NetInput input;
  std::vector<std::string> speakers;
  std::string model_path;
  bool json = false;
};

void describe(OptionTable& table, EvaluateNetArguments& arguments) {
  table.add("json", arguments.json, "Print one JSON object for machines in place of the table.");
  table.add("speakers", arguments.speakers, "Only the recordings of these speakers.");
}

void run(EvaluateNetArguments& arguments) {
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  arguments.input.read.stop = &progress;
  const NetModel model = NetModel::load(arguments.model_path);
  const NetModelParts& parts = model.parts();
  ThreadPool pool(arguments.common.threads);
  LabelIndex labels(parts.label_names, parts.n_labels);
  NetRows rows = read_net_rows(parts.features, arguments.input, labels, {pool, progress});
  if (!arguments.speakers.empty()) rows = only_speakers(rows, arguments.speakers);
  const Metrics metrics = evaluate_network(model, rows.examples, arguments.metrics, {pool, progress});
  progress.finish();
  print_out(arguments.json ? json_text(to_json(metrics)) : to_table(metrics) + "\n" + error_text(metrics));
  print_remarks(rows.report, RowsAre::examples, arguments.common);
}

}  // namespace

void add_evaluate_net(CommandList& commands) {
  Command command(commands, "evaluate-net", "Measure a network on rows whose labels are known.",
                  "  coppice evaluate-net tags.coppice held_out.jsonl\n"
                  "  coppice evaluate-net digits.coppice recordings --speakers theo\n");
  auto arguments = std::make_shared<EvaluateNetArguments>();
  command.app().add_option("model", arguments->model_path, "the model file")->required();
  command.app()
      .add_option("input", arguments->input.path, "rows with labels, of the kind that the network was trained on")
      ->required();
  OptionTable own, metrics, read, common;
  describe(own, *arguments);
  describe(metrics, arguments->metrics);
  describe(read, arguments->input.read);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Evaluation");
  command.flags().add(command.app(), std::move(metrics), "Metrics");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] {
    expect_one_worker("evaluate-net");
    expect_readable(model_and_rows(arguments->model_path, arguments->input.path));
    run(*arguments);
  });
}

}  // namespace coppice::app
