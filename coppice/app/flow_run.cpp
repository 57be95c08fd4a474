// SPDX-License-Identifier: Apache-2.0
// coppice flow run, resume, approve: workflows on their way.
#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/flow_inputs.h"
#include "coppice/app/flow_options.h"
#include "coppice/app/flow_progress.h"
#include "coppice/app/flow_telemetry.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/stop_runner.h"
#include "coppice/core/output_file.h"
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
  std::string workflow, input = "", output, variant, tenant, id, from;
  std::vector<std::string> endpoints;
  bool json = false, no_cache = false;
};

void describe(OptionTable& table, RunArguments& arguments) {
  table.add("json", arguments.json, "Print one JSON object for machines: the run's state, result, cost and steps.");
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
  if (outcome.error) made["error"] = outcome.error->message();
  if (!outcome.questions.empty()) made["questions"] = outcome.questions;
  made["files"] = ordered_json::array();
  for (const RunFile& file : outcome.files) made["files"].push_back(file.path);
  if (outcome.checks) made["accepted"] = outcome.checks->passed;
  made["steps"] = ordered_json::array();
  for (const StepOutcome& step : outcome.steps) {
    ordered_json one = {{"step", step.name},       {"state", std::string(name(step.state))},
                        {"seconds", step.seconds}, {"calls", step.calls},
                        {"cached", step.cached},   {"cost_usd", step.cost.dollars()}};
    if (!step.error.empty()) one["error"] = step.error;
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
        stop(runner) {}

  RunReporter reporter;
  FlowProgress progress;
  Runner runner;
  StopRunner stop;
};

void tell_outcome(const RunOutcome& outcome, ActiveRun& active, const RunArguments& arguments) {
  if (!arguments.output.empty() && outcome.state == "finished") {
    write_run_files(arguments.output, outcome.files);
    say(fmt::format("{} files in {}", outcome.files.size(), arguments.output), arguments.common);
  }
  if (arguments.json) {
    print_out(json_text(to_json(outcome)));
  } else if (!outcome.result.is_null()) {
    print_out(outcome.result.is_string() ? outcome.result.get<std::string>() + "\n" : json_text(outcome.result));
  }
  say(fmt::format("run {}: {} in {}, {}{}", outcome.id, outcome.state, seconds_text(outcome.seconds),
                  money_text(outcome.cost),
                  outcome.cached() == 0 ? "" : fmt::format(", {} outputs from the cache", outcome.cached())),
      arguments.common);
  if (outcome.checks && !outcome.checks->passed) {
    say("the files do not pass their checks:\n" + faults_text(*outcome.checks, 10), arguments.common);
  }
  for (const std::string& question : outcome.questions) {
    say(fmt::format("waits for a person: {} (coppice flow approve {} --step NAME)", question, outcome.id),
        arguments.common);
  }
  active.reporter.tell(active.runner.journal(), outcome.id);
  if (!outcome.error) return;
  say(fmt::format("coppice flow resume {} goes on from here", outcome.id), arguments.common);
  throw Error(*outcome.error);
}

RunSettings settings_of(const RunArguments& arguments, const std::string& folder) {
  RunSettings settings;
  settings.id = arguments.id;
  settings.tenant = arguments.tenant;
  settings.folder = folder;
  // A cassette is to hold all traffic that the run needs.
  settings.uses_cache = !arguments.no_cache && arguments.flow.record.empty() && arguments.flow.replay.empty();
  settings.allowed = {arguments.flow.allow.begin(), arguments.flow.allow.end()};
  return settings;
}

void run(const RunArguments& arguments) {
  const StepKinds kinds = make_kinds();
  Workflow workflow = read_workflow(arguments.workflow, arguments.variant, kinds);
  redirect(workflow, arguments.endpoints);
  ActiveRun active(arguments);
  const std::string folder = std::filesystem::absolute(arguments.workflow).parent_path().string();
  tell_outcome(active.runner.run({&workflow, read_flow_input(arguments.input), settings_of(arguments, folder)}), active,
               arguments);
}

void resume(const RunArguments& arguments) {
  const StepKinds kinds = make_kinds();
  ActiveRun active(arguments);
  const std::string folder = std::filesystem::current_path().string();
  tell_outcome(active.runner.resume(kinds, settings_of(arguments, folder)), active, arguments);
}

void fork(const RunArguments& arguments) {
  const StepKinds kinds = make_kinds();
  std::optional<Workflow> changed;
  if (!arguments.workflow.empty()) {
    changed = read_workflow(arguments.workflow, arguments.variant, kinds);
    redirect(*changed, arguments.endpoints);
  }
  ActiveRun active(arguments);
  if (const auto parent = active.runner.journal().find(arguments.id);
      parent && !changed && !arguments.endpoints.empty()) {
    changed = read_workflow_text(parent->workflow_text, kinds);
    changed->variant = parent->variant;
    redirect(*changed, arguments.endpoints);
  }
  RunArguments own = arguments;
  own.id.clear();
  const std::string folder = arguments.workflow.empty()
                                 ? std::filesystem::current_path().string()
                                 : std::filesystem::absolute(arguments.workflow).parent_path().string();
  const nlohmann::json inputs = arguments.input.empty() ? nlohmann::json() : read_flow_input(arguments.input);
  tell_outcome(active.runner.fork(kinds, arguments.id, arguments.from,
                                  {changed ? &*changed : nullptr, inputs, settings_of(own, folder)}),
               active, arguments);
}

struct ApproveArguments {
  FlowOptions flow;
  std::string run, step, by, said;
  bool deny = false;
  CommonOptions common;
};

void describe(OptionTable& table, ApproveArguments& arguments) {
  table.add("step", arguments.step, "The step that waits.");
  table.add("by", arguments.by, "Who says so; the user's name unless given.");
  table.add("say", arguments.said, "A word to go with it, which the workflow sees.");
  table.add("deny", arguments.deny, "No: the step fails.");
}

void approve(const ApproveArguments& arguments) {
  const std::unique_ptr<JournalStore> journal = open_journal(arguments.flow.journal, Durability::power);
  const auto record = journal->find(arguments.run);
  if (!record) throw Error(ErrorCode::usage, fmt::format("the journal has no run '{}'", arguments.run));
  if (arguments.step.empty()) throw Error(ErrorCode::usage, "--step is missing: the step that waits");
  const StepKinds kinds = make_kinds();
  if (read_workflow_text(record->workflow_text, kinds).find(arguments.step) == nullptr) {
    throw Error(ErrorCode::usage,
                fmt::format("the workflow of run {} has no step '{}'", arguments.run, arguments.step));
  }
  const char* user = getenv("USER");
  JournalOperation operation;
  operation.event.kind = EventKind::approved;
  operation.event.step = arguments.step;
  operation.event.payload = json{
      {"approved", !arguments.deny},
      {"by", !arguments.by.empty() ? arguments.by
             : user != nullptr     ? user
                                   : "somebody"},
      {"said", arguments.said}}.dump(-1, ' ', false, json::error_handler_t::replace);
  journal->commit(arguments.run, {&operation, 1});
  say(fmt::format("{}: coppice flow resume {} goes on", arguments.deny ? "denied" : "approved", arguments.run),
      arguments.common);
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
  command.app().add_option("--endpoint", arguments->endpoints, "NAME=URL: another server for one of the endpoints");
  add_flags(command, *arguments);
  command.action([arguments] { run(*arguments); });
}

void add_resume(CommandList& commands) {
  Command command(commands, "flow resume", "Go on with a run that was interrupted, failed or waited.",
                  "  coppice flow resume 20261123-150405-k3f9x2 -o out/\n");
  auto arguments = std::make_shared<RunArguments>();
  command.app().add_option("run", arguments->id, "its id")->required();
  command.app().add_option("-o,--output", arguments->output, "the folder that its files go to");
  add_flags(command, *arguments);
  command.action([arguments] { resume(*arguments); });
}

void add_fork(CommandList& commands) {
  Command command(commands, "flow fork", "Begin another run from one of a run's steps; what came before is kept.",
                  "  coppice flow fork 20261123-150405-k3f9x2 --from developer -o out/\n"
                  "  coppice flow fork 20261123-150405-k3f9x2 --from developer --workflow site.yaml\n");
  auto arguments = std::make_shared<RunArguments>();
  command.app().add_option("run", arguments->id, "the id of the run to fork")->required();
  command.app().add_option("--from", arguments->from, "the first step that is done again")->required();
  command.app().add_option("--workflow", arguments->workflow, "a changed workflow; that of the run unless given");
  command.app().add_option("--variant", arguments->variant, "of the changed workflow");
  command.app().add_option("-i,--input", arguments->input, "another input; that of the run unless given");
  command.app().add_option("-o,--output", arguments->output, "the folder that its files go to");
  command.app().add_option("--endpoint", arguments->endpoints, "NAME=URL: another server for one of the endpoints");
  add_flags(command, *arguments);
  command.action([arguments] { fork(*arguments); });
}

void add_approve(CommandList& commands) {
  Command command(commands, "flow approve", "Answer a step that waits for a person.",
                  "  coppice flow approve 20261123-150405-k3f9x2 --step publish --say \"fine\"\n");
  auto arguments = std::make_shared<ApproveArguments>();
  command.app().add_option("run", arguments->run, "the run's id")->required();
  OptionTable own, flow, common;
  describe(own, *arguments);
  describe_journal(flow, arguments->flow);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Answer");
  command.flags().add(command.app(), std::move(flow), "Journal");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { approve(*arguments); });
}

}  // namespace

void add_flow_runs(CommandList& commands) {
  add_run(commands);
  add_resume(commands);
  add_fork(commands);
  add_approve(commands);
}

}  // namespace coppice::app
