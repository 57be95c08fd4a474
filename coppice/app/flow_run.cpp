// SPDX-License-Identifier: Apache-2.0
// coppice flow run, resume, fork: workflows on their way.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/flow_inputs.h"
#include "coppice/app/flow_options.h"
#include "coppice/app/flow_progress.h"
#include "coppice/app/flow_telemetry.h"
#include "coppice/app/flow_way_on.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/stop_runner.h"
#include "coppice/core/output_file.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/run/kept_files.h"
#include "coppice/flow/run/run_commands.h"
#include "coppice/flow/run/run_files.h"
#include "coppice/flow/run/runner.h"

namespace coppice::app {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct RunArguments {
  CommonOptions common;
  FlowOptions flow;
  TelemetryOptions telemetry;
  std::string workflow, input = "", output, variant, tenant, id, from, budget;
  std::vector<std::string> endpoints;
  bool json = false, no_cache = false;
};

void describe(OptionTable& table, RunArguments& arguments) {
  table.add(
      "json", arguments.json,
      "Print one JSON object for machines: the run's state, result, cost and steps. The exit code is 0 also where "
      "its files do not pass outputs.checks ('accepted' is false) and where it waits for a person ('state').");
  table.add(
      "no_cache", arguments.no_cache,
      "Ask anew, and keep nothing, where steps say `cache`. So it is with --record, --replay and flow fork, too.");
}

ordered_json to_json(const RunOutcome& outcome) {
  ordered_json made = {{"run", outcome.id},
                       {"state", outcome.state},
                       {"result", outcome.result},
                       {"cost_usd", outcome.cost.dollars()},
                       {"seconds", outcome.seconds},
                       {"input_tokens", outcome.usage.input_tokens},
                       {"output_tokens", outcome.usage.output_tokens}};
  if (outcome.unknown.calls > 0) made["unknown_cost_usd"] = outcome.unknown.cost.dollars();
  if (outcome.error) made["error"] = outcome.error->message();
  for (const StepQuestion& question : outcome.questions) {
    made["questions"].push_back(place_text(question.step, question.item) + ": " + question.text);
  }
  made["files"] = ordered_json::array();
  for (const RunFile& file : outcome.files) made["files"].push_back(file.path);
  if (outcome.checks) made["accepted"] = outcome.checks->passed;
  made["steps"] = ordered_json::array();
  for (const StepOutcome& step : outcome.steps) {
    ordered_json one = {{"step", step.name},       {"state", std::string(name(step.state))},
                        {"seconds", step.seconds}, {"calls", step.calls},
                        {"cached", step.cached},   {"cost_usd", step.cost.dollars()}};
    if (!step.error.empty()) one["error"] = step.error;
    if (!step.remarks.empty()) one["remarks"] = step.remarks;
    made["steps"].push_back(std::move(one));
  }
  return made;
}

/// A run on its way: all that `flow run`, `resume` and `fork` share.
struct ActiveRun {
  explicit ActiveRun(const RunArguments& arguments)
      : reporter(arguments.telemetry, arguments.common),
        progress(arguments.common),
        runner(runner_options(arguments.flow), progress),
        stop(runner) {
    progress.on_run([this, &arguments](const std::string& run) {
      id = run;
      if (arguments.flow.journal == "memory:") return;
      stop.set_way_on(resume_command(run, journal_flag(arguments.flow.journal)) + " goes on", arguments.common);
    });
  }

