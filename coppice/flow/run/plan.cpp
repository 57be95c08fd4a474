// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/plan.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "coppice/http/awaitable.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "coppice/core/json_text.h"
#include "coppice/flow/llm/run_clock.h"
#include "coppice/flow/run/critical_path.h"
#include "coppice/flow/run/run.h"
#include "coppice/flow/run/run_rules.h"
#include "coppice/flow/stand_in/simulated_sender.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

using nlohmann::json;

/// Shorter lines are alike by chance.
constexpr size_t kLeastLineBytes = 24;

/// Text that is sent more than once: lines of prompts that an earlier prompt of the same run had.
class RepeatedText {
 public:
  void add(const HttpRequest& request) {
    const json body = parse_json(request.body);
    if (!body.is_object() || !body.contains("messages")) return;
    std::vector<std::string> mine;
    for (const json& message : body["messages"]) {
      if (!message.is_object() || !message.contains("content") || !message["content"].is_string()) continue;
      add_lines(message["content"].get_ref<const std::string&>(), mine);
    }
    lines_.insert(std::make_move_iterator(mine.begin()), std::make_move_iterator(mine.end()));
  }
  uint64_t tokens() const noexcept { return tokens_; }

 private:
  void add_lines(std::string_view text, std::vector<std::string>& mine) {
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      if (line.size() < kLeastLineBytes) continue;
      std::string copy(line);
      if (lines_.contains(copy)) tokens_ += stand_in_tokens(line);
      mine.push_back(std::move(copy));
    }
  }

  std::unordered_set<std::string> lines_;
  uint64_t tokens_ = 0;
};

/// What one simulated run came to.
struct SimulatedRun {
  RunOutcome outcome;
  Money most;
  uint64_t most_input_tokens = 0, most_output_tokens = 0, repeated_tokens = 0;
  std::vector<double> critical_seconds;  ///< by step
};

/// Adds up what the calls of a run were allowed to cost.
void add_bounds(const std::vector<Event>& events, SimulatedRun& run) {
  for (const Event& event : events) {
    if (event.kind != EventKind::call_intended) continue;
    run.most += event.amount;
    const json said = parse_json(event.payload);
    run.most_input_tokens += said.value("most_input_tokens", uint64_t{0});
    run.most_output_tokens += said.value("most_output_tokens", uint64_t{0});
  }
}

SimulatedRun simulate(const Workflow& workflow, const json& inputs, StandInOptions models, const std::string& folder) {
  SimulatedTime time;
  boost::asio::io_context loop(1);
  boost::asio::thread_pool nobody(1);
  const auto journal = open_journal("memory:", Durability::process);
  StandIn stand_in(std::move(models));
  SimulatedSender sender(stand_in);
  RepeatedText repeated;
  sender.on_request = [&repeated](const HttpRequest& request, const StandInPlan&) { repeated.add(request); };
  LlmClient llm(sender);
  EndpointGates gates(loop);
  RunObserver quiet;
  RunSettings settings;
  settings.id = "plan";
  settings.folder = folder;
  settings.is_pretended = true;
  SimulatedRun made;
  std::exception_ptr failure;
  {
    Run run(workflow, {loop, nobody, *journal, sender, llm, gates, quiet}, settings);
    const auto all = [&]() -> Awaitable<void> { made.outcome = co_await run.start(inputs); };
    boost::asio::co_spawn(loop, all(), [&](std::exception_ptr thrown) { failure = thrown; });
    time.run(loop);
  }
  nobody.join();
  if (failure) std::rethrow_exception(failure);
  if (made.outcome.state.empty()) throw Error(ErrorCode::internal, "the simulated run waits for what never comes");
  add_bounds(journal->events("plan"), made);
  made.repeated_tokens = repeated.tokens();
  made.critical_seconds = critical_path(workflow, made.outcome);
  return made;
}

bool acts_on_world(const StepSpec& step) {
  const std::set<std::string> kinds = {"http", "sql", "command", "approve"};
  return kinds.contains(step.kind->name());
}

/// Models of the workflow that the settings do not have are added; their names are what is returned.
std::vector<std::string> add_unknown(const Workflow& workflow, StandInOptions& models) {
  std::set<std::string> unknown;
  for (const StepSpec& step : workflow.steps) {
    for (const std::string& name : step.kind->models(step.with.written())) {
      const auto found = workflow.models.find(name);
      if (found == workflow.models.end()) continue;
      const std::string& model = found->second.model;
      if (!models.models.contains(model) && !models.models.contains("*")) unknown.insert(model);
    }
  }
  for (const std::string& model : unknown) models.models.emplace(model, unknown_model());
  if (models.models.empty()) models.models.emplace("*", unknown_model());
  return {unknown.begin(), unknown.end()};
}

/// Gathers what runs came to.
class Planner {
 public:
  explicit Planner(const Workflow& workflow) {
    if (workflow.budget.run) plan_.budget = workflow.budget.run->dollars();
    plan_.shape = shape_of(workflow);
    for (const StepSpec& step : workflow.steps) {
      plan_.steps.push_back({step.name, step.kind->name(), step.kind->models(step.with.written())});
      if (acts_on_world(step)) plan_.pretended.push_back(step.name);
    }
  }

