// SPDX-License-Identifier: Apache-2.0
// coppice flow approve: what a person says to a step that waits for one.
#include <fmt/core.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/flow_options.h"
#include "coppice/app/flow_way_on.h"
#include "coppice/app/messages.h"
#include "coppice/core/json_text.h"
#include "coppice/core/options.h"
#include "coppice/flow/run/run_commands.h"
#include "coppice/flow/run/run_history.h"
#include "coppice/flow/run/run_summary.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice::app {
namespace {

using nlohmann::json;

struct ApproveArguments {
  FlowOptions flow;
  std::string run, step, by, said;
  std::vector<uint32_t> items;
  bool deny = false, again = false;
  CommonOptions common;
};

void describe(OptionTable& table, ApproveArguments& arguments) {
  table.add("step", arguments.step, "The step that waits; the only one that does unless given.");
  table.add("item", arguments.items, 0, UINT32_MAX,
            "Of a step with foreach: the number of the item that waits (from 0), or several with commas; the only one "
            "that waits unless given.");
  table.add("by", arguments.by, "Who says so; the user's name unless given.");
  table.add("say", arguments.said, "A word to go with it, which the workflow sees.");
  table.add("deny", arguments.deny, "No: the step fails.");
  table.add("again", arguments.again, "In place of what was answered before; without it a second answer is refused.");
}

/// What a run waits for, as its journal tells it.
class Waiting {
 public:
  Waiting(const RunRecord& record, const std::vector<Event>& events)
      : history_(events), summary_(summarize(record, events)) {}

  /// Those that ask a person, and those of which nobody knows whether they were done; {-1} of a step without a foreach.
  std::set<int64_t> items(const std::string& step) const {
    std::set<int64_t> found = history_.unknown_items(step);
    const std::set<int64_t> asking = asking_items(step);
    found.insert(asking.begin(), asking.end());
    return found;
  }
  std::set<int64_t> asking_items(const std::string& step) const {
    std::set<int64_t> found;
    for (const StepSummary& one : summary_.steps) {
      if (one.name != step) continue;
      for (const OpenQuestion& question : one.questions) found.insert(question.item);
    }
    return found;
  }

  /// A step that died once more since it was answered waits anew. What was answered and is done stays so.
  std::optional<std::string> answer(const std::string& step, int64_t item) const {
    return history_.is_done(step, item) ? std::nullopt : history_.standing_answer(step, item);
  }
  std::set<int64_t> answered_items(const std::string& step) const {
    std::set<int64_t> found;
    for (const int64_t item : history_.answered_items(step)) {
      if (answer(step, item)) found.insert(item);
    }
    return found;
  }

