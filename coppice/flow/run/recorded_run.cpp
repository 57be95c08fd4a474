// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/recorded_run.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "coppice/core/json_text.h"
#include "coppice/flow/run/run_rules.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

/// Of the words of a step's outputs.
constexpr size_t kMostWordBytes = 100'000;

ErrorCode code_named(const std::string& of) {
  for (const ErrorCode code :
       {ErrorCode::usage, ErrorCode::data, ErrorCode::io, ErrorCode::memory, ErrorCode::unsupported, ErrorCode::remote,
        ErrorCode::budget, ErrorCode::timeout, ErrorCode::cancelled}) {
    if (name(code) == of) return code;
  }
  return ErrorCode::internal;
}

StepState state_named(const std::string& of) {
  for (const StepState state : {StepState::done, StepState::skipped, StepState::failed, StepState::stopped}) {
    if (name(state) == of) return state;
  }
  return StepState::waiting;
}

class RecordedRun {
 public:
  RecordedRun(const Workflow& workflow, const RunSummary& summary) : workflow_(workflow), summary_(summary) {
    const RunRecord& record = summary.record;
    outcome_.id = record.id;
    outcome_.state = record.state;
    outcome_.cost = summary.cost;
    outcome_.unknown = summary.unknown;
    outcome_.usage = summary.usage;
    outcome_.seconds = summary.seconds;
    values_["inputs"] = parse_json(record.inputs);
    values_["steps"] = Json::object();
    values_["files"] = workflow.files;
    values_["run"] = {
        {"id", record.id}, {"tenant", record.tenant}, {"variant", record.variant}, {"workflow", workflow.name}};
    for (const char* name : {"inputs", "steps", "files", "run"}) scope_.emplace_back(name, &values_[name]);
  }

  RunOutcome read(const std::vector<Event>& events) {
    const bool is_finished = outcome_.state == "finished";
    for (const Event& event : events) {
      if (event.kind == EventKind::step_done && is_finished) outputs_[{event.step, event.item}] = &event.payload;
    }
    for (const StepSpec& step : workflow_.steps) {
      outcome_.steps.push_back(step_outcome(step));
      if (is_finished) give(step, outcome_.steps.back());
    }
    if (is_finished) {
      add_outputs(outcome_, workflow_, scope_);
      outcome_.repairs = repairs_of(workflow_, values_["steps"]);
      outcome_.was_finished = true;
    } else if (!summary_.error.empty()) {
      outcome_.error = Error(code_named(summary_.error_type), summary_.error);
    }
    return std::move(outcome_);
  }

 private:
  StepOutcome step_outcome(const StepSpec& step) const {
    StepOutcome made;
    made.name = step.name;
    const auto found = std::find_if(summary_.steps.begin(), summary_.steps.end(),
                                    [&](const StepSummary& one) { return one.name == step.name; });
    if (found == summary_.steps.end()) {
      // A foreach of no items has left no event.
      if (outcome_.state == "finished") made.state = StepState::done;
      made.items = 0;
      return made;
    }
    made.state = state_named(found->state);
    made.items = found->items;
    made.calls = found->calls;
    made.cached = found->cached;
    made.began_seconds = found->began_seconds;
    made.seconds = found->seconds;
    made.cost = found->cost;
    made.usage = found->usage;
    made.error = found->error;
    return made;
  }

  /// What templates and checks may see of a step.
  void give(const StepSpec& step, StepOutcome& outcome) {
    Json& place = values_["steps"][step.name];
    place["state"] = std::string(name(outcome.state));
    if (outcome.state != StepState::done) return;
    if (!step.foreach) {
      place["output"] = output(step, -1, scope_, outcome);
    } else {
      place["output"] = outputs_of_items(step, outcome);
    }
  }

  Json outputs_of_items(const StepSpec& step, StepOutcome& outcome) {
    const Json items = step.foreach->evaluate(scope_);
    Json made = Json::array();
    for (size_t i = 0; i < items.size(); ++i) {
      const Json index = i;
      TemplateScope scope = scope_;
      scope.emplace_back("item", &items[i]);
      scope.emplace_back("index", &index);
      made.push_back(output(step, static_cast<int64_t>(i), scope, outcome));
    }
    return made;
  }

  Json output(const StepSpec& step, int64_t item, const TemplateScope& scope, StepOutcome& outcome) const {
    const auto found = outputs_.find({step.name, item});
    if (found == outputs_.end()) {
      throw Error(ErrorCode::data, "the journal has no output of step '" + step.name + "'", summary_.record.id);
    }
    Json output = parse_json(*found->second)["output"];
    if (!step.kind->models(step.with.written()).empty() && outcome.words.size() < kMostWordBytes) {
      Json with = step.with.evaluate(scope);
      if (with.is_null()) with = Json::object();
      outcome.words += step.kind->words_of(with, output);
    }
    return output;
  }

  const Workflow& workflow_;
  const RunSummary& summary_;
  RunOutcome outcome_;
  std::map<std::pair<std::string, int64_t>, const std::string*> outputs_;  // by step and item, as written down
  Json values_ = Json::object();
  TemplateScope scope_;
};

}  // namespace

RunOutcome recorded_outcome(const Workflow& workflow, const RunSummary& summary, const std::vector<Event>& events) {
  return RecordedRun(workflow, summary).read(events);
}

}  // namespace coppice
