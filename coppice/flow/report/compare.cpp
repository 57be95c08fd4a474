// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/compare.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>

#include "coppice/core/quantity.h"
#include "coppice/flow/checks/coherence.h"

namespace coppice {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// No advice to gather more inputs than this.
constexpr double kMostInputs = 1e6;

using Runs = std::vector<const ComparedRun*>;
using Drawn = std::span<const size_t>;

/// The runs of each variant, by input: what is drawn together.
class RunTable {
 public:
  RunTable(const std::vector<ComparedRun>& runs, size_t n_variants) : by_(n_variants) {
    std::set<size_t> inputs;
    for (const ComparedRun& run : runs) inputs.insert(run.input);
    std::map<size_t, size_t> place;
    for (const size_t input : inputs) place.emplace(input, place.size());
    for (auto& variant : by_) variant.resize(inputs.size());
    for (const ComparedRun& run : runs) by_.at(run.variant)[place[run.input]].push_back(&run);
  }

  size_t inputs() const noexcept { return by_.empty() ? 0 : by_.front().size(); }
  const std::vector<Runs>& of(size_t variant) const { return by_[variant]; }

  Runs all(size_t variant, Drawn drawn) const {
    Runs runs;
    for (const size_t input : drawn) runs.insert(runs.end(), by_[variant][input].begin(), by_[variant][input].end());
    return runs;
  }

