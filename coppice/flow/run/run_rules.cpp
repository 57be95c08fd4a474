// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_rules.h"

#include <fmt/core.h>

#include <algorithm>

#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/llm/llm_exchange.h"
#include "coppice/flow/run/run_commands.h"
#include "coppice/flow/run/run_files.h"

namespace coppice {

void expect_allowed(const Workflow& workflow, const RunSettings& settings) {
  for (const std::string& kind : workflow.must_allow) {
    if (settings.is_pretended || settings.allowed.contains(kind)) continue;
    throw Error(ErrorCode::usage,
                kind == kOutsideFiles ? "the workflow reads files outside of its folder, which is off"
                                      : fmt::format("the workflow has steps of the kind '{}', which is off", kind),
                {}, fmt::format("--allow {} lets it, if you trust the workflow", kind));
  }
}

void expect_inputs(const Workflow& workflow, const nlohmann::json& inputs) {
  const auto faults = JsonSchema(workflow.input_schema).faults(inputs, 1);
  if (!faults.empty()) throw Error(ErrorCode::data, faults.front().message, "inputs" + faults.front().path);
}

void expect_keys(const Workflow& workflow, const std::vector<Event>& events) {
  for (const StepSpec& step : workflow.steps) {
    const bool is_done = std::any_of(events.begin(), events.end(), [&](const Event& event) {
      return event.kind == EventKind::step_done && event.step == step.name;
    });
    if (is_done || step.optional || step.condition) continue;
    for (const std::string& name : step.kind->models(step.with.written())) {
      const auto model = workflow.models.find(name);
      if (model != workflow.models.end()) (void)key_of(workflow.endpoints.at(model->second.endpoint));
    }
  }
}

std::string resume_hint(const RunSettings& settings) {
  return settings.may_be_resumed ? resume_command(settings.id, settings.journal_flag) + " goes on" : std::string();
}

Workflow without_keys(Workflow workflow) {
  for (auto& [name, endpoint] : workflow.endpoints) endpoint.needs_key = false;
  return workflow;
}

void add_outputs(RunOutcome& outcome, const Workflow& workflow, const TemplateScope& scope) {
  outcome.files = make_run_files(workflow, scope);
  if (workflow.checks) outcome.checks = check_run_files(workflow, scope, outcome.files);
  if (workflow.result) outcome.result = workflow.result->evaluate(scope);
}

size_t repairs_of(const Workflow& workflow, const nlohmann::json& steps) {
  const auto rounds_of = [](const nlohmann::json& output) { return output.value("rounds", size_t{0}); };
  size_t rounds = 0;
  for (const StepSpec& step : workflow.steps) {
    const auto found = steps.find(step.name);
    if (step.kind->name() != "repair" || found == steps.end() || !found->contains("output")) continue;
    const nlohmann::json& output = (*found)["output"];
    if (!step.foreach) {
      rounds += rounds_of(output);
      continue;
    }
    for (const nlohmann::json& one : output) rounds += rounds_of(one);
  }
  return rounds;
}

}  // namespace coppice
