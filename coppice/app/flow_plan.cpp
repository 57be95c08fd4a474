// SPDX-License-Identifier: Apache-2.0
// coppice flow plan, models: what a workflow will cost and how long it will take, before a cent is spent.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/flow_inputs.h"
#include "coppice/app/flow_models.h"
#include "coppice/app/flow_options.h"
#include "coppice/app/flow_progress.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/run/plan.h"

namespace coppice::app {
namespace {

using nlohmann::json;

struct PlanArguments {
  CommonOptions common;
  FlowOptions flow;
  PlanOptions plan;
  std::string workflow, input, inputs, models, variant;
  uint32_t measured_runs = 100;
  bool json = false;
};

void describe(OptionTable& table, PlanArguments& arguments) {
  table.add("runs", arguments.plan.runs, 1, 100'000, "Simulated runs, over all inputs.");
  table.add("measured_runs", arguments.measured_runs, 1, 100'000,
            "So many of the journal's latest runs are looked at for how the models behave.");
  table.add("seed", arguments.plan.seed, 0, uint64_t{1} << 53, "Of the simulation.");
  table.add("json", arguments.json, "Print one JSON object for machines in place of the table.");
}

std::string dollars(double amount) {
  return money_text(Money::of_dollars(amount));
}

void print_steps(const Plan& plan) {
  print_out(fmt::format("{:<18} {:<13} {:<16} {:>6} {:>8} {:>8} {:>11} {:>9} {:>9}\n", "step", "kind", "model", "calls",
                        "in", "out", "cost", "time", "critical"));
  for (const PlannedStep& step : plan.steps) {
    std::string models;
    for (const std::string& model : step.models) models += (models.empty() ? "" : ", ") + model;
    print_out(fmt::format("{:<18} {:<13} {:<16} {:>6.1f} {:>8.0f} {:>8.0f} {:>11} {:>9} {:>9}\n", step.name, step.kind,
                          models, step.calls, step.input_tokens, step.output_tokens, dollars(step.cost_dollars),
                          seconds_text(step.seconds), seconds_text(step.critical_seconds)));
  }
}

void print(const Plan& plan, const std::string& source) {
  print_steps(plan);
  print_out(fmt::format("\ncost of a run     {} (half of the runs {}, one in twenty more than {})\n",
                        dollars(plan.cost_mean), dollars(plan.cost_p50), dollars(plan.cost_p95)));
  print_out(fmt::format("  worst case      {} of the calls in these runs; {}\n", dollars(plan.cost_most),
                        plan.budget ? fmt::format("the budget ends a run at {}", dollars(*plan.budget))
                                    : "no budget bounds those of another run"));
  print_out(fmt::format("time of a run     {}, one in twenty more than {}\n", seconds_text(plan.seconds_p50),
                        seconds_text(plan.seconds_p95)));
  print_out(fmt::format(
      "tokens of a run   {:.0f} in ({:.0f} of them sent more than once; worst case {:.0f}), {:.0f} out (worst case "
      "{:.0f})\n",
      plan.input_tokens, plan.repeated_tokens, plan.input_tokens_most, plan.output_tokens, plan.output_tokens_most));
  print_out(fmt::format("decomposition     k = {} steps ask a model, E = {} data edges, m = {:.2f}\n",
                        plan.shape.model_steps, plan.shape.edges, plan.shape.exponent));
  print_out(fmt::format("outcome           {} of {} runs finish, {} pass all checks; {:.2f} repairs a run\n",
                        plan.finished, plan.runs, plan.accepted, plan.repairs));
  if (plan.first_failure) print_out(fmt::format("  the first failure: {}\n", plan.first_failure->message()));
  print_out("\nAll of this is simulated");
  print_out(source.empty() ? ".\n" : fmt::format("; how the models behave is from {}.\n", source));
  for (const std::string& model : plan.unknown) {
    print_out(
        fmt::format("Of the model '{}' nothing is known: taken to be 0.5 s to the first token (1.5 s for one in "
                    "twenty), then 50 tokens a second; its answers are made up.\n",
                    model));
  }
  for (const std::string& step : plan.pretended) {
    print_out(fmt::format("The step '{}' acts on the world: it was not done, and its time is not counted.\n", step));
  }
}

void plan(PlanArguments& arguments) {
  const StepKinds kinds = make_kinds();
  const Workflow workflow = read_workflow(arguments.workflow, arguments.variant, kinds);
  if (!arguments.input.empty() && !arguments.inputs.empty()) {
    throw Error(ErrorCode::usage, "--input and --inputs are given, expected one of them");
  }
  const std::vector<json> inputs = arguments.inputs.empty() ? std::vector<json>{read_flow_input(arguments.input)}
                                                            : read_flow_inputs(arguments.inputs, {&workflow, 1});
  const KnownModels known = known_models(arguments.models, arguments.flow.journal, arguments.measured_runs, workflow);
  arguments.plan.folder = std::filesystem::absolute(arguments.workflow).parent_path().string();
  const Plan made = plan_workflow(workflow, inputs, known.models, arguments.plan);
  if (arguments.json) {
    nlohmann::ordered_json object = to_json(made);
    object["models_from"] = known.source;
    print_out(json_text(object));
  } else {
    print(made, known.source);
  }
  if (made.finished == 0 && made.first_failure) {
    throw Error(made.first_failure->code(),
                "no simulated run has finished; the first one: " + made.first_failure->message());
  }
}

void models(const PlanArguments& arguments) {
  const json settings = measured_models_of(arguments.flow.journal, arguments.measured_runs);
  if (settings["models"].empty()) throw Error(ErrorCode::data, "no run has asked a model yet", arguments.flow.journal);
  print_out(json_text(nlohmann::ordered_json(settings)));
}

void add_models(CommandList& commands) {
  Command command(commands, "flow models",
                  "Print how models behaved in the journal's runs: settings for 'flow plan' and 'flow stand-in'.",
                  "  coppice flow models > models.json\n  coppice flow stand-in models.json\n");
  auto arguments = std::make_shared<PlanArguments>();
  OptionTable flow, own, common;
  own.add("measured_runs", arguments->measured_runs, 1, 100'000, "So many of the journal's latest runs are looked at.");
  describe_journal(flow, arguments->flow);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Models");
  command.flags().add(command.app(), std::move(flow), "Journal");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { models(*arguments); });
}

}  // namespace

void add_flow_plan(CommandList& commands) {
  Command command(commands, "flow plan", "Say what a workflow will cost and how long it takes, before a cent is spent.",
                  "  coppice flow plan site.yaml --input visitor.json\n"
                  "  coppice flow plan site.yaml --input visitor.json --models stand_in.yaml\n");
  auto arguments = std::make_shared<PlanArguments>();
  command.app().add_option("workflow", arguments->workflow, "the workflow file (YAML or JSON)")->required();
  command.app().add_option("-i,--input", arguments->input,
                           "its input: a JSON file, - for standard input; {} unless given");
  command.app().add_option("--inputs", arguments->inputs, "many inputs, one on each line (JSON lines)");
  command.app().add_option("--variant", arguments->variant, "one of the workflow's variants");
  command.app().add_option("--models", arguments->models,
                           "how the models behave: settings of a stand-in; what the journal's runs say unless given");
  OptionTable own, flow, common;
  describe(own, *arguments);
  describe_journal(flow, arguments->flow);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Plan");
  command.flags().add(command.app(), std::move(flow), "Journal");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { plan(*arguments); });
  add_models(commands);
}

}  // namespace coppice::app