  void add(const SimulatedRun& run) {
    const RunOutcome& outcome = run.outcome;
    ++plan_.runs;
    if (outcome.state == "finished") {
      ++plan_.finished;
      if (!outcome.checks || outcome.checks->passed) ++plan_.accepted;
      run_seconds_.push_back(outcome.seconds);
    } else if (!plan_.first_failure) {
      plan_.first_failure = outcome.error;
    }
    costs_.push_back(outcome.cost.dollars());
    plan_.cost_most = std::max(plan_.cost_most, run.most.dollars());
    plan_.input_tokens_most = std::max(plan_.input_tokens_most, static_cast<double>(run.most_input_tokens));
    plan_.output_tokens_most = std::max(plan_.output_tokens_most, static_cast<double>(run.most_output_tokens));
    plan_.repeated_tokens += static_cast<double>(run.repeated_tokens);
    plan_.repairs += static_cast<double>(outcome.repairs);
    plan_.input_tokens += static_cast<double>(outcome.usage.input_tokens);
    plan_.output_tokens += static_cast<double>(outcome.usage.output_tokens);
    for (size_t i = 0; i < plan_.steps.size(); ++i) add_step(i, outcome.steps[i], run.critical_seconds[i]);
  }

  Plan finish(std::vector<std::string> unknown) {
    const auto n = static_cast<double>(std::max<size_t>(plan_.runs, 1));
    for (double* sum :
         {&plan_.repeated_tokens, &plan_.repairs, &plan_.input_tokens, &plan_.output_tokens, &plan_.calls}) {
      *sum /= n;
    }
    plan_.cost_mean = mean(costs_);
    plan_.cost_p50 = quantile(costs_, 0.5);
    plan_.cost_p95 = quantile(costs_, 0.95);
    plan_.seconds_p50 = quantile(run_seconds_, 0.5);
    plan_.seconds_p95 = quantile(run_seconds_, 0.95);
    for (PlannedStep& step : plan_.steps) {
      for (double* sum : {&step.ran, &step.items, &step.calls, &step.input_tokens, &step.output_tokens,
                          &step.cost_dollars, &step.seconds, &step.critical_seconds}) {
        *sum /= n;
      }
    }
    plan_.unknown = std::move(unknown);
    return std::move(plan_);
  }

 private:
  void add_step(size_t number, const StepOutcome& outcome, double critical_seconds) {
    PlannedStep& step = plan_.steps[number];
    if (outcome.state != StepState::done && outcome.state != StepState::failed) return;
    step.ran += 1;
    step.items += static_cast<double>(outcome.items);
    step.calls += static_cast<double>(outcome.calls);
    plan_.calls += static_cast<double>(outcome.calls);
    step.input_tokens += static_cast<double>(outcome.usage.input_tokens);
    step.output_tokens += static_cast<double>(outcome.usage.output_tokens);
    step.cost_dollars += outcome.cost.dollars();
    step.critical_seconds += critical_seconds;
    step.seconds += outcome.seconds;
  }

  Plan plan_;
  std::vector<double> costs_, run_seconds_;
};

}  // namespace

StandInModel unknown_model() {
  StandInModel model;
  model.speed.first_token_seconds = {0.5, 1.5};
  model.speed.output_token_seconds = {0.02, 0.02};
  return model;
}

Plan plan_workflow(const Workflow& workflow, const std::vector<json>& inputs, const StandInOptions& models,
                   const PlanOptions& options) {
  StandInOptions known = models;
  std::vector<std::string> unknown = add_unknown(workflow, known);
  known.key.clear();
  const Workflow unsent = without_keys(workflow);
  Planner planner(workflow);
  for (uint32_t i = 0; i < options.runs; ++i) {
    known.seed = options.seed + i;
    known.inputs = inputs[i % inputs.size()];
    planner.add(simulate(unsent, known.inputs, known, options.folder));
  }
  return planner.finish(std::move(unknown));
}

nlohmann::ordered_json to_json(const Plan& plan) {
  using nlohmann::ordered_json;
  ordered_json steps = ordered_json::array();
  for (const PlannedStep& step : plan.steps) {
    steps.push_back({{"step", step.name},
                     {"kind", step.kind},
                     {"models", step.models},
                     {"ran", step.ran},
                     {"items", step.items},
                     {"calls", step.calls},
                     {"input_tokens", step.input_tokens},
                     {"output_tokens", step.output_tokens},
                     {"cost_usd", step.cost_dollars},
                     {"seconds", step.seconds},
                     {"critical_seconds", step.critical_seconds}});
  }
  return {{"provenance", "simulated"},
          {"runs", plan.runs},
          {"finished", plan.finished},
          {"accepted", plan.accepted},
          {"cost_usd",
           {{"mean", plan.cost_mean},
            {"p50", plan.cost_p50},
            {"p95", plan.cost_p95},
            {"most", plan.cost_most},
            {"budget", plan.budget ? ordered_json(*plan.budget) : ordered_json()}}},
          {"seconds", {{"p50", plan.seconds_p50}, {"p95", plan.seconds_p95}}},
          {"calls", plan.calls},
          {"input_tokens",
           {{"mean", plan.input_tokens}, {"most", plan.input_tokens_most}, {"repeated", plan.repeated_tokens}}},
          {"output_tokens", {{"mean", plan.output_tokens}, {"most", plan.output_tokens_most}}},
          {"repairs", plan.repairs},
          {"model_steps", plan.shape.model_steps},
          {"edges", plan.shape.edges},
          {"exponent", plan.shape.exponent},
          {"steps", steps},
          {"unknown_models", plan.unknown},
          {"pretended_steps", plan.pretended},
          {"failure", plan.first_failure ? plan.first_failure->message() : ""}};
}

}  // namespace coppice
