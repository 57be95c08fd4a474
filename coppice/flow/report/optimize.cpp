// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/optimize.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "coppice/core/options.h"

namespace coppice {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// Of these kinds models do nothing else.
bool is_special(const std::string& kind) {
  return kind == "image" || kind == "embed";
}

[[noreturn]] void refuse_name(const std::string& what, const std::string& name, const std::vector<std::string>& known) {
  const std::string nearest = nearest_name(name, known);
  throw Error(ErrorCode::usage, fmt::format("the workflow has no {} '{}'", what, name), {},
              nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
}

void expect_known(const Workflow& workflow, const std::map<std::string, std::vector<std::string>>& candidates) {
  std::vector<std::string> steps, models;
  for (const StepSpec& step : workflow.steps) steps.push_back(step.name);
  for (const auto& [name, model] : workflow.models) models.push_back(name);
  for (const auto& [step, names] : candidates) {
    if (workflow.find(step) == nullptr) refuse_name("step", step, steps);
    for (const std::string& name : names) {
      if (!workflow.models.contains(name)) refuse_name("model", name, models);
    }
  }
}

/// By kind of step ("" = all that are not special): the models that stand in such steps.
std::map<std::string, std::set<std::string>> models_by_kind(const Workflow& workflow) {
  std::map<std::string, std::set<std::string>> models;
  for (const StepSpec& step : workflow.steps) {
    const std::string kind = is_special(step.kind->name()) ? step.kind->name() : "";
    for (const std::string& name : step.kind->models(step.with.written())) models[kind].insert(name);
  }
  return models;
}

std::vector<std::string> candidates_for(const StepSpec& step, const Workflow& workflow) {
  const auto by_kind = models_by_kind(workflow);
  std::vector<std::string> names;
  for (const auto& [name, model] : workflow.models) {
    const auto stands_in = [&](const std::string& kind) {
      const auto found = by_kind.find(kind);
      return found != by_kind.end() && found->second.contains(name);
    };
    const bool fits =
        is_special(step.kind->name()) ? stands_in(step.kind->name()) : !stands_in("image") && !stands_in("embed");
    if (fits) names.push_back(name);
  }
  return names;
}

/// Measures each assignment once.
class Search {
 public:
  Search(const std::vector<ModelSlot>& slots, double floor, const std::function<Measured(const Assignment&)>& measure)
      : slots_(slots), floor_(floor), measure_(measure) {}

  Optimum run() {
    Assignment now;
    for (const ModelSlot& slot : slots_) now.push_back(slot.model);
    measured(now);
    try_each(now);
    climb(now);
    save(now);
    return finish();
  }

 private:
  struct Exchange {
    size_t slot = 0;
    std::string model;
    double saving = 0, gain = 0;  ///< dollars of a run; part of accepted outputs
  };

  const MeasuredAssignment& measured(const Assignment& models) {
    const auto [found, is_new] = known_.try_emplace(models, optimum_.all.size());
    if (is_new) {
      const Measured result = measure_(models);
      optimum_.all.push_back(measured_assignment(models, result));
    }
    return optimum_.all[found->second];
  }

  void try_each(const Assignment& now) {
    const MeasuredAssignment base = measured(now);
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      for (const std::string& model : slots_[slot].candidates) {
        if (model == now[slot]) continue;
        Assignment other = now;
        other[slot] = model;
        const MeasuredAssignment& result = measured(other);
        exchanges_.push_back({slot, model, base.measured.cost_dollars - result.measured.cost_dollars,
                              result.accepted.value - base.accepted.value});
      }
    }
  }

  /// Up to the floor, by what gained most for its price.
  void climb(Assignment& now) {
    std::vector<Exchange> gains;
    for (const Exchange& exchange : exchanges_) {
      if (exchange.gain > 0) gains.push_back(exchange);
    }
    const auto worth = [](const Exchange& one) {
      return one.saving >= 0 ? std::numeric_limits<double>::infinity() : one.gain / -one.saving;
    };
    std::stable_sort(gains.begin(), gains.end(),
                     [&](const Exchange& a, const Exchange& b) { return worth(a) > worth(b); });
    for (const Exchange& exchange : gains) {
      const double accepted = measured(now).accepted.value;
      if (accepted >= floor_) return;
      Assignment other = now;
      other[exchange.slot] = exchange.model;
      if (measured(other).accepted.value > accepted) now = other;
    }
  }

  /// Down in cost, as long as the floor holds. Less than that saved is chance.
  void save(Assignment& now) {
    std::stable_sort(exchanges_.begin(), exchanges_.end(),
                     [](const Exchange& a, const Exchange& b) { return a.saving > b.saving; });
    constexpr double kLeastSaving = 0.002;  // of the cost as written
    const double least = kLeastSaving * optimum_.all.front().measured.cost_dollars;
    for (const Exchange& exchange : exchanges_) {
      if (exchange.saving <= least) return;
      Assignment other = now;
      other[exchange.slot] = exchange.model;
      const double cost = measured(now).measured.cost_dollars;
      const MeasuredAssignment& result = measured(other);
      if (result.accepted.value >= floor_ && result.measured.cost_dollars < cost) now = other;
    }
  }

  Optimum finish() {
    auto& all = optimum_.all;
    const auto cost = [&](size_t i) { return all[i].measured.cost_dollars; };
    const auto accepted = [&](size_t i) { return all[i].accepted.value; };
    for (size_t i = 0; i < all.size(); ++i) {
      all[i].is_frontier = true;
      for (size_t k = 0; k < all.size(); ++k) {
        const bool is_better = cost(k) <= cost(i) && accepted(k) >= accepted(i) &&
                               (cost(k) < cost(i) || accepted(k) > accepted(i) || k < i);
        if (k != i && is_better) all[i].is_frontier = false;
      }
      const bool reaches = accepted(i) >= floor_;
      const size_t best = optimum_.chosen;
      const bool is_chosen = reaches ? !optimum_.reaches_floor || cost(i) < cost(best)
                                     : !optimum_.reaches_floor && accepted(i) > accepted(best);
      if (is_chosen) optimum_.chosen = i;
      optimum_.reaches_floor = optimum_.reaches_floor || reaches;
    }
    optimum_.slots = slots_;
    return std::move(optimum_);
  }

  const std::vector<ModelSlot>& slots_;
  double floor_;
  const std::function<Measured(const Assignment&)>& measure_;
  std::map<Assignment, size_t> known_;
  std::vector<Exchange> exchanges_;
  Optimum optimum_;
};

}  // namespace