 private:
  std::vector<std::vector<Runs>> by_;
};

template <class Field>
double mean_of(const Runs& runs, Field field) {
  if (runs.empty()) return kNaN;
  double sum = 0;
  for (const ComparedRun* run : runs) sum += static_cast<double>(field(*run));
  return sum / static_cast<double>(runs.size());
}

double accepted_part(const Runs& runs) {
  return mean_of(runs, [](const ComparedRun& run) { return run.accepted ? 1 : 0; });
}
double cost_of(const Runs& runs) {
  return mean_of(runs, [](const ComparedRun& run) { return run.cost_dollars; });
}
double score_of(const Runs& runs) {
  return mean_of(runs, [](const ComparedRun& run) { return run.score; });
}
double coherence_of(Runs runs) {
  std::erase_if(runs, [](const ComparedRun* run) { return !run->finished; });
  return mean_of(runs, [](const ComparedRun& run) { return run.coherence; });
}
/// Infinite where nothing is accepted, and NaN where nothing has run.
double cost_per_accepted(const Runs& runs) {
  return cost_of(runs) / accepted_part(runs);
}

bool has_latency(const ComparedRun* run) {
  return run->finished && !run->was_resumed;
}
double median_latency(const Runs& runs) {
  std::vector<double> seconds;
  for (const ComparedRun* run : runs) {
    if (has_latency(run)) seconds.push_back(run->seconds);
  }
  return seconds.empty() ? kNaN : quantile(std::move(seconds), 0.5);
}

Figure latency_of(const std::vector<Runs>& by_input, double q, double ComparedRun::*field) {
  std::vector<double> seconds;
  size_t inputs = 0;
  for (const Runs& runs : by_input) {
    const size_t before = seconds.size();
    for (const ComparedRun* run : runs) {
      if (has_latency(run)) seconds.push_back(run->*field);
    }
    inputs += seconds.size() > before ? 1 : 0;
  }
  return quantile_of_groups(std::move(seconds), q, inputs);
}

/// Pairs of texts: those of one input, or those of different inputs.
std::vector<std::string> texts_of(const Runs& runs) {
  std::vector<std::string> texts;
  for (const ComparedRun* run : runs) {
    if (run->finished && !run->text.empty()) texts.push_back(run->text);
  }
  return texts;
}

double novelty_over_runs(const std::vector<Runs>& by_input) {
  std::vector<double> all;
  for (const Runs& runs : by_input) {
    const std::vector<std::string> texts = texts_of(runs);
    if (texts.size() > 1) all.push_back(novelty(texts).diversity);
  }
  return all.empty() ? kNaN : mean(all);
}

double novelty_over_inputs(const std::vector<Runs>& by_input) {
  std::vector<std::string> firsts;
  for (const Runs& runs : by_input) {
    std::vector<std::string> texts = texts_of(runs);
    if (!texts.empty()) firsts.push_back(std::move(texts.front()));
  }
  return firsts.size() < 2 ? kNaN : novelty(firsts).diversity;
}

/// One in one piece, if there is any.
std::shared_ptr<const RunSummary> typical_of(const Runs& runs, double median) {
  const ComparedRun* nearest = nullptr;
  const auto distance = [&](const ComparedRun& run) { return std::abs(run.seconds - median); };
  for (const ComparedRun* run : runs) {
    if (!run->finished || !run->summary || (run->was_resumed && std::isfinite(median))) continue;
    if (nearest == nullptr || distance(*run) < distance(*nearest)) nearest = run;
  }
  return nearest == nullptr ? nullptr : nearest->summary;
}

VariantFigures figures_of(const RunTable& table, size_t variant, const CompareOptions& options) {
  VariantFigures made;
  made.name = options.variants[variant];
  std::vector<size_t> inputs(table.inputs());
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = i;
  const Runs runs = table.all(variant, inputs);
  const auto estimate = [&](auto figure) {
    return bootstrap(
        table.inputs(), [&](Drawn drawn) { return figure(table.all(variant, drawn)); }, options.seed);
  };
  made.runs = runs.size();
  made.accepted = proportion(accepted_part(runs) * static_cast<double>(table.inputs()), table.inputs());
  made.score = with_spread(estimate(score_of), table.inputs());
  made.cost = estimate(cost_of);
  made.cost_per_accepted = estimate(cost_per_accepted);
  made.latency_p50 = latency_of(table.of(variant), 0.5, &ComparedRun::seconds);
  made.latency_p95 = latency_of(table.of(variant), 0.95, &ComparedRun::seconds);
  made.critical_p50 = latency_of(table.of(variant), 0.5, &ComparedRun::critical_seconds);
  made.calls = mean_of(runs, [](const ComparedRun& run) { return run.calls; });
  made.repairs = mean_of(runs, [](const ComparedRun& run) { return run.repairs; });
  made.input_tokens = mean_of(runs, [](const ComparedRun& run) { return run.input_tokens; });
  made.output_tokens = mean_of(runs, [](const ComparedRun& run) { return run.output_tokens; });
  made.coherence = coherence_of(runs);
  made.novelty_over_runs = novelty_over_runs(table.of(variant));
  made.novelty_over_inputs = novelty_over_inputs(table.of(variant));
  for (const ComparedRun* run : runs) {
    made.finished += run->finished ? 1 : 0;
    made.resumed += run->finished && run->was_resumed ? 1 : 0;
    made.unknown += run->unknown;
    made.provenance = std::max(made.provenance, run->provenance);
    if (!run->finished) ++made.failures[run->error.substr(0, run->error.find('\n'))];
  }
  made.steps = step_figures(table.of(variant), options.seed);
  made.typical = typical_of(runs, made.latency_p50.value);
  return made;
}

BreakEven break_even_of(const RunTable& table, size_t variant, const CompareOptions& options) {
  const Ownership first = options.ownership.empty() ? Ownership() : options.ownership[0];
  const Ownership own = options.ownership.empty() ? Ownership() : options.ownership[variant];
  const Figure saved = bootstrap(
      table.inputs(),
      [&](Drawn drawn) {
        return cost_of(table.all(0, drawn)) + first.operations_dollars - cost_of(table.all(variant, drawn)) -
               own.operations_dollars;
      },
      options.seed);
  return break_even(own.fixed_dollars - first.fixed_dollars, saved, options.requests_per_user);
}

/// Of an input: the part of the variant's runs that are accepted, less that of the first one's.
struct Gains {
  double mean = 0, mean_square = 0;
  size_t inputs = 0;

