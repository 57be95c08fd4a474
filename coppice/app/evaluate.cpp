// SPDX-License-Identifier: Apache-2.0
// coppice evaluate: how well a model ranks rows whose labels are known.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/app/unused_options.h"
#include "coppice/app/workers.h"
#include "coppice/dist/tree_over_ranks_predictions.h"
#include "coppice/train/evaluate.h"
#include "coppice/train/tagger_model.h"

namespace coppice::app {
namespace {

struct EvaluateArguments {
  CommonOptions common;
  PredictOptions predict;
  MetricOptions metrics;
  ReadOptions read;
  BioOptions bio;
  ConnectOptions connect;
  std::string model_path;
  std::string input = "-";
  std::string dense;
  bool json = false;
  bool verify = false;
};

void describe(OptionTable& table, EvaluateArguments& arguments) {
  table.add("json", arguments.json, "Print one JSON object for machines in place of the table.");
  table.add("dense", arguments.dense, "More features, one row per input row: a .npy or .npz file, as in training.");
  table.add("verify", arguments.verify, "Check every checksum of the model first.");
}

std::vector<InputFile> inputs_of(const EvaluateArguments& arguments) {
  return {{"model", arguments.model_path, kModel},
          {"input", arguments.input},
          {"--dense", arguments.dense, kMatrix},
          {"--labels-path", arguments.read.labels_path, kMatrix},
          {"--label-names", arguments.read.label_names}};
}

/// Options that are about labels.
std::vector<std::string> names_of_ranking() {
  EvaluateArguments names;
  OptionTable table;
  describe(table, names.metrics);
  describe(table, names.predict);
  describe(table, names.read);
  std::vector<std::string> all = names_of(table);
  all.emplace_back("dense");
  return all;
}

std::vector<Unused> unused(const EvaluateArguments& arguments) {
  const std::vector<uint32_t>& at = arguments.metrics.at;
  const uint32_t deepest = at.empty() ? 0 : *std::max_element(at.begin(), at.end());
  const bool slots = has_bio_name(arguments.input);
  return {{slots, names_of_ranking(), "texts with tags judge the slot tagger alone"},
          {!slots, {"repair_tags"}, "it is for texts with tags (.bio)"},
          {!arguments.predict.beam_per_level.empty(), {"beam"}, "--beam-per-level says it for every level"},
          {arguments.metrics.propensity != Propensity::own,
           {"propensity_a", "propensity_b"},
           "--propensity own alone takes it"},
          {arguments.predict.top_k < deepest,
           {"top_k"},
           "--at asks for " + std::to_string(deepest) + " labels, so that many come out"}};
}

/// Texts with tags judge the tagger.
void run_slots(const Model& model, const EvaluateArguments& arguments, const Progress& progress, ThreadPool& pool) {
  BioOptions bio = arguments.bio;
  bio.stop = &progress;
  const SlotEvaluation evaluation = evaluate_slots(model, arguments.input, bio, pool);
  print_out(arguments.json ? json_text(to_json(evaluation)) : to_table(evaluation));
  for (const std::string& remark : evaluation.report.remarks()) note(remark, arguments.common);
}

/// `others`: the workers that predict with this one, of which the first one judges; null = none.
void run(const EvaluateArguments& arguments, Transport* others) {
  const Model model =
      Model::load(arguments.model_path, {arguments.verify ? Verify::checksums : Verify::structure, LoadMode::map});
  Progress progress;
  const StopOnSignals stop(progress);
  ThreadPool pool(arguments.common.threads);
  PredictionTurns turns(others, progress);
  if (has_bio_name(arguments.input)) {  // too little work for several
    if (turns.is_first()) run_slots(model, arguments, progress, pool);
    return;
  }
  EvaluationInput input{arguments.input, arguments.read, arguments.dense};
  input.read.stop = &progress;
  if (others != nullptr) input.predict_block = [&](size_t n, const auto& here) { return turns.next(n, here); };
  if (!turns.is_first()) {
    predict_examples(model, input, prediction_for({arguments.predict, arguments.metrics}), pool,
                     [](auto, const auto&) {});
    return;
  }
  const Evaluation evaluation = evaluate(model, input, {arguments.predict, arguments.metrics}, pool);
  print_out(arguments.json ? json_text(to_json(evaluation.metrics)) : to_table(evaluation.metrics));
  print_remarks(evaluation.report, RowsAre::examples, arguments.common);
}

}  // namespace

void add_evaluate(CommandList& commands) {
  Command command(commands, "evaluate", "Measure P@k, R@k, nDCG@k, PSP@k on rows whose labels are known.",
                  "  coppice evaluate packages.coppice held_out.jsonl\n"
                  "  coppice evaluate packages.coppice held_out.jsonl --json --at 1,3,5,10\n"
                  "  coppice evaluate assistant.coppice held_out.bio\n");
  auto arguments = std::make_shared<EvaluateArguments>();
  command.app().add_option("model", arguments->model_path, "the model file")->required();
  command.app().add_option(
      "input", arguments->input,
      "rows with labels, in any format of docs/formats.md; a file called .bio, .iob, .iob2 or .conll holds texts with "
      "tags, and is what the slot tagger is measured on");
  OptionTable own, metrics, search, read, connect, common;
  describe(own, *arguments);
  describe(metrics, arguments->metrics);
  describe(search, arguments->predict);
  describe(read, arguments->read);
  describe(read, arguments->bio);
  describe(connect, arguments->connect);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Evaluation");
  command.flags().add(command.app(), std::move(metrics), "Metrics");
  command.flags().add(command.app(), std::move(search), "Search");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(connect), "Several workers");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    arguments->common.quiet = arguments->common.quiet || !speaks_for_all();
    expect_named(inputs_of(*arguments), flags);
    expect_readable(inputs_of(*arguments));
    note_unused(flags, unused(*arguments), arguments->common);
    predict_with_others(arguments->connect, flags, {arguments->model_path, arguments->input},
                        [&](Transport* others) { run(*arguments, others); });
  });
}

}  // namespace coppice::app
