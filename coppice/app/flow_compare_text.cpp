// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flow_compare_text.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "coppice/app/flow_progress.h"
#include "coppice/app/output.h"
#include "coppice/core/quantity.h"

namespace coppice::app {
namespace {

std::string with_interval(const Figure& estimate, const std::function<std::string(double)>& show) {
  const std::string interval = interval_text(estimate, show);
  return interval.empty() ? show(estimate.value) : fmt::format("{} ({})", show(estimate.value), interval);
}

std::string percent_text(double part) {
  return std::isfinite(part) ? fmt::format("{:.1f} %", 100 * part) : "-";
}
std::string dollars_text(double amount) {
  return std::isfinite(amount) ? money_text(Money::of_dollars(std::clamp(amount, -9e6, 9e6))) : "none";
}

void print_failures(const VariantFigures& one) {
  for (const auto& [what, count] : one.failures)
    print_out(fmt::format("  {} failed: {}\n", counted(count, "run"), what));
}

void print(const StepQuality& one, const std::string& step) {
  std::vector<std::string> says;
  if (std::isfinite(one.passed.value)) says.push_back("passed " + with_interval(one.passed, percent_text));
  if (std::isfinite(one.score.value)) says.push_back("score " + with_interval(one.score, percent_text));
  if (!one.together_with.empty()) says.push_back(fmt::format("together with {}", fmt::join(one.together_with, ", ")));
  print_out(fmt::format("    by {:<18} {}\n", one.by == step ? "itself, in the end" : one.by, fmt::join(says, ", ")));
}

/// What steps that cost or are judged cost and take, and how good what they put out is.
void print(const StepFigures& step) {
  if (step.calls == 0 && step.quality.empty()) return;
  print_out(fmt::format("  step {:<16} {}, {}; done {}\n", step.name, dollars_text(step.cost_dollars),
                        seconds_text(step.seconds), with_interval(step.done, percent_text)));
  for (const StepQuality& one : step.quality) print(one, step.name);
}

void print(const VariantFigures& one) {
  print_out(fmt::format("{} ({}): {}, {} finished\n", one.name, title(one.provenance), counted(one.runs, "run"),
                        one.finished));
  print_out(fmt::format("  accepted              {}\n", with_interval(one.accepted, percent_text)));
  print_out(fmt::format("  cost of a run         {}\n", with_interval(one.cost, dollars_text)));
  print_out(fmt::format("  cost of an accepted   {}\n", with_interval(one.cost_per_accepted, dollars_text)));
  if (one.unknown.calls > 0) print_out(fmt::format("  {} is not counted\n", charge_text(one.unknown)));
  print_out(fmt::format("  latency p50           {}\n", with_interval(one.latency_p50, seconds_text)));
  print_out(fmt::format("  latency p95           {}\n", with_interval(one.latency_p95, seconds_text)));
  print_out(fmt::format("  critical path p50     {}\n", with_interval(one.critical_p50, seconds_text)));
  if (one.resumed > 0) {
    print_out(fmt::format("  {} resumed after an interruption: in no figure of latency\n",
                          counted(one.resumed, "finished run")));
  }
  print_out(
      fmt::format("  calls {:.1f}, repairs {:.2f}, tokens {:.0f} in, {:.0f} out; novelty over runs {}, over inputs {}, "
                  "coherence {}\n",
                  one.calls, one.repairs, one.input_tokens, one.output_tokens, percent_text(one.novelty_over_runs),
                  percent_text(one.novelty_over_inputs), percent_text(one.coherence)));
  for (const StepFigures& step : one.steps) print(step);
  print_failures(one);
}

void print(const VariantComparison& one, const Comparison& comparison) {
  print_out(fmt::format("\n{} against {}: {}, {}\n", comparison.options.variants[one.variant],
                        comparison.options.variants[0], name(one.verdict), one.why));
  if (const std::string more = more_inputs_text(one); !more.empty()) print_out("  " + more + "\n");
  print_out(fmt::format("  saving                {}\n", with_interval(one.saving, percent_text)));
  if (const std::string usual = usual_saving_text(one.saving.value); !usual.empty()) {
    print_out("                        " + usual + "\n");
  }
  print_out(fmt::format("  accepted outputs      {}\n", with_interval(one.accepted_gain, percent_text)));
  if (!comparison.options.has_ownership()) return;  // then it pays at once, or never
  print_out(fmt::format("  pays                  {}\n", break_even_text(one.pays)));
}

}  // namespace

void print_comparison(const Comparison& comparison) {
  print_out(fmt::format("{} that differ, intervals of 95 % over them\n", counted(comparison.inputs, "input")));
  for (const VariantFigures& one : comparison.figures) print(one);
  for (const VariantComparison& one : comparison.against_first) print(one, comparison);
}

}  // namespace coppice::app