 private:
  RunHistory history_;
  RunSummary summary_;
};

using ItemsOf = std::function<std::set<int64_t>(const std::string& step)>;

/// The steps that have such items.
std::vector<std::string> steps_with(const Workflow& workflow, const ItemsOf& items) {
  std::vector<std::string> found;
  for (const StepSpec& step : workflow.steps) {
    if (!items(step.name).empty()) found.push_back(step.name);
  }
  return found;
}

/// "these wait: ask, items 0, 2; send".
std::string waiting_text(const Workflow& workflow, const Waiting& waiting) {
  std::vector<std::string> places;
  for (const StepSpec& step : workflow.steps) {
    const std::set<int64_t> open = waiting.items(step.name);
    if (!open.empty()) places.push_back(place_text(step.name, open));
  }
  return places.empty() ? "nothing of it waits" : fmt::format("these wait: {}", fmt::join(places, "; "));
}

/// The step that is named; where none is, the only one that asks a person, is of unknown end, or was answered.
std::string step_of(const ApproveArguments& arguments, const Workflow& workflow, const Waiting& waiting) {
  if (arguments.step.empty()) {
    const ItemsOf asking = [&](const std::string& step) { return waiting.asking_items(step); };
    const ItemsOf open = [&](const std::string& step) { return waiting.items(step); };
    const ItemsOf answered = [&](const std::string& step) { return waiting.answered_items(step); };
    for (const ItemsOf& items : {asking, open, answered}) {
      const std::vector<std::string> steps = steps_with(workflow, items);
      if (steps.size() == 1) return steps.front();
      if (!steps.empty()) break;
    }
    throw Error(ErrorCode::usage, fmt::format("--step is missing: the step of run {} that waits", arguments.run), {},
                waiting_text(workflow, waiting));
  }
  if (workflow.find(arguments.step) != nullptr) return arguments.step;
  std::vector<std::string> all;
  for (const StepSpec& step : workflow.steps) all.push_back(step.name);
  const std::string nearest = nearest_name(arguments.step, all);
  throw Error(ErrorCode::usage, fmt::format("the workflow of run {} has no step '{}'", arguments.run, arguments.step),
              {}, nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
}

/// The items that are answered: those that are named, or the only one that waits; {-1} of a step that has none.
std::set<int64_t> items_of(const ApproveArguments& arguments, const StepSpec& step, const Waiting& waiting,
                           const std::string& which) {
  std::set<int64_t> named(arguments.items.begin(), arguments.items.end());
  if (!step.foreach && !named.empty()) {
    throw Error(ErrorCode::usage, fmt::format("--item is given, and the step '{}' has no foreach", step.name), {},
                "leave --item out");
  }
  const std::set<int64_t> open = waiting.items(step.name), answered = waiting.answered_items(step.name);
  if (open.empty() && answered.empty()) {
    throw Error(ErrorCode::usage,
                fmt::format("the step '{}' of run {} does not wait for an answer", step.name, arguments.run), {},
                which);
  }
  if (!step.foreach) return {-1};
  if (named.empty()) {
    if (open.size() == 1) return open;
    throw Error(ErrorCode::usage,
                fmt::format("--item is missing: the step '{}' of run {} has a foreach", step.name, arguments.run), {},
                which);
  }
  for (const int64_t item : named) {
    if (open.contains(item) || answered.contains(item)) continue;
    throw Error(ErrorCode::usage,
                fmt::format("item {} of the step '{}' of run {} does not wait", item, step.name, arguments.run), {},
                which);
  }
  return named;
}

void expect_no_answer(const ApproveArguments& arguments, const Waiting& waiting, const std::string& step,
                      int64_t item) {
  const auto before = waiting.answer(step, item);
  if (!before || arguments.again) return;
  const json said = parse_json(*before);
  const std::string word = said.value("said", "");
  throw Error(
      ErrorCode::usage,
      fmt::format("{}the step '{}' of run {} was {} before by {}{}", item < 0 ? "" : fmt::format("item {} of ", item),
                  step, arguments.run, said.value("approved", false) ? "approved" : "denied",
                  said.value("by", "somebody"), word.empty() ? "" : ": " + json_value_text(word)),
      {}, "--again answers anew");
}

JournalOperation answer_to(const ApproveArguments& arguments, const std::string& step, int64_t item) {
  const char* user = getenv("USER");
  JournalOperation operation;
  operation.event.kind = EventKind::approved;
  operation.event.step = step;
  operation.event.item = item;
  operation.event.payload = json{
      {"approved", !arguments.deny},
      {"by", !arguments.by.empty() ? arguments.by
             : user != nullptr     ? user
                                   : "somebody"},
      {"said", arguments.said}}.dump(-1, ' ', false, json::error_handler_t::replace);
  return operation;
}

void approve(const ApproveArguments& arguments) {
  const std::unique_ptr<JournalStore> journal = open_journal(arguments.flow.journal, Durability::power);
  const auto record = journal->find(arguments.run);
  if (!record) {
    throw Error(ErrorCode::usage, fmt::format("the journal has no run '{}'", arguments.run), {},
                "coppice flow list shows those that there are");
  }
  const StepKinds kinds = make_kinds();
  const Workflow workflow = read_workflow_text(record->workflow_text, kinds);
  if (record->state == "finished") {
    throw Error(ErrorCode::usage, fmt::format("run {} has finished: no step of it waits", arguments.run), {},
                "coppice flow fork begins another one from a step of it");
  }
  const Waiting waiting(*record, journal->events(arguments.run));
  const StepSpec& step = *workflow.find(step_of(arguments, workflow, waiting));
  std::set<int64_t> open = waiting.items(step.name);
  std::vector<JournalOperation> answers;
  for (const int64_t item : items_of(arguments, step, waiting, waiting_text(workflow, waiting))) {
    expect_no_answer(arguments, waiting, step.name, item);
    answers.push_back(answer_to(arguments, step.name, item));
    open.erase(item);
  }
  journal->commit(arguments.run, answers);
  say(fmt::format("{}{}: {} goes on", arguments.deny ? "denied" : "approved",
                  step.foreach && !open.empty() ? fmt::format(" ({} of its items still wait)", open.size()) : "",
                  resume_command(arguments.run, journal_flag(arguments.flow.journal))),
      arguments.common);
}

}  // namespace

void add_flow_approve(CommandList& commands) {
  Command command(commands, "flow approve", "Answer a step that waits for a person.",
                  "  coppice flow approve 20261123-150405-k3f9x2 --step publish --say \"fine\"\n"
                  "  coppice flow approve 20261123-150405-k3f9x2 --step publish --item 0,2\n");
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
