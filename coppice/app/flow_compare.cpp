// SPDX-License-Identifier: Apache-2.0
// coppice flow compare: the same inputs through several variants of a workflow, and whether decomposing pays.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/flow_compare_text.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/flow_inputs.h"
#include "coppice/app/flow_options.h"
#include "coppice/app/flow_progress.h"
#include "coppice/app/flow_way_on.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/stop_runner.h"
#include "coppice/core/output_file.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/report/compare.h"
#include "coppice/flow/report/comparison_runs.h"
#include "coppice/flow/report/html_report.h"
#include "coppice/flow/run/run_rules.h"

namespace coppice::app {
namespace {

using nlohmann::json;

struct CompareArguments {
  CommonOptions common;
  FlowOptions flow;
  CompareOptions compare;
  std::string workflow, inputs, report, tenant, id;
  std::vector<std::string> endpoints, fixed, operations;
  uint32_t repeats = 1, at_a_time = 1;
  bool retry_failed = false, json = false;
};

void describe(OptionTable& table, CompareArguments& arguments) {
  table.add("variants", arguments.compare.variants,
            "The variants to compare; the first one is what the others are held against. Without them: all.");
  table.add("repeats", arguments.repeats, 1, 1000, "So many runs of each input and variant.");
  table.add("at_a_time", arguments.at_a_time, 1, 1000,
            "So many runs side by side. More than one is faster, and latencies are those of a busy server then.");
  table.add("fixed", arguments.fixed, "VARIANT=DOLLARS: what engineering it costs, once.");
  table.add("operations", arguments.operations, "VARIANT=DOLLARS: what each request costs beside its calls.");
  table.add("requests_per_user", arguments.compare.requests_per_user, 1e-6, 1e9,
            "How many requests a user makes over the time that the total cost is looked at.");
  table.add("quality_margin", arguments.compare.quality_margin, 0, 1,
            "So much smaller a part of accepted outputs counts as no loss of quality; 1 = quality does not matter.");
  table.add("retry_failed", arguments.retry_failed,
            "With the --id of a comparison that was begun before: try runs again that failed then. Their seconds count "
            "in no latency.");
  table.add("seed", arguments.compare.seed, 0, UINT64_MAX, "Of the bootstrap, which the intervals are made by.");
  table.add("json", arguments.json, "Print one JSON object for machines in place of the table.");
}

/// Reads VARIANT=DOLLARS.
void read_dollars(const std::vector<std::string>& entries, const char* option, const CompareArguments& arguments,
                  const std::function<void(size_t, double)>& set) {
  const auto& variants = arguments.compare.variants;
  for (const std::string& entry : entries) {
    const size_t at = entry.find('=');
    const auto found = std::find(variants.begin(), variants.end(), entry.substr(0, at));
    if (at == entry.npos || found == variants.end()) {
      throw Error(ErrorCode::usage,
                  fmt::format("{} got '{}', expected VARIANT=DOLLARS of one of the variants", option, entry));
    }
    set(static_cast<size_t>(found - variants.begin()), parse_money(entry.substr(at + 1)).dollars());
  }
}

std::vector<Workflow> read_variants(CompareArguments& arguments, const StepKinds& kinds) {
  (void)allowed_kinds(arguments.flow, kinds);  // before anything is run
  std::vector<std::string>& names = arguments.compare.variants;
  if (names.empty()) names = variant_names(arguments.workflow);
  if (names.size() < 2)
    throw Error(ErrorCode::usage,
                fmt::format("--variants has {}, expected two or more", counted(names.size(), "name")));
  for (auto one = names.begin(); one != names.end(); ++one) {
    if (std::find(names.begin(), one, *one) == one) continue;
    throw Error(ErrorCode::usage, fmt::format("--variants has '{}' twice, expected each name once", *one));
  }
  std::vector<Workflow> workflows;
  for (const std::string& one : names) {
    workflows.push_back(read_workflow(arguments.workflow, one, kinds));
    redirect(workflows.back(), arguments.endpoints);
    if (arguments.flow.replay.empty()) expect_keys(workflows.back(), {});
  }
  return workflows;
}

ComparisonRuns runs_of(const CompareArguments& arguments, std::vector<Workflow> workflows, std::vector<json> inputs) {
  ComparisonRuns runs;
  runs.id = arguments.id.empty() ? new_run_id() : arguments.id;
  runs.workflows = std::move(workflows);
  runs.inputs = std::move(inputs);
  runs.repeats = arguments.repeats;
  runs.at_a_time = arguments.at_a_time;
  runs.retries_failed = arguments.retry_failed;
  runs.settings.tenant = arguments.tenant;
  runs.settings.folder = std::filesystem::absolute(arguments.workflow).parent_path().string();
  runs.settings.journal_flag = journal_flag(arguments.flow.journal);
  runs.settings.may_be_resumed = arguments.flow.journal != "memory:";
  runs.settings.uses_cache = false;  // it is the models that are measured
  runs.settings.allowed = {arguments.flow.allow.begin(), arguments.flow.allow.end()};
  return runs;
}

std::vector<ComparedRun> run_all(const ComparisonRuns& runs, const CompareArguments& arguments) {
  RunObserver quiet;
  Runner runner(runner_options(arguments.flow), quiet);
  StopRunner stop(runner);
  const bool is_kept = arguments.flow.journal != "memory:";
  const std::string way_on = fmt::format("the same command with --id {} goes on", runs.id);
  if (is_kept) {
    say(fmt::format("comparison {}: where it is interrupted, {}", runs.id, way_on), arguments.common);
    stop.set_way_on(way_on, arguments.common);
  }
  const auto tell_step = [&](const ComparisonStep& step) {
    const char* state = step.run.finished ? "finished" : "failed";
    say(fmt::format("{}/{} {} {}", step.ended, step.of, arguments.compare.variants[step.run.variant],
                    step.was_there ? fmt::format("had {} before", state)
                                   : fmt::format("{} {}", state, seconds_text(step.run.seconds))),
        arguments.common);
  };
  try {
    return run_comparison(runner, runs, tell_step);
  } catch (const Error& error) {
    const bool is_of_journal = error.code() == ErrorCode::io || error.code() == ErrorCode::memory;
    if (is_kept && is_of_journal && !is_gone(arguments.flow.journal)) throw with_way_on(error, way_on);
    throw;
  }
}

void compare_variants(CompareArguments& arguments) {
  const StepKinds kinds = make_kinds();
  std::vector<Workflow> workflows = read_variants(arguments, kinds);
  arguments.compare.ownership.assign(workflows.size(), {});
  read_dollars(arguments.fixed, "--fixed", arguments,
               [&](size_t variant, double dollars) { arguments.compare.ownership[variant].fixed_dollars = dollars; });
  read_dollars(arguments.operations, "--operations", arguments, [&](size_t variant, double dollars) {
    arguments.compare.ownership[variant].operations_dollars = dollars;
  });
  std::vector<json> inputs = read_flow_inputs(arguments.inputs, workflows);
  tell_equal_inputs(inputs, arguments.common);
  if (!arguments.report.empty()) expect_writable(arguments.report);
  const ComparisonRuns comparison_runs = runs_of(arguments, std::move(workflows), std::move(inputs));
  const std::vector<ComparedRun> runs = run_all(comparison_runs, arguments);
  const Comparison comparison = compare(runs, arguments.compare);
  if (arguments.json) {
    nlohmann::ordered_json object = to_json(comparison);
    object["id"] = comparison_runs.id;
    print_out(json_text(object));
  } else {
    print_comparison(comparison);
  }
  if (!arguments.report.empty()) {
    OutputFile report(arguments.report);
    report.write(comparison_report(comparison, comparison_runs.workflows));
    report.commit();
  }
  if (const auto failure = failure_of_all(runs)) throw Error(*failure);
}

}  // namespace

void add_flow_compare(CommandList& commands) {
  Command command(
      commands, "flow compare", "Run the same inputs through variants of a workflow; say whether decomposing pays.",
      "  coppice flow compare site.yaml --variants single,decomposed --inputs visitors.jsonl --report report.html\n"
      "  coppice flow compare site.yaml --inputs visitors.jsonl --fixed decomposed=8000 --requests-per-user 50\n");
  auto arguments = std::make_shared<CompareArguments>();
  command.app().add_option("workflow", arguments->workflow, "the workflow file")->required();
  command.app().add_option("--inputs", arguments->inputs, "an input on each line (JSON lines)")->required();
  command.app().add_option("--report", arguments->report, "a page (HTML) for people");
  command.app().add_option(
      "--id", arguments->id,
      "a name for the comparison; one that was begun under it goes on: what has ended is read back "
      "from the journal, and not paid again");
  command.app().add_option("--tenant", arguments->tenant, "on whose behalf: whose budget counts");
  command.app().add_option("--endpoint", arguments->endpoints, "NAME=URL: another server for one of the endpoints");
  OptionTable own, flow, common;
  describe(own, *arguments);
  describe(flow, arguments->flow);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Comparison");
  command.flags().add(command.app(), std::move(flow), "Journal");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { compare_variants(*arguments); });
}

}  // namespace coppice::app
