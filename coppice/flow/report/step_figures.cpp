// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/step_figures.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

namespace coppice {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

using Runs = std::vector<const ComparedRun*>;
/// The values of the runs of each input that has any.
using Values = std::vector<std::vector<double>>;

Values values_of(const std::vector<Runs>& by_input,
                 const std::function<std::optional<double>(const ComparedRun&)>& of) {
  Values values;
  for (const Runs& runs : by_input) {
    std::vector<double> its;
    for (const ComparedRun* run : runs) {
      if (const auto value = of(*run)) its.push_back(*value);
    }
    if (!its.empty()) values.push_back(std::move(its));
  }
  return values;
}

double mean_over(const Values& values, std::span<const size_t> inputs) {
  double sum = 0, count = 0;
  for (const size_t input : inputs) {
    for (const double value : values[input]) sum += value;
    count += static_cast<double>(values[input].size());
  }
  return sum / count;
}

double mean_over(const Values& values) {
  std::vector<size_t> inputs(values.size());
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = i;
  return mean_over(values, inputs);
}

/// Parts, with Wilson's interval over inputs; NaN of none, and where one is not known.
Figure part_of(const Values& values) {
  const double mean = mean_over(values);
  if (!std::isfinite(mean)) return {kNaN, kNaN, kNaN};
  return proportion(mean * static_cast<double>(values.size()), values.size());
}

/// With the bootstrap's interval over inputs; NaN of none, and where one is not known.
Figure mean_of(const Values& values, uint64_t seed) {
  if (!std::isfinite(mean_over(values))) return {kNaN, kNaN, kNaN};
  return bootstrap(
      values.size(), [&](std::span<const size_t> drawn) { return mean_over(values, drawn); }, seed);
}

StepFigures& step_named(const std::string& name, std::vector<StepFigures>& steps) {
  for (StepFigures& step : steps) {
    if (step.name == name) return step;
  }
  steps.push_back({});
  steps.back().name = name;
  return steps.back();
}

void add_means(const std::vector<Runs>& by_input, std::vector<StepFigures>& steps) {
  double counted = 0;
  for (const Runs& runs : by_input) {
    for (const ComparedRun* run : runs) {
      if (!run->summary) continue;
      counted += 1;
      for (const StepSummary& did : run->summary->steps) {
        StepFigures& step = step_named(did.name, steps);
        step.calls += static_cast<double>(did.calls);
        step.input_tokens += static_cast<double>(did.usage.input_tokens);
        step.output_tokens += static_cast<double>(did.usage.output_tokens);
        step.cost_dollars += (did.cost - did.unknown.cost).dollars();
        if (did.state == "skipped") continue;
        step.ran += 1;
        step.seconds += did.seconds;
      }
    }
  }
  for (StepFigures& step : steps) {
    step.seconds /= std::max(step.ran, 1.0);
    for (double* sum : {&step.ran, &step.calls, &step.input_tokens, &step.output_tokens, &step.cost_dollars}) {
      *sum /= counted;
    }
  }
}

/// 1 = it was done, 0 = it failed; nothing where it did neither.
std::optional<double> was_done(const ComparedRun& run, const std::string& name) {
  if (!run.summary) return std::nullopt;
  for (const StepSummary& step : run.summary->steps) {
    if (step.name == name && (step.state == "done" || step.state == "failed")) return step.state == "done" ? 1 : 0;
  }
  return std::nullopt;
}

bool is_on(const StepVerdict& verdict, const std::string& step) {
  return std::find(verdict.of.begin(), verdict.of.end(), step) != verdict.of.end();
}

StepQuality quality_by(const StepVerdict& judge, const std::string& step, const std::vector<Runs>& by_input,
                       uint64_t seed) {
  StepQuality made;
  made.by = judge.by;
  std::copy_if(judge.of.begin(), judge.of.end(), std::back_inserter(made.together_with),
               [&](const std::string& other) { return other != step; });
  const auto values = [&](double StepVerdict::*field) {
    return values_of(by_input, [&](const ComparedRun& run) -> std::optional<double> {
      for (const StepVerdict& one : run.verdicts) {
        if (one.by == judge.by && is_on(one, step)) return one.*field;
      }
      return std::nullopt;
    });
  };
  const Values passed = values(&StepVerdict::passed);
  for (const auto& of_input : passed) made.runs += of_input.size();
  made.passed = part_of(passed);
  const Values scores = values(&StepVerdict::score);
  made.score = with_spread(mean_of(scores, seed), scores.size());
  return made;
}

void add_quality(StepFigures& step, const std::vector<Runs>& by_input, uint64_t seed) {
  for (const Runs& runs : by_input) {
    for (const ComparedRun* run : runs) {
      for (const StepVerdict& verdict : run->verdicts) {
        const bool is_known = std::any_of(step.quality.begin(), step.quality.end(),
                                          [&](const StepQuality& one) { return one.by == verdict.by; });
        if (!is_known && is_on(verdict, step.name)) {
          step.quality.push_back(quality_by(verdict, step.name, by_input, seed));
        }
      }
    }
  }
}

}  // namespace

std::vector<StepFigures> step_figures(const std::vector<Runs>& by_input, uint64_t seed) {
  std::vector<StepFigures> steps;
  add_means(by_input, steps);
  for (StepFigures& step : steps) {
    step.done = part_of(values_of(by_input, [&](const ComparedRun& run) { return was_done(run, step.name); }));
    add_quality(step, by_input, seed);
  }
  return steps;
}

nlohmann::ordered_json to_json(const Figure& figure) {
  const auto number = [](double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
  };
  return {{"value", number(figure.value)}, {"low", number(figure.low)}, {"high", number(figure.high)}};
}

nlohmann::ordered_json to_json(const StepFigures& step) {
  nlohmann::ordered_json quality = nlohmann::ordered_json::array();
  for (const StepQuality& one : step.quality) {
    quality.push_back({{"by", one.by},
                       {"together_with", one.together_with},
                       {"runs", one.runs},
                       {"passed", to_json(one.passed)},
                       {"score", to_json(one.score)}});
  }
  return {{"step", step.name},
          {"ran", step.ran},
          {"calls", step.calls},
          {"input_tokens", step.input_tokens},
          {"output_tokens", step.output_tokens},
          {"cost_usd", step.cost_dollars},
          {"seconds", step.seconds},
          {"done", to_json(step.done)},
          {"quality", std::move(quality)}};
}

}  // namespace coppice
