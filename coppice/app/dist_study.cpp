// SPDX-License-Identifier: Apache-2.0
// coppice dist study: what each strategy would cost in errors and gain in time, with the user's own rows and network.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "coppice/app/command.h"
#include "coppice/app/messages.h"
#include "coppice/app/net_inputs.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/app/terminal_progress.h"
#include "coppice/app/unused_options.h"
#include "coppice/core/error.h"
#include "coppice/core/output_file.h"
#include "coppice/core/quantity.h"
#include "coppice/net/net_evaluation.h"
#include "coppice/net/study.h"

namespace coppice::app {
namespace {

struct StudyArguments {
  CommonOptions common;
  NetInputs inputs;
  NetTrainOptions train;
  StudyOptions study;
  std::string svg;
  bool json = false;
};

void describe(OptionTable& table, StudyArguments& arguments) {
  describe(table, arguments.inputs);
  describe(table, arguments.study);
  table.add("svg", arguments.svg, "A drawing of speed-up and errors by the number of workers goes to this file.");
  table.add("json", arguments.json, "Print one JSON object, with every curve, in place of the table.");
}

void check(const StudyArguments& arguments, const Flags& flags) {
  expect_named(input_files(arguments.inputs), flags);
  expect_whole(arguments.inputs);
  if (arguments.svg.empty()) return;
  expect_no_input(arguments.svg, paths_of(input_files(arguments.inputs)));
  expect_writable(arguments.svg);
}

constexpr double kHeldOut = 0.1;

std::string whom_it_holds_out(const NetRows& rows, const NetRows& others) {
  const std::set<std::string> speakers(rows.speakers.begin(), rows.speakers.end());
  const auto is_trained_on = [&](const std::string& speaker) {
    return speaker.empty() ||
           std::find(others.speakers.begin(), others.speakers.end(), speaker) != others.speakers.end();
  };
  std::string of;
  for (const std::string& speaker : speakers) of += (of.empty() ? " of " : ", ") + speaker;
  const bool is_drawn = speakers.empty() || std::any_of(speakers.begin(), speakers.end(), is_trained_on);
  return fmt::format("errors are measured on {}{}, held out; --validate or --hold-out name others",
                     counted(rows.examples.size(), "row"), is_drawn ? " drawn at random" : of);
}

std::vector<Unused> unused(const StudyArguments& arguments) {
  std::vector<Unused> table = unused(arguments.inputs);
  table.push_back({true, {"learning_rate"}, "--learning-rates are tried"});
  table.push_back({true, {"seed"}, "the trainings have the seeds from 1 to --seeds"});
  const std::vector<std::string>& strategies = arguments.study.strategies;
  const bool compresses = std::any_of(strategies.begin(), strategies.end(),
                                      [](const std::string& strategy) { return strategy.starts_with("gtc"); });
  table.push_back({!compresses, {"tau", "density"}, "no compressed gradients are sent"});
  table.push_back({compresses && arguments.study.tau != "auto", {"density"}, "--tau says what is sent"});
  return table;
}

void run(const StudyArguments& arguments, const Flags& flags) {
  note_unused(flags, unused(arguments), arguments.common);
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  ThreadPool pool(arguments.common.threads);
  NetMaterial material = read_net_material(arguments.inputs, {pool, progress});
  if (!material.held_out) {
    material.held_out = hold_share_out(material.set.rows, kHeldOut, 1);
    note(whom_it_holds_out(*material.held_out, material.set.rows), arguments.common);
  }
  report(material, arguments.common);
  const Study study = run_study({material.set, material.held_out->examples, material.module}, arguments.train,
                                arguments.study, {pool, progress});
  progress.finish();
  if (!arguments.svg.empty()) {
    OutputFile file(arguments.svg);
    file.write(to_svg(study));
    file.commit();
  }
  print_out(arguments.json ? json_text(to_json(study)) : to_text(study));
}

}  // namespace

void add_dist_study(CommandList& commands) {
  Command command(
      commands, "dist study", "Compare strategies for many workers by your own rows, network and links.",
      "  coppice dist study --task speech --data recordings --workers 8,32\n"
      "  coppice dist study --data train.jsonl --validate held_out.jsonl --workers 8,32,128 --megabit-per-second "
      "10000 --svg study.svg\n");
  auto arguments = std::make_shared<StudyArguments>();
  OptionTable own, network, training, strategy, common;
  describe(own, *arguments);
  describe(network, arguments->train.network);
  describe(training, arguments->train);
  describe_density(strategy, arguments->train.hybrid.compression);
  describe_blocks(strategy, arguments->train.hybrid);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Study");
  command.flags().add(command.app(), std::move(network), "Layers");
  command.flags().add(command.app(), std::move(training), "Training");
  command.flags().add(command.app(), std::move(strategy), "Workers");
  add_options(command, arguments->inputs);
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    check(*arguments, flags);
    run(*arguments, flags);
  });
}

}  // namespace coppice::app
