// SPDX-License-Identifier: Apache-2.0
// coppice flow approve: what a person says to a step that waits for one.
#include <fmt/core.h>
#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/flow_options.h"
#include "coppice/app/messages.h"
#include "coppice/core/json_text.h"
#include "coppice/core/options.h"
#include "coppice/flow/run/run_history.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice::app {
namespace {

using nlohmann::json;

struct ApproveArguments {
  FlowOptions flow;
  std::string run, step, by, said;
  bool deny = false, again = false;
  CommonOptions common;
};

void describe(OptionTable& table, ApproveArguments& arguments) {
  table.add("step", arguments.step, "The step that waits; the only one that asks a person unless given.");
  table.add("by", arguments.by, "Who says so; the user's name unless given.");
  table.add("say", arguments.said, "A word to go with it, which the workflow sees.");
  table.add("deny", arguments.deny, "No: the step fails.");
  table.add("again", arguments.again, "In place of what was answered before; without it a second answer is refused.");
}

/// The step that is named; where none is, the only one that asks a person.
std::string step_of(const ApproveArguments& arguments, const Workflow& workflow) {
  std::vector<std::string> all, asking;
  for (const StepSpec& step : workflow.steps) {
    all.push_back(step.name);
    if (step.kind->name() == "approve") asking.push_back(step.name);
  }
  if (arguments.step.empty() && asking.size() == 1) return asking.front();
  if (arguments.step.empty()) {
    throw Error(ErrorCode::usage, "--step is missing: the step that waits", {},
                asking.empty() ? "" : fmt::format("these ask a person: {}", fmt::join(asking, ", ")));
  }
  if (workflow.find(arguments.step) != nullptr) return arguments.step;
  const std::string nearest = nearest_name(arguments.step, all);
  throw Error(ErrorCode::usage, fmt::format("the workflow of run {} has no step '{}'", arguments.run, arguments.step),
              {}, nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
}

/// A step that died once more since it was answered waits anew.
void expect_no_answer(const ApproveArguments& arguments, JournalStore& journal, const std::string& step) {
  const auto before = RunHistory(journal.events(arguments.run)).standing_answer(step, -1);
  if (!before || arguments.again) return;
  const json said = parse_json(*before);
  const std::string word = said.value("said", "");
  throw Error(ErrorCode::usage,
              fmt::format("the step '{}' of run {} was {} before by {}{}", step, arguments.run,
                          said.value("approved", false) ? "approved" : "denied", said.value("by", "somebody"),
                          word.empty() ? "" : ": " + json_value_text(word)),
              {}, "--again answers anew");
}

void approve(const ApproveArguments& arguments) {
  const std::unique_ptr<JournalStore> journal = open_journal(arguments.flow.journal, Durability::power);
  const auto record = journal->find(arguments.run);
  if (!record) {
    throw Error(ErrorCode::usage, fmt::format("the journal has no run '{}'", arguments.run), {},
                "coppice flow list shows those that there are");
  }
  const StepKinds kinds = make_kinds();
  const std::string step = step_of(arguments, read_workflow_text(record->workflow_text, kinds));
  expect_no_answer(arguments, *journal, step);
  const char* user = getenv("USER");
  JournalOperation operation;
  operation.event.kind = EventKind::approved;
  operation.event.step = step;
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

}  // namespace

void add_flow_approve(CommandList& commands) {
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

}  // namespace coppice::app