  RunReporter reporter;
  FlowProgress progress;
  Runner runner;
  StopRunner stop;
  std::string id;  ///< "" = not in the journal yet
};

/// So many questions are told; `flow show` has them all.
constexpr size_t kMostQuestions = 10;

void tell_questions(const RunOutcome& outcome, const RunArguments& arguments) {
  const std::string journal = journal_flag(arguments.flow.journal);
  const size_t n_told = std::min(outcome.questions.size(), kMostQuestions);
  for (size_t i = 0; i < n_told; ++i) {
    const StepQuestion& asked = outcome.questions[i];
    say(fmt::format("waits for a person: {}: {}\n{}", place_text(asked.step, asked.item), asked.text,
                    approve_command(outcome.id, journal, asked.step, asked.item)),
        arguments.common);
  }
  if (n_told < outcome.questions.size()) {
    say(fmt::format("and {} more: coppice flow show {}{}", outcome.questions.size() - n_told, outcome.id, journal),
        arguments.common);
  }
  if (n_told > 0) say("then " + resume_command(outcome.id, journal), arguments.common);
}

/// What a user can do about a run that failed or waits. Of one that was stopped the error says it.
void tell_next(const RunOutcome& outcome, const RunArguments& arguments) {
  tell_questions(outcome, arguments);
  if (outcome.state != "failed" || arguments.flow.journal == "memory:") return;
  const std::string journal = journal_flag(arguments.flow.journal);
  say(fmt::format("{} goes on from here; coppice flow fork {}{} --workflow FILE with a changed workflow",
                  resume_command(outcome.id, journal), outcome.id, journal),
      arguments.common);
}

/// The program ends with the error of one step; those of the others, and of optional ones, are told before.
void tell_failures(const RunOutcome& outcome, const CommonOptions& common) {
  for (const StepOutcome& step : outcome.steps) {
    const bool is_told = outcome.error && outcome.error->where().starts_with("step " + step.name);
    if (!step.error.empty() && !is_told) say(fmt::format("step {} failed: {}", step.name, step.error), common);
  }
}

/// What no output may replace.
std::vector<std::string> kept_files(const std::string& run, ActiveRun& active, const RunArguments& arguments) {
  std::vector<std::string> kept = files_read(active.runner.journal().events(run));
  for (std::string& file : journal_files(arguments.flow.journal)) kept.push_back(std::move(file));
  for (const std::string& file : {arguments.flow.record, arguments.flow.replay}) {
    if (!file.empty()) kept.push_back(file);
  }
  return kept;
}

void tell_outcome(const RunOutcome& outcome, ActiveRun& active, const RunArguments& arguments) {
  if (!arguments.output.empty() && outcome.state == "finished") {
    expect_none_replaced(arguments.output, outcome.files, kept_files(outcome.id, active, arguments));
    write_run_files(arguments.output, outcome.files);
    say(fmt::format("{} in {}", counted(outcome.files.size(), "file"), arguments.output), arguments.common);
  }
  if (arguments.json) {
    print_out(json_text(to_json(outcome)));
  } else if (!outcome.result.is_null()) {
    print_out(outcome.result.is_string() ? outcome.result.get<std::string>() + "\n" : json_text(outcome.result));
  }
  tell_failures(outcome, arguments.common);
  say(fmt::format("run {}: {} {}, {}{}", outcome.id, outcome.state,
                  outcome.was_finished ? "before" : "in " + seconds_text(outcome.seconds),
                  cost_text(outcome.cost, outcome.unknown),
                  outcome.cached() == 0 ? "" : fmt::format(", {} from the cache", counted(outcome.cached(), "output"))),
      arguments.common);
  if (outcome.checks && !outcome.checks->passed) {
    say("the files do not pass their checks:\n" + faults_text(*outcome.checks, 10), arguments.common);
  }
  tell_next(outcome, arguments);
  if (!outcome.was_finished) active.reporter.tell(active.runner.journal(), outcome.id);
}

/// Does the work, and tells what came of it. A fault of the journal, the disk or the output, which ends a run early,
/// says how it goes on.
void drive(ActiveRun& active, const RunArguments& arguments, const std::function<RunOutcome()>& work) {
  RunOutcome outcome;
  try {
    outcome = work();
    active.id = outcome.id;
    tell_outcome(outcome, active, arguments);
  } catch (const Error& error) {
    if (active.id.empty()) throw;
    const bool has_all_outputs = outcome.state == "finished";
    const bool is_refused =
        has_all_outputs && error.code() == ErrorCode::data;  // not there: an output may replace none
    const std::string output = is_refused ? "ELSEWHERE" : arguments.output;
    throw with_way_on(error, way_on({active.id, arguments.flow.journal, output, has_all_outputs}));
  }
  if (outcome.error) throw Error(*outcome.error);
}

RunSettings settings_of(const RunArguments& arguments, const StepKinds& kinds, const std::string& folder) {
  RunSettings settings;
  settings.id = arguments.id;
  settings.tenant = arguments.tenant;
  settings.folder = folder;
  settings.journal_flag = journal_flag(arguments.flow.journal);
  settings.may_be_resumed = arguments.flow.journal != "memory:";
  // A cassette is to hold all traffic that the run needs.
  settings.uses_cache = !arguments.no_cache && arguments.flow.record.empty() && arguments.flow.replay.empty();
  settings.allowed = allowed_kinds(arguments.flow, kinds);
  return settings;
}

std::set<std::string> files_of(const RunArguments& arguments, const Workflow* workflow) {
  std::set<std::string> reads = workflow == nullptr ? std::set<std::string>() : workflow->read_paths;
  const bool is_file = !arguments.input.empty() && arguments.input != "-";
  if (is_file) reads.insert(std::filesystem::absolute(arguments.input).string());
  return reads;
}

std::string folder_of(const std::string& workflow) {
  return std::filesystem::absolute(workflow).parent_path().string();
}

/// What the command line changes of a workflow that a run was begun with.
RunChanges changes_of(const RunArguments& arguments) {
  RunChanges changes;
  for (const std::string& entry : arguments.endpoints) changes.endpoints.insert(endpoint_and_url(entry));
  if (!arguments.budget.empty()) changes.budget = parse_money(arguments.budget);
  return changes;
}

Workflow read_changed(const RunArguments& arguments, const StepKinds& kinds) {
  Workflow workflow = read_workflow(arguments.workflow, arguments.variant, kinds);
  redirect(workflow, arguments.endpoints);
  if (!arguments.budget.empty()) set_run_budget(workflow, parse_money(arguments.budget));
  return workflow;
}

/// Before anything is paid for.
void expect_output(const RunArguments& arguments) {
  if (!arguments.output.empty()) expect_writable_folder(arguments.output);
}

void run(const RunArguments& arguments) {
  const StepKinds kinds = make_kinds();
  const Workflow workflow = read_changed(arguments, kinds);
  RunSettings settings = settings_of(arguments, kinds, folder_of(arguments.workflow));
  settings.reads = files_of(arguments, &workflow);
  const json inputs = read_flow_input(arguments.input);
  expect_output(arguments);
  ActiveRun active(arguments);
  drive(active, arguments, [&] { return active.runner.run({&workflow, inputs, settings}); });
}

void resume(const RunArguments& arguments) {
  const StepKinds kinds = make_kinds();
  RunSettings settings = settings_of(arguments, kinds, std::filesystem::current_path().string());
  settings.changes = changes_of(arguments);
  expect_output(arguments);
  ActiveRun active(arguments);
  drive(active, arguments, [&] { return active.runner.resume(kinds, settings); });
}

void fork(const RunArguments& arguments) {
  const StepKinds kinds = make_kinds();
  const bool is_changed = !arguments.workflow.empty();
  if (arguments.from.empty() && !is_changed && arguments.input.empty()) {
    throw Error(ErrorCode::usage, "got nothing that would be done again", {},
                "--from names the first step that is; or --workflow or --input something else");
  }
  std::optional<Workflow> changed;
  if (is_changed) changed = read_changed(arguments, kinds);
  RunArguments own = arguments;
  own.id.clear();
  RunSettings settings =
      settings_of(own, kinds, is_changed ? folder_of(arguments.workflow) : std::filesystem::current_path().string());
  if (!is_changed) settings.changes = changes_of(arguments);
  settings.reads = files_of(arguments, is_changed ? &*changed : nullptr);
  const json inputs = arguments.input.empty() ? json() : read_flow_input(arguments.input);
  expect_output(arguments);
  ActiveRun active(arguments);
  drive(active, arguments, [&] {
    return active.runner.fork(kinds, arguments.id, arguments.from,
                              {is_changed ? &*changed : nullptr, inputs, settings});
  });
}

void add_flags(Command& command, RunArguments& arguments) {
  OptionTable own, flow, telemetry, common;
  describe(own, arguments);
  describe(flow, arguments.flow);
  describe(telemetry, arguments.telemetry);
  describe(common, arguments.common);
  command.flags().add(command.app(), std::move(own), "Run");
  command.flags().add(command.app(), std::move(flow), "Journal");
  command.flags().add(command.app(), std::move(telemetry), "Observability");
  command.flags().add(command.app(), std::move(common), "Common");
}

void add_changes(Command& command, RunArguments& arguments) {
  command.app().add_option("--endpoint", arguments.endpoints, "NAME=URL: another server for one of the endpoints");
  command.app().add_option("--budget", arguments.budget,
                           "dollars for the run, in place of the workflow's budget for it");
}

void add_run(CommandList& commands) {
  Command command(commands, "flow run", "Run a workflow.",
                  "  coppice flow run site.yaml --input visitor.json -o out/\n"
                  "  coppice flow run site.yaml --input visitor.json --endpoint local=http://127.0.0.1:8080/v1\n");
  auto arguments = std::make_shared<RunArguments>();
  command.app().add_option("workflow", arguments->workflow, "the workflow file (YAML or JSON)")->required();
  command.app().add_option("-i,--input", arguments->input,
                           "its input: a JSON file, - for standard input; {} unless given");
  command.app().add_option("-o,--output", arguments->output, "the folder that its files go to");
  command.app().add_option("--variant", arguments->variant, "one of the workflow's variants");
  command.app().add_option("--tenant", arguments->tenant, "on whose behalf: whose budget counts");
  command.app().add_option("--id", arguments->id, "a name for the run; one is made unless given");
  add_changes(command, *arguments);
  add_flags(command, *arguments);
  command.action([arguments] { run(*arguments); });
}

void add_resume(CommandList& commands) {
  Command command(commands, "flow resume",
                  "Go on with a run that was interrupted, failed or waited; write the files of one that finished.",
                  "  coppice flow resume 20261123-150405-k3f9x2 -o out/\n"
                  "  coppice flow resume 20261123-150405-k3f9x2 --budget 2.00\n");
  auto arguments = std::make_shared<RunArguments>();
  command.app().add_option("run", arguments->id, "its id")->required();
  command.app().add_option("-o,--output", arguments->output, "the folder that its files go to");
  add_changes(command, *arguments);
  add_flags(command, *arguments);
  command.action([arguments] { resume(*arguments); });
}

void add_fork(CommandList& commands) {
  Command command(commands, "flow fork", "Begin another run from one of a run's steps; what came before is kept.",
                  "  coppice flow fork 20261123-150405-k3f9x2 --from developer -o out/\n"
                  "  coppice flow fork 20261123-150405-k3f9x2 --from developer --workflow site.yaml\n");
  auto arguments = std::make_shared<RunArguments>();
  command.app().add_option("run", arguments->id, "the id of the run to fork")->required();
  command.app().add_option("--from", arguments->from,
                           "the first step that is done again; those that get something else are in any case");
  command.app().add_option("--workflow", arguments->workflow, "a changed workflow; that of the run unless given");
  command.app().add_option("--variant", arguments->variant, "of the changed workflow");
  command.app().add_option("-i,--input", arguments->input, "another input; that of the run unless given");
  command.app().add_option("-o,--output", arguments->output, "the folder that its files go to");
  add_changes(command, *arguments);
  add_flags(command, *arguments);
  command.action([arguments] { fork(*arguments); });
}

}  // namespace

void add_flow_runs(CommandList& commands) {
  add_run(commands);
  add_resume(commands);
  add_fork(commands);
}

}  // namespace coppice::app
