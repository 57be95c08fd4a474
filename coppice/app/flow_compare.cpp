// SPDX-License-Identifier: Apache-2.0
// coppice flow compare: the same inputs through several variants of a workflow, and whether decomposing pays.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/flow_inputs.h"
#include "coppice/app/flow_options.h"
#include "coppice/app/flow_progress.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/stop_runner.h"
#include "coppice/core/output_file.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/checks/coherence.h"
#include "coppice/flow/report/compare.h"
#include "coppice/flow/report/html_report.h"
#include "coppice/flow/run/critical_path.h"

namespace coppice::app {
namespace {

using nlohmann::json;

struct CompareArguments {
  CommonOptions common;
  FlowOptions flow;
  CompareOptions compare;
  std::string workflow, inputs, report, tenant;
  std::vector<std::string> endpoints, fixed, operations;
  uint32_t repeats = 1, at_a_time = 1;
  bool json = false;
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
            "So much smaller a part of accepted outputs counts as no loss of quality.");
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

bool is_text_file(const std::string& path) {
  const std::string end = std::filesystem::path(path).extension().string();
  return end == ".html" || end == ".htm" || end == ".txt" || end == ".md" || end.empty();
}

/// What a reader sees of its files; of a run without files its result.
std::string text_of(const RunOutcome& outcome) {
  std::map<std::string, std::string> files;
  for (const RunFile& file : outcome.files) files[file.path] = file.bytes;
  if (files.empty()) return outcome.result.is_null() ? std::string() : outcome.result.dump();
  const CheckedFiles checked(files);
  std::string text;
  for (const auto& [name, bytes] : files) {
    if (is_text_file(name)) text += std::string(checked.reader_text(name)) + "\n";
  }
  return text;
}

/// Does the step with the number `later` come after the other one, directly or not?
bool comes_after(const Workflow& workflow, size_t later, size_t earlier) {
  const auto& needs = workflow.steps[later].needs;
  return std::any_of(needs.begin(), needs.end(),
                     [&](size_t other) { return other == earlier || comes_after(workflow, other, earlier); });
}

/// The mean over pairs of steps that files are made of and that models were asked for side by side; 1 where there is
/// none.
double coherence_of(const Workflow& workflow, const RunOutcome& outcome) {
  std::vector<double> all;
  for (size_t i = 0; i < outcome.steps.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      const StepOutcome &a = outcome.steps[i], &b = outcome.steps[k];
      const bool are_output = workflow.file_steps.contains(a.name) && workflow.file_steps.contains(b.name);
      if (!are_output || a.words.empty() || b.words.empty() || comes_after(workflow, i, k)) continue;
      all.push_back(coherence({{a.name, a.words}, {b.name, b.words}}).all);
    }
  }
  return all.empty() ? 1 : mean(all);
}

ComparedRun compared(const Workflow& workflow, const RunOutcome& outcome, const Runner& runner) {
  ComparedRun run;
  run.finished = outcome.state == "finished";
  run.score = !run.finished ? 0 : outcome.checks ? outcome.checks->score : 1;
  run.accepted = run.finished && (!outcome.checks || outcome.checks->passed);
  run.cost_dollars = outcome.cost.dollars();
  run.seconds = outcome.seconds;
  if (run.finished) {
    const std::vector<double> path = critical_path(workflow, outcome);
    run.critical_seconds = std::accumulate(path.begin(), path.end(), 0.0);
  }
  for (const StepOutcome& step : outcome.steps) run.calls += step.calls;
  run.repairs = outcome.repairs;
  run.input_tokens = outcome.usage.input_tokens;
  run.output_tokens = outcome.usage.output_tokens;
  run.text = text_of(outcome);
  if (run.finished) run.coherence = coherence_of(workflow, outcome);
  if (outcome.error) run.error = outcome.error->message();
  run.provenance = runner.provenance();
  return run;
}

std::string with_interval(const Figure& estimate, const std::function<std::string(double)>& show) {
  if (!std::isfinite(estimate.low) && !std::isfinite(estimate.high)) return show(estimate.value);
  return fmt::format("{} ({} to {})", show(estimate.value), show(estimate.low), show(estimate.high));
}

std::string percent_text(double part) {
  return std::isfinite(part) ? fmt::format("{:.1f} %", 100 * part) : "-";
}
std::string dollars_text(double amount) {
  return std::isfinite(amount) ? money_text(Money::of_dollars(std::clamp(amount, -9e6, 9e6))) : "none";
}
std::string users_text(double users) {
  return std::isfinite(users) ? fmt::format("{:.0f}", std::ceil(users)) : "never";
}

void print(const Comparison& comparison) {
  for (const VariantFigures& one : comparison.figures) {
    print_out(
        fmt::format("{} ({}): {} runs, {} finished\n", one.name, name(comparison.provenance), one.runs, one.finished));
    print_out(fmt::format("  accepted              {}\n", with_interval(one.accepted, percent_text)));
    print_out(fmt::format("  cost of a run         {}\n", with_interval(one.cost, dollars_text)));
    print_out(fmt::format("  cost of an accepted   {}\n", with_interval(one.cost_per_accepted, dollars_text)));
    print_out(fmt::format("  latency p50           {}\n", with_interval(one.latency_p50, seconds_text)));
    print_out(fmt::format("  latency p95           {}\n", with_interval(one.latency_p95, seconds_text)));
    print_out(fmt::format("  critical path p50     {}\n", with_interval(one.critical_p50, seconds_text)));
    print_out(fmt::format(
        "  calls {:.1f}, repairs {:.2f}, tokens {:.0f} in, {:.0f} out; novelty over inputs {}, coherence {}\n",
        one.calls, one.repairs, one.input_tokens, one.output_tokens, percent_text(one.novelty_over_inputs),
        percent_text(one.coherence)));
  }
  for (const VariantComparison& one : comparison.against_first) {
    print_out(fmt::format("\n{} against {}: {}, {}\n", comparison.options.variants[one.variant],
                          comparison.options.variants[0], name(one.verdict), one.why));
    if (one.verdict == Verdict::undecided) {
      print_out(one.more_inputs > 0 ? fmt::format("  some {} may decide\n", counted(one.more_inputs, "more input"))
                                    : "  more inputs would hardly decide\n");
    }
    print_out(fmt::format("  saving                {}\n", with_interval(one.saving, percent_text)));
    print_out(fmt::format("  accepted outputs      {}\n", with_interval(one.accepted_gain, percent_text)));
    print_out(fmt::format("  pays from users       {}\n", with_interval(one.break_even_users, users_text)));
  }
}

std::vector<Workflow> read_variants(CompareArguments& arguments, const StepKinds& kinds) {
  (void)allowed_kinds(arguments.flow, kinds);  // before anything is run
  std::vector<std::string>& names = arguments.compare.variants;
  if (names.empty()) names = variant_names(arguments.workflow);
  if (names.size() < 2)
    throw Error(ErrorCode::usage,
                fmt::format("--variants has {}, expected two or more", counted(names.size(), "name")));
  std::vector<Workflow> workflows;
  for (const std::string& one : names) {
    workflows.push_back(read_workflow(arguments.workflow, one, kinds));
    redirect(workflows.back(), arguments.endpoints);
  }
  return workflows;
}

/// Variants take turns, so that whatever changes with time hits all alike.
std::vector<ComparedRun> run_all(const std::vector<Workflow>& workflows, const std::vector<json>& inputs,
                                 const CompareArguments& arguments) {
  std::vector<RunTask> tasks;
  std::vector<ComparedRun> runs;
  const std::string folder = std::filesystem::absolute(arguments.workflow).parent_path().string();
  for (uint32_t repeat = 0; repeat < arguments.repeats; ++repeat) {
    for (size_t input = 0; input < inputs.size(); ++input) {
      for (size_t variant = 0; variant < workflows.size(); ++variant) {
        RunSettings settings;
        settings.tenant = arguments.tenant;
        settings.folder = folder;
        settings.uses_cache = false;  // it is the models that are measured
        settings.allowed = {arguments.flow.allow.begin(), arguments.flow.allow.end()};
        tasks.push_back({&workflows[variant], inputs[input], settings});
        runs.push_back({});
        runs.back().variant = variant;
        runs.back().input = input;
        runs.back().repeat = repeat;
      }
    }
  }
  RunObserver quiet;
  Runner runner(runner_options(arguments.flow), quiet);
  const StopRunner stop(runner);
  size_t ended = 0;
  runner.run_all(tasks, arguments.at_a_time, [&](size_t task, const RunOutcome& outcome) {
    ComparedRun run = compared(*tasks[task].workflow, outcome, runner);
    run.variant = runs[task].variant;
    run.input = runs[task].input;
    run.repeat = runs[task].repeat;
    runs[task] = std::move(run);
    say(fmt::format("{}/{} {} {} {}", ++ended, tasks.size(), arguments.compare.variants[runs[task].variant],
                    outcome.state, seconds_text(outcome.seconds)),
        arguments.common);
  });
  if (ended < tasks.size()) throw Error(ErrorCode::cancelled, "stopped on request");
  return runs;
}

void compare_variants(CompareArguments& arguments) {
  const StepKinds kinds = make_kinds();
  const std::vector<Workflow> workflows = read_variants(arguments, kinds);
  arguments.compare.ownership.assign(workflows.size(), {});
  read_dollars(arguments.fixed, "--fixed", arguments,
               [&](size_t variant, double dollars) { arguments.compare.ownership[variant].fixed_dollars = dollars; });
  read_dollars(arguments.operations, "--operations", arguments, [&](size_t variant, double dollars) {
    arguments.compare.ownership[variant].operations_dollars = dollars;
  });
  const std::vector<json> inputs = read_flow_inputs(arguments.inputs);
  if (!arguments.report.empty()) expect_writable(arguments.report);
  const Comparison comparison = compare(run_all(workflows, inputs, arguments), arguments.compare);
  if (arguments.json) {
    print_out(json_text(to_json(comparison)));
  } else {
    print(comparison);
  }
  if (arguments.report.empty()) return;
  OutputFile report(arguments.report);
  report.write(comparison_report(comparison, workflows.front().name));
  report.commit();
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
