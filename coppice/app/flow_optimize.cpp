// SPDX-License-Identifier: Apache-2.0
// coppice flow optimize: the cheapest model for each step that keeps the quality.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
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
#include "coppice/app/stop_runner.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/json/text_hash.h"
#include "coppice/flow/report/comparison_runs.h"
#include "coppice/flow/report/optimize.h"
#include "coppice/flow/report/statistics.h"
#include "coppice/flow/run/plan.h"
#include "coppice/flow/run/run_settings.h"

namespace coppice::app {
namespace {

using nlohmann::json;

struct OptimizeArguments {
  CommonOptions common;
  FlowOptions flow;
  std::string workflow, inputs, variant, tenant, models, most_cost, id;
  std::vector<std::string> endpoints, candidates;
  double floor = 0.9;
  uint32_t repeats = 1, at_a_time = 1, simulated_runs = 200, measured_runs = 100;
  bool simulate = false, ablate = false, retry_failed = false, json = false;
};

void describe(OptionTable& table, OptimizeArguments& arguments) {
  table.add("floor", arguments.floor, 0, 1,
            "The least part of outputs that pass all checks; 0 = quality does not matter.");
  table.add("candidates", arguments.candidates,
            "STEP=MODEL+MODEL: what may stand in that step; the workflow's models of that kind unless given.");
  table.add("ablate", arguments.ablate,
            "Try to do without optional steps, too: one that changes nothing is one too many.");
  table.add("repeats", arguments.repeats, 1, 1000, "So many runs of each input and choice of models.");
  table.add("at_a_time", arguments.at_a_time, 1, 1000, "So many runs side by side.");
  table.add("most_cost", arguments.most_cost,
            "Dollars: no further run begins once those that have ended have cost so much; 0 = any.");
  table.add("retry_failed", arguments.retry_failed,
            "With the --id of a search that was begun before: try runs again that failed then.");
  table.add("simulate", arguments.simulate, "Ask nobody: simulate, as flow plan does.");
  table.add("simulated_runs", arguments.simulated_runs, 1, 100'000, "With --simulate: runs of each choice.");
  table.add("measured_runs", arguments.measured_runs, 1, 100'000,
            "With --simulate: so many of the journal's latest runs are looked at for how the models behave.");
  table.add("json", arguments.json, "Print one JSON object for machines in place of the table.");
}

std::map<std::string, std::vector<std::string>> read_candidates(const std::vector<std::string>& entries) {
  std::map<std::string, std::vector<std::string>> candidates;
  for (const std::string& entry : entries) {
    const size_t at = entry.find('=');
    if (at == entry.npos) {
      throw Error(ErrorCode::usage, fmt::format("--candidates got '{}', expected STEP=MODEL+MODEL", entry));
    }
    std::vector<std::string>& models = candidates[entry.substr(0, at)];
    for (size_t begin = at + 1; begin <= entry.size();) {
      const size_t end = std::min(entry.find('+', begin), entry.size());
      models.push_back(entry.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return candidates;
}

/// Runs every input with one choice of models.
class Measurer {
 public:
  Measurer(const OptimizeArguments& arguments, const Workflow& workflow, std::vector<json> inputs)
      : arguments_(arguments),
        inputs_(std::move(inputs)),
        folder_(std::filesystem::absolute(arguments.workflow).parent_path().string()),
        id_(arguments.id.empty() ? new_run_id() : arguments.id),
        most_(arguments.most_cost.empty() ? Money{} : parse_money(arguments.most_cost)),
        provenance_(arguments.simulate ? Provenance::simulated : Provenance::none) {
    if (!arguments.simulate) return;
    known_ = known_models(arguments.models, arguments.flow.journal, arguments.measured_runs, workflow);
  }

  /// `choice` names the models, each choice another way.
  Measured measure(const Workflow& workflow, const std::string& choice) {
    return arguments_.simulate ? simulated(workflow) : real(workflow, choice);
  }

  const std::string& source() const noexcept { return known_.source; }
  Money spent() const noexcept { return spent_; }
  const std::string& id() const noexcept { return id_; }
  Provenance provenance() const noexcept { return provenance_; }

 private:
  Measured simulated(const Workflow& workflow) const {
    PlanOptions options;
    options.runs = arguments_.simulated_runs;
    options.folder = folder_;
    const Plan plan = plan_workflow(workflow, inputs_, known_.models, options);
    return {plan.runs, plan.accepted, plan.cost_mean, plan.seconds_p50, plan.runs};
  }

  Measured real(const Workflow& workflow, const std::string& choice) {
    RunObserver quiet;
    Runner runner(runner_options(arguments_.flow), quiet);
    const StopRunner stop(runner);
    if (is_spent()) runner.stop();  // what is in the journal costs nothing
    try {
      return measured(run_comparison(runner, runs_of(workflow, choice), [&](const ComparisonStep& step) {
        spent_ += Money::of_dollars(step.run.cost_dollars) + step.run.unknown.cost;
        provenance_ = std::max(provenance_, step.run.provenance);
        if (is_spent()) runner.stop();
      }));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) throw;
      if (is_spent()) throw_spent();
      throw Error(error.code(), "stopped on request", {}, fmt::format("the same command with --id {} goes on", id_));
    }
  }

  bool is_spent() const noexcept { return most_ != Money{} && most_ <= spent_; }

  [[noreturn]] void throw_spent() const {
    throw Error(ErrorCode::budget,
                fmt::format("{} have been spent, --most-cost is {}", money_text(spent_), money_text(most_)), {},
                fmt::format("with more of it, the same command with --id {} goes on", id_));
  }

  /// They have the same names whenever the same choice is tried, so that what has ended is not paid again.
  ComparisonRuns runs_of(const Workflow& workflow, const std::string& choice) const {
    constexpr size_t kDigits = 12;
    ComparisonRuns runs;
    runs.id = fmt::format("{}-{}", id_, text_hash(choice).substr(0, kDigits));
    runs.workflows.push_back(workflow);
    runs.inputs = inputs_;
    runs.repeats = arguments_.repeats;
    runs.at_a_time = arguments_.at_a_time;
    runs.retries_failed = arguments_.retry_failed;
    runs.settings.tenant = arguments_.tenant;
    runs.settings.folder = folder_;
    runs.settings.uses_cache = false;  // it is the models that are measured
    runs.settings.allowed = {arguments_.flow.allow.begin(), arguments_.flow.allow.end()};
    return runs;
  }

  static Measured measured(const std::vector<ComparedRun>& runs) {
    Measured made;
    made.runs = runs.size();
    std::vector<double> seconds;
    std::set<size_t> inputs;
    for (const ComparedRun& run : runs) {
      inputs.insert(run.input);
      made.accepted += run.accepted ? 1 : 0;
      made.cost_dollars += run.cost_dollars / static_cast<double>(runs.size());
      if (run.finished && !run.was_resumed) seconds.push_back(run.seconds);
    }
    made.seconds = quantile(seconds, 0.5);
    made.inputs = inputs.size();
    return made;
  }

  const OptimizeArguments& arguments_;
  std::vector<json> inputs_;
  std::string folder_, id_;
  Money most_, spent_;  ///< by all runs of this name, those of before too
  KnownModels known_;
  Provenance provenance_;
};

/// The same whatever else may stand in the slots.
std::string name_of_choice(const std::vector<ModelSlot>& slots, const Assignment& models) {
  json named = json::array();
  for (size_t i = 0; i < slots.size(); ++i) named.push_back({slots[i].step, slots[i].place, models[i]});
  return named.dump();
}

/// What differs from the workflow as written: "developer: big".
std::string changes_text(const std::vector<ModelSlot>& slots, const Assignment& models) {
  std::string text;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (models[i] == slots[i].model) continue;
    text +=
        fmt::format("{}{}: {}", text.empty() ? "" : ", ", slots[i].step, models[i].empty() ? "left out" : models[i]);
  }
  return text.empty() ? "as written" : text;
}

std::string row(const Optimum& optimum, size_t number) {
  const MeasuredAssignment& one = optimum.all[number];
  return fmt::format("{}{} {:>6.1f} % ({:.1f} to {:.1f}) {:>11} {:>9}  {}\n", number == optimum.chosen ? '>' : ' ',
                     one.is_frontier ? '*' : ' ', 100 * one.accepted.value, 100 * one.accepted.low,
                     100 * one.accepted.high, money_text(Money::of_dollars(one.measured.cost_dollars)),
                     seconds_text(one.measured.seconds), changes_text(optimum.slots, one.models));
}

void print_rows(const Optimum& optimum) {
  std::vector<size_t> order(optimum.all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return optimum.all[a].measured.cost_dollars < optimum.all[b].measured.cost_dollars;
  });
  print_out("   accepted (95 % interval)  cost of a run  time p50  models\n");
  for (const size_t number : order) print_out(row(optimum, number));
}

void print(const Optimum& optimum, const OptimizeArguments& arguments, const Measurer& measurer) {
  print_rows(optimum);
  const MeasuredAssignment& base = optimum.all.front();
  const MeasuredAssignment& best = optimum.all[optimum.chosen];
  print_out("\n> chosen; * none is both cheaper and as good\n");
  if (!optimum.reaches_floor) {
    print_out(fmt::format("No choice has {:.0f} % accepted outputs: this is the best.\n", 100 * arguments.floor));
  } else if (best.accepted.low < arguments.floor) {
    print_out(fmt::format("The interval of the chosen one begins below {:.0f} %: more inputs would say more.\n",
                          100 * arguments.floor));
  }
  for (const size_t slot : needless_slots(optimum)) {
    print_out(fmt::format(
        "Without '{}' as many outputs are accepted, for no more money: as far as the checks see, one step too many.\n",
        optimum.slots[slot].step));
  }
  if (base.measured.cost_dollars > 0 && optimum.chosen != 0) {
    print_out(fmt::format("It costs {:.0f} % of what the workflow as written does.\n",
                          100 * best.measured.cost_dollars / base.measured.cost_dollars));
  }
  if (arguments.simulate) {
    print_out(fmt::format("All of this is simulated; how the models behave is {}.\n",
                          measurer.source().empty() ? "not known, and made up" : "from " + measurer.source()));
  } else {
    print_out(fmt::format("These figures: {}. Trying it out has cost {}.\n", title(measurer.provenance()),
                          money_text(measurer.spent())));
  }
}

void print_json(const Optimum& optimum, bool has_ended, const OptimizeArguments& arguments, const Measurer& measurer) {
  nlohmann::ordered_json object = to_json(optimum);
  if (!has_ended) object["chosen"] = nullptr;
  object["provenance"] = name(measurer.provenance());
  if (!arguments.simulate) object["id"] = measurer.id();
  if (!arguments.simulate) object["spent_usd"] = measurer.spent().dollars();
  print_out(json_text(object));
}

/// Of a search that ended early: it was paid for.
void print_unfinished(Optimum measured, const OptimizeArguments& arguments, const Measurer& measurer) {
  measured.chosen = measured.all.size();  // none
  if (arguments.json) return print_json(measured, false, arguments, measurer);
  if (measured.all.empty()) return print_out("No choice of models was measured to the end.\n");
  print_rows(measured);
  print_out(fmt::format("\nMeasured until the search ended; none is chosen. It has cost {}.\n",
                        money_text(measurer.spent())));
}

/// Else the cheapest models would do as well as any.
void expect_checks(const Workflow& workflow, const OptimizeArguments& arguments) {
  if (checks_outputs(workflow) || (arguments.floor == 0 && !arguments.ablate)) return;
  throw Error(
      ErrorCode::data, "nothing checks the outputs: that a run finished says nothing of quality", arguments.workflow,
      "outputs.checks, or a check or repair with must_pass, say what is accepted; --floor 0 without --ablate is "
      "for the cheapest models whatever they answer");
}

void optimize_models(const OptimizeArguments& arguments) {
  const StepKinds kinds = make_kinds();
  (void)allowed_kinds(arguments.flow, kinds);  // before anything is run
  Workflow workflow = read_workflow(arguments.workflow, arguments.variant, kinds);
  redirect(workflow, arguments.endpoints);
  const std::vector<ModelSlot> slots = model_slots(workflow, {read_candidates(arguments.candidates), arguments.ablate});
  if (slots.empty()) throw Error(ErrorCode::data, "no step asks a model", arguments.workflow);
  std::vector<json> inputs = read_flow_inputs(arguments.inputs, {&workflow, 1});
  expect_checks(workflow, arguments);
  if (!arguments.simulate) tell_equal_inputs(inputs, arguments.common);
  Measurer measurer(arguments, workflow, std::move(inputs));
  if (!arguments.simulate && arguments.flow.journal != "memory:") {
    say(fmt::format("search {0}: where it is interrupted, the same command with --id {0} goes on", measurer.id()),
        arguments.common);
  }
  size_t most = 1 + slots.size(), tried = 0;
  for (const ModelSlot& slot : slots) most += slot.candidates.size();
  Optimum measured;
  measured.slots = slots;
  const auto measure = [&](const Assignment& models) {
    const Measured made = measurer.measure(assigned(workflow, slots, models, kinds), name_of_choice(slots, models));
    say(fmt::format("{} of {} at most: {} of {} accepted, {} a run ({})", ++tried, most, made.accepted, made.runs,
                    money_text(Money::of_dollars(made.cost_dollars)), changes_text(slots, models)),
        arguments.common);
    measured.all.push_back(measured_assignment(models, made));
    return made;
  };
  Optimum found;
  try {
    found = optimize(slots, arguments.floor, measure);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::budget) print_unfinished(std::move(measured), arguments, measurer);
    throw;
  }
  if (arguments.json) {
    print_json(found, true, arguments, measurer);
  } else {
    print(found, arguments, measurer);
  }
}

}  // namespace

void add_flow_optimize(CommandList& commands) {
  Command command(commands, "flow optimize", "Choose the cheapest model for each step that keeps the quality.",
                  "  coppice flow optimize site.yaml --inputs visitors.jsonl --floor 0.9\n"
                  "  coppice flow optimize site.yaml --inputs visitors.jsonl --candidates developer=coder+big\n");
  auto arguments = std::make_shared<OptimizeArguments>();
  command.app().add_option("workflow", arguments->workflow, "the workflow file")->required();
  command.app().add_option("--inputs", arguments->inputs, "an input on each line (JSON lines)")->required();
  command.app().add_option("--variant", arguments->variant, "one of the workflow's variants");
  command.app().add_option("--id", arguments->id,
                           "a name for the search; one that was begun under it goes on: runs that have ended are read "
                           "back from the journal, and not paid again");
  command.app().add_option("--tenant", arguments->tenant, "on whose behalf: whose budget counts");
  command.app().add_option("--endpoint", arguments->endpoints, "NAME=URL: another server for one of the endpoints");
  command.app().add_option("--models", arguments->models,
                           "with --simulate: how the models behave, settings of a stand-in");
  OptionTable own, flow, common;
  describe(own, *arguments);
  describe(flow, arguments->flow);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Search");
  command.flags().add(command.app(), std::move(flow), "Journal");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { optimize_models(*arguments); });
}

}  // namespace coppice::app