  Figure figure(size_t of) const noexcept { return paired_difference(mean, mean_square, of); }
};

Gains gains_of(const RunTable& table, size_t variant) {
  Gains gains;
  for (size_t input = 0; input < table.inputs(); ++input) {
    const double gain = accepted_part(table.of(variant)[input]) - accepted_part(table.of(0)[input]);
    if (std::isnan(gain)) continue;
    gains.mean += gain;
    gains.mean_square += gain * gain;
    ++gains.inputs;
  }
  const double n = static_cast<double>(std::max<size_t>(gains.inputs, 1));
  gains.mean /= n;
  gains.mean_square /= n;
  return gains;
}

/// So many inputs until the interval of the gain leaves out `margin`, if it stays what it is; infinite = no number.
double inputs_needed(const Gains& gains, double margin) {
  const auto decides = [&](size_t inputs) {
    const Figure figure = gains.figure(inputs);
    return figure.low >= margin || figure.high < margin;
  };
  size_t high = std::max<size_t>(gains.inputs, 1);
  while (!decides(high)) {
    if (static_cast<double>(high) > kMostInputs) return kInfinity;
    high *= 2;
  }
  size_t low = high / 2;
  while (low + 1 < high) {
    const size_t middle = low + (high - low) / 2;
    (decides(middle) ? high : low) = middle;
  }
  return static_cast<double>(high);
}

/// So many times the inputs until the interval would leave out `threshold`, if the figure stays what it is.
double growth_needed(const Figure& figure, double threshold) {
  const double distance = std::abs(figure.value - threshold);
  const double half = (figure.high - figure.low) / 2;
  if (!std::isfinite(half) || distance == 0) return kInfinity;
  return (half / distance) * (half / distance);
}

void judge(VariantComparison& made, const Gains& gains, size_t inputs, const CompareOptions& options) {
  const double margin = -options.quality_margin;
  const bool saves = made.saving.low > 0, costs_more = made.saving.high < 0;
  const bool keeps_quality = made.accepted_gain.low >= margin, loses_quality = made.accepted_gain.high < margin;
  const bool is_quality_known = made.is_checked || options.quality_margin >= 1;
  if (loses_quality || (costs_more && is_quality_known)) {
    made.verdict = Verdict::do_not;
    made.why = loses_quality ? "fewer of its outputs are accepted" : "an accepted output costs more";
    return;
  }
  if (!is_quality_known) {
    made.why = "nothing checks the outputs: that a run finished says nothing of quality";
    return;
  }
  if (saves && keeps_quality) {
    made.verdict = Verdict::decompose;
    made.why = "an accepted output costs less, and as many are accepted";
    return;
  }
  made.is_too_few = inputs < kFewestGroups;
  made.why = made.is_too_few ? fmt::format("{} do not tell how others fare", counted(inputs, "input"))
             : saves         ? "it is not sure yet that as many of its outputs are accepted"
             : keeps_quality ? "it is not sure yet that an accepted output costs less"
                             : "neither its saving nor its quality is sure yet";
  if (made.is_too_few) {
    made.more_inputs = kFewestGroups - inputs;
    return;
  }
  const double for_saving = saves ? 1.0 : static_cast<double>(inputs) * growth_needed(made.saving, 0);
  const double needed = std::ceil(std::max(for_saving, keeps_quality ? 1.0 : inputs_needed(gains, margin)));
  if (needed >= kMostInputs) return;
  made.more_inputs = needed > static_cast<double>(inputs) + 1 ? static_cast<size_t>(needed) - inputs : 1;
}

bool has_accepted(const RunTable& table, size_t variant) {
  const auto& by_input = table.of(variant);
  return std::any_of(by_input.begin(), by_input.end(), [](const Runs& runs) {
    return std::any_of(runs.begin(), runs.end(), [](const ComparedRun* run) { return run->accepted; });
  });
}

bool is_checked(const RunTable& table, size_t variant) {
  const auto& by_input = table.of(variant);
  return std::all_of(by_input.begin(), by_input.end(), [](const Runs& runs) {
    return std::all_of(runs.begin(), runs.end(), [](const ComparedRun* run) { return run->is_checked; });
  });
}

VariantComparison against_first(const RunTable& table, size_t variant, const CompareOptions& options) {
  const auto paired = [&](auto figure) {
    return bootstrap(
        table.inputs(), [&](Drawn drawn) { return figure(table.all(0, drawn), table.all(variant, drawn)); },
        options.seed);
  };
  VariantComparison made;
  made.variant = variant;
  made.is_checked = is_checked(table, 0) && is_checked(table, variant);
  made.saving = paired([](const Runs& a, const Runs& b) { return 1 - cost_per_accepted(b) / cost_per_accepted(a); });
  const Gains gains = gains_of(table, variant);
  made.accepted_gain = gains.figure(gains.inputs);
  made.score_gain = paired([](const Runs& a, const Runs& b) { return score_of(b) - score_of(a); });
  made.speed = paired([](const Runs& a, const Runs& b) { return median_latency(b) / median_latency(a); });
  made.pays = break_even_of(table, variant, options);
  if (has_accepted(table, 0) || has_accepted(table, variant)) {
    judge(made, gains, table.inputs(), options);
  } else {
    made.why = "no output of either is accepted, so that there is nothing to weigh";
  }
  return made;
}

nlohmann::ordered_json to_json(const VariantFigures& of) {
  const auto number = [](double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  for (const StepFigures& step : of.steps) steps.push_back(to_json(step));
  return {
      {"variant", of.name},
      {"provenance", name(of.provenance)},
      {"runs", of.runs},
      {"finished", of.finished},
      {"resumed", of.resumed},
      {"accepted", to_json(of.accepted)},
      {"score", to_json(of.score)},
      {"cost_usd", to_json(of.cost)},
      {"cost_per_accepted_usd", to_json(of.cost_per_accepted)},
      {"latency_p50_seconds", to_json(of.latency_p50)},
      {"latency_p95_seconds", to_json(of.latency_p95)},
      {"critical_path_p50_seconds", to_json(of.critical_p50)},
      {"calls", of.calls},
      {"repairs", of.repairs},
      {"input_tokens", of.input_tokens},
      {"output_tokens", of.output_tokens},
      {"novelty_over_runs", number(of.novelty_over_runs)},
      {"novelty_over_inputs", number(of.novelty_over_inputs)},
      {"coherence", number(of.coherence)},
      {"unknown_calls", of.unknown.calls},
      {"unknown_cost_usd", of.unknown.cost.dollars()},
      {"failures", of.failures},
      {"steps", std::move(steps)},
      {"typical_run", of.typical ? nlohmann::ordered_json(of.typical->record.id) : nlohmann::ordered_json(nullptr)}};
}

}  // namespace

const char* name(Verdict verdict) noexcept {
  constexpr const char* kNames[] = {"decompose", "do not", "undecided"};
  return kNames[static_cast<size_t>(verdict)];
}

std::string more_inputs_text(const VariantComparison& of) {
  if (of.verdict != Verdict::undecided || (!of.is_checked && of.more_inputs == 0)) return {};
  if (of.is_too_few) return fmt::format("at least {} must be tried", counted(of.more_inputs, "more input"));
  if (of.more_inputs > 0) return fmt::format("some {} may decide", counted(of.more_inputs, "more input"));
  return "more inputs would hardly decide";
}

std::string usual_saving_text(double saving) {
  if (!std::isfinite(saving) || saving <= 0) return {};
  const char* const where = saving < 0.7 ? "less than" : saving > 0.9 ? "more than" : "within";
  return fmt::format("{} the 70 to 90 % that the next smaller model size often saves", where);
}

bool CompareOptions::has_ownership() const noexcept {
  return std::any_of(ownership.begin(), ownership.end(),
                     [](const Ownership& one) { return one.fixed_dollars != 0 || one.operations_dollars != 0; });
}

std::optional<Error> failure_of_all(const std::vector<ComparedRun>& runs) {
  for (const ComparedRun& run : runs) {
    if (run.finished) return std::nullopt;
  }
  if (runs.empty()) return std::nullopt;
  return Error(runs.front().error_code, "no run of any variant has finished; the first one: " + runs.front().error);
}

Comparison compare(const std::vector<ComparedRun>& runs, const CompareOptions& options) {
  Comparison made;
  made.options = options;
  const RunTable table(runs, options.variants.size());
  for (size_t i = 0; i < options.variants.size(); ++i) made.figures.push_back(figures_of(table, i, options));
  for (size_t i = 1; i < options.variants.size(); ++i) made.against_first.push_back(against_first(table, i, options));
  for (const ComparedRun& run : runs) made.provenance = std::max(made.provenance, run.provenance);
  made.inputs = table.inputs();
  return made;
}

double total_dollars(const Comparison& comparison, size_t variant, double users) {
  const auto& all = comparison.options.ownership;
  const Ownership own = all.empty() ? Ownership() : all[variant];
  const double by_request = comparison.figures[variant].cost.value + own.operations_dollars;
  return own.fixed_dollars + users * comparison.options.requests_per_user * by_request;
}

nlohmann::ordered_json to_json(const Comparison& comparison) {
  nlohmann::ordered_json made = {{"provenance", name(comparison.provenance)},
                                 {"inputs", comparison.inputs},
                                 {"variants", nlohmann::ordered_json::array()}};
  for (const VariantFigures& one : comparison.figures) made["variants"].push_back(to_json(one));
  made["against_first"] = nlohmann::ordered_json::array();
  for (const VariantComparison& one : comparison.against_first) {
    made["against_first"].push_back({{"variant", comparison.options.variants[one.variant]},
                                     {"verdict", name(one.verdict)},
                                     {"why", one.why},
                                     {"checked", one.is_checked},
                                     {"more_inputs", one.more_inputs},
                                     {"saving", to_json(one.saving)},
                                     {"accepted_gain", to_json(one.accepted_gain)},
                                     {"score_gain", to_json(one.score_gain)},
                                     {"speed", to_json(one.speed)},
                                     {"pays", kind_of(one.pays)},
                                     {"break_even_users", to_json(one.pays.users)}});
  }
  return made;
}

}  // namespace coppice