MeasuredAssignment measured_assignment(const Assignment& models, const Measured& measured) {
  const double part = static_cast<double>(measured.accepted) / static_cast<double>(std::max<size_t>(measured.runs, 1));
  return {models, measured, proportion(part * static_cast<double>(measured.inputs), measured.inputs)};
}

std::vector<ModelSlot> model_slots(const Workflow& workflow, const SlotOptions& options) {
  expect_known(workflow, options.candidates);
  std::vector<ModelSlot> slots;
  for (const StepSpec& step : workflow.steps) {
    const json& with = step.with.written();
    for (const std::string& place : step.kind->model_places()) {
      const json::json_pointer pointer(place);
      if (!with.contains(pointer) || !with[pointer].is_string()) continue;
      const auto named = options.candidates.find(step.name);
      slots.push_back({step.name, place, with[pointer].get<std::string>(),
                       named != options.candidates.end() ? named->second : candidates_for(step, workflow)});
      if (options.ablate && step.optional) slots.back().candidates.emplace_back();
    }
  }
  return slots;
}

Workflow assigned(const Workflow& workflow, const std::vector<ModelSlot>& slots, const Assignment& models,
                  const StepKinds& kinds) {
  ordered_json whole = ordered_json::parse(workflow.text);
  for (size_t i = 0; i < slots.size(); ++i) {
    ordered_json& step = whole["steps"][slots[i].step];
    if (models[i].empty()) {
      step["if"] = false;
    } else {
      step["with"][ordered_json::json_pointer(slots[i].place)] = models[i];
    }
  }
  Workflow made = read_workflow_text(whole.dump(), kinds);
  made.variant = workflow.variant;
  return made;
}

Optimum optimize(const std::vector<ModelSlot>& slots, double floor,
                 const std::function<Measured(const Assignment&)>& measure) {
  return Search(slots, floor, measure).run();
}

std::vector<size_t> needless_slots(const Optimum& optimum) {
  std::vector<size_t> found;
  if (optimum.all.empty()) return found;
  const MeasuredAssignment& written = optimum.all.front();
  for (const MeasuredAssignment& one : optimum.all) {
    const auto left_out = std::find(one.models.begin(), one.models.end(), std::string());
    if (left_out == one.models.end()) continue;
    const auto slot = static_cast<size_t>(left_out - one.models.begin());
    Assignment else_as_written = written.models;
    else_as_written[slot].clear();
    const bool is_as_good = one.accepted.value >= written.accepted.value;
    if (one.models != else_as_written || !is_as_good) continue;
    if (one.measured.cost_dollars <= written.measured.cost_dollars) found.push_back(slot);
  }
  return found;
}

ordered_json to_json(const Optimum& optimum) {
  ordered_json all = ordered_json::array();
  for (const MeasuredAssignment& one : optimum.all) {
    ordered_json models = ordered_json::object();
    for (size_t i = 0; i < optimum.slots.size(); ++i) {
      models[optimum.slots[i].step + optimum.slots[i].place] =
          one.models[i].empty() ? ordered_json() : ordered_json(one.models[i]);
    }
    all.push_back(
        {{"models", models},
         {"runs", one.measured.runs},
         {"inputs", one.measured.inputs},
         {"accepted", {{"value", one.accepted.value}, {"low", one.accepted.low}, {"high", one.accepted.high}}},
         {"cost_usd", one.measured.cost_dollars},
         {"seconds_p50", one.measured.seconds},
         {"frontier", one.is_frontier}});
  }
  ordered_json needless = ordered_json::array();
  for (const size_t slot : needless_slots(optimum)) needless.push_back(optimum.slots[slot].step);
  return {{"chosen", optimum.chosen},
          {"reaches_floor", optimum.reaches_floor},
          {"needless_steps", needless},
          {"assignments", all}};
}

}  // namespace coppice
