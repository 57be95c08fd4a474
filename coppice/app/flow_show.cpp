// SPDX-License-Identifier: Apache-2.0
// coppice flow list, show: the journal's runs.
#include <fmt/chrono.h>
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "coppice/app/command.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/flow_options.h"
#include "coppice/app/flow_progress.h"
#include "coppice/app/flow_telemetry.h"
#include "coppice/app/flow_way_on.h"
#include "coppice/app/input_files.h"
#include "coppice/app/output.h"
#include "coppice/core/output_file.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/report/html_report.h"
#include "coppice/flow/run/run_commands.h"
#include "coppice/flow/run/run_summary.h"

namespace coppice::app {
namespace {

using nlohmann::ordered_json;

struct ShowArguments {
  FlowOptions flow;
  std::string run, output;
  uint32_t most = 20;
  bool json = false, calls = false;
};

void describe_json(OptionTable& table, ShowArguments& arguments) {
  table.add("json", arguments.json, "Print one JSON object for machines.");
}

std::unique_ptr<JournalStore> open_existing(const FlowOptions& flow) {
  const bool is_file = flow.journal.find(':') == std::string::npos;
  if (is_file) expect_readable({{"--journal", flow.journal}});
  return open_journal(flow.journal, Durability::process);
}

std::string time_text(int64_t nanoseconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(nanoseconds / 1'000'000'000)));
}

void list(const ShowArguments& arguments) {
  ordered_json all = ordered_json::array();
  for (const RunRecord& run : open_existing(arguments.flow)->list(arguments.most)) {
    if (arguments.json) {
      all.push_back({{"run", run.id},
                     {"workflow", run.workflow},
                     {"variant", run.variant},
                     {"tenant", run.tenant},
                     {"state", state_of(run)},
                     {"parent", run.parent},
                     {"created_ns", run.created_nanoseconds}});
    } else {
      print_out(fmt::format("{:<24} {:<11} {}  {}{}\n", run.id, state_of(run), time_text(run.created_nanoseconds),
                            run.workflow, run.variant.empty() ? "" : " (" + run.variant + ")"));
    }
  }
  if (arguments.json) print_out(json_text({{"runs", all}}));
}

RunSummary summary_of(const ShowArguments& arguments) {
  const auto journal = open_existing(arguments.flow);
  const auto record = journal->find(arguments.run);
  if (!record) {
    throw Error(ErrorCode::usage, fmt::format("the journal has no run '{}'", arguments.run), {},
                "coppice flow list shows those that there are");
  }
  return summarize(*record, journal->events(arguments.run));
}

/// What a user can do about a run that waits, or that ended before its steps.
void print_next(const RunSummary& run, const ShowArguments& arguments) {
  const std::string journal = journal_flag(arguments.flow.journal);
  const std::string resume = resume_command(run.record.id, journal);
  const std::string state = state_of(run.record);
  if (state == "interrupted") print_out("its program has ended without the run: " + resume + " goes on\n");
  if (state == "stopped") print_out("stopped on request: " + resume + " goes on\n");
  bool is_asking = false;
  for (const StepSummary& step : run.steps) {
    for (const OpenQuestion& question : step.questions) {
      is_asking = true;
      print_out(fmt::format("{} waits for a person: {}\n  {}\n", place_text(step.name, question.item), question.text,
                            approve_command(run.record.id, journal, step.name, question.item)));
    }
  }
  if (is_asking) print_out("then " + resume + "\n");
  if (state == "waiting" && !is_asking) print_out(resume + " goes on\n");
}

void print_calls(const RunSummary& run) {
  const bool is_interrupted = state_of(run.record) == "interrupted";
  print_out(fmt::format("\n{:<20} {:>5} {:<20} {:>8} {:>8} {:>9} {:>10}\n", "call of", "item", "model", "in", "out",
                        "time", "cost"));
  for (const CallSummary& call : run.calls) {
    const std::string item = call.item < 0 ? "" : std::to_string(call.item);
    const char* how = call.end == EventKind::call_failed     ? "  failed"
                      : call.end == EventKind::call_unknown  ? "  unknown: charged as the worst case"
                      : call.end != EventKind::call_intended ? ""
                      : is_interrupted                       ? "  interrupted: nobody knows its end"
                                                             : "  under way";
    print_out(fmt::format("{:<20} {:>5} {:<20} {:>8} {:>8} {:>9} {:>10}{}{}\n", call.step, item, call.model,
                          call.usage.input_tokens, call.usage.output_tokens, seconds_text(call.seconds),
                          money_text(call.cost), how, call.usage.is_estimated ? "  (estimated)" : ""));
  }
}

void show(const ShowArguments& arguments) {
  const RunSummary run = summary_of(arguments);
  if (arguments.json) return print_out(json_text(to_json(run, arguments.calls)));
  print_out(fmt::format("run {} of {}{}: {} in {}, {}, {} tokens in, {} out ({})\n", run.record.id, run.record.workflow,
                        run.record.variant.empty() ? "" : " (" + run.record.variant + ")", state_of(run.record),
                        seconds_text(run.seconds), cost_text(run.cost, run.unknown), run.usage.input_tokens,
                        run.usage.output_tokens, title(run.provenance)));
  print_out("created " + time_text(run.record.created_nanoseconds));
  if (!run.record.parent.empty()) print_out(", forked from " + run.record.parent);
  if (!run.record.tenant.empty()) print_out(", for " + run.record.tenant);
  print_out(", prices " + run.record.prices_hash + "\n");
  if (run.resumptions > 0) {
    print_out(fmt::format("resumed {}, after {} {}\n", counted(run.resumptions, "time"),
                          seconds_text(run.waited_seconds), between_parts(run)));
  }
  if (!run.error.empty() && run.record.state != "stopped") print_out("error: " + run.error + "\n");
  for (const StepSummary& step : run.steps) {
    for (const std::string& remark : step.remarks) print_out("note: " + step.name + ": " + remark + "\n");
  }
  print_next(run, arguments);
  print_out(fmt::format("\n{:<20} {:<11} {:>8} {:>5} {:>9} {:>9} {:>10}\n", "step", "state", "items", "calls", "began",
                        "took", "cost"));
  for (const StepSummary& step : run.steps) {
    print_out(fmt::format("{:<20} {:<11} {:>8} {:>5} {:>9} {:>9} {:>10}{}{}\n", step.name, step.state, items_text(step),
                          step.calls, seconds_text(step.began_seconds), seconds_text(step.seconds),
                          money_text(step.cost),
                          step.is_kept       ? "  kept from " + run.record.parent
                          : step.cached == 0 ? ""
                                             : fmt::format("  {} from the cache", step.cached),
                          step.error.empty() ? "" : "  " + step.error));
  }
  if (arguments.calls) print_calls(run);
}

void add_report(CommandList& commands) {
  Command command(commands, "flow report", "Write a page on a run: its steps, time and cost.",
                  "  coppice flow report 20261123-150405-k3f9x2 -o report.html\n");
  auto arguments = std::make_shared<ShowArguments>();
  command.app().add_option("run", arguments->run, "its id")->required();
  command.app().add_option("-o,--output", arguments->output, "the page (HTML)")->required();
  OptionTable flow;
  describe_journal(flow, arguments->flow);
  command.flags().add(command.app(), std::move(flow), "Journal");
  command.action([arguments] {
    const RunSummary run = summary_of(*arguments);
    OutputFile page(arguments->output);
    page.write(run_report(run, read_workflow_text(run.record.workflow_text, make_kinds()),
                          journal_flag(arguments->flow.journal)));
    page.commit();
  });
}

}  // namespace

void add_flow_views(CommandList& commands) {
  add_report(commands);
  add_flow_export(commands);
  {
    Command command(commands, "flow list", "List the runs of a journal, the newest first.", "  coppice flow list\n");
    auto arguments = std::make_shared<ShowArguments>();
    OptionTable own, flow;
    describe_json(own, *arguments);
    own.add("most", arguments->most, 1, 1'000'000, "So many at most.");
    describe_journal(flow, arguments->flow);
    command.flags().add(command.app(), std::move(own), "List");
    command.flags().add(command.app(), std::move(flow), "Journal");
    command.action([arguments] { list(*arguments); });
  }
  Command command(commands, "flow show", "Show what a run did, how long it took and what it cost.",
                  "  coppice flow show 20261123-150405-k3f9x2 --calls\n");
  auto arguments = std::make_shared<ShowArguments>();
  command.app().add_option("run", arguments->run, "its id")->required();
  OptionTable own, flow;
  describe_json(own, *arguments);
  own.add("calls", arguments->calls, "Each call, too.");
  describe_journal(flow, arguments->flow);
  command.flags().add(command.app(), std::move(own), "Show");
  command.flags().add(command.app(), std::move(flow), "Journal");
  command.action([arguments] { show(*arguments); });
}

}  // namespace coppice::app
