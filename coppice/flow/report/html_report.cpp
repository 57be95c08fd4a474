// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/html_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "coppice/flow/report/svg.h"
#include "coppice/flow/workflow/shape.h"

namespace coppice {
namespace {

constexpr const char* kStyle = R"css(
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2d33; background: #fbfcfc; margin: 2rem auto; max-width: 920px; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid #e0e6e8; }
th:first-child, td:first-child { text-align: left; } td.text { text-align: left; }
svg { width: 100%; height: auto; background: #fff; border: 1px solid #e0e6e8; border-radius: 6px; }
svg text { font: 12px system-ui, sans-serif; fill: #1f2d33; } svg .small { font-size: 10px; fill: #546e7a; }
.tag { font-size: .75rem; border: 1px solid #90a4ae; border-radius: 4px; padding: 0 .3rem; color: #546e7a; }
.verdict { padding: .6rem .9rem; border-radius: 6px; background: #eef4f3; margin: .6rem 0; } .bad { color: #b71c1c; }
)css";

std::string page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escaped(title) +
         "</title><style>" + kStyle + "</style></head><body>\n<h1>" + escaped(title) + "</h1>\n" + body +
         "</body></html>\n";
}

std::string dollars(double amount) {
  if (!std::isfinite(amount)) return amount > 0 ? "never" : "-";
  return money_text(Money::of_dollars(std::clamp(amount, -9e6, 9e6)));
}

std::string seconds(double value) {
  if (!std::isfinite(value)) return "-";
  return value >= 1 ? fmt::format("{:.2f} s", value) : fmt::format("{:.1f} ms", value * 1e3);
}

std::string percent(double part) {
  return std::isfinite(part) ? fmt::format("{:.1f} %", part * 100) : "-";
}

/// "1.2 (1.0 to 1.4)".
template <class Show>
std::string with_interval(const Figure& estimate, Show show) {
  if (!std::isfinite(estimate.low) && !std::isfinite(estimate.high)) return show(estimate.value);
  return fmt::format("{} <small>({} to {})</small>", show(estimate.value), show(estimate.low), show(estimate.high));
}

std::string row(const std::vector<std::string>& cells, const char* kind = "td") {
  std::string made = "<tr>";
  for (const std::string& cell : cells) made += fmt::format("<{0}>{1}</{0}>", kind, cell);
  return made + "</tr>\n";
}

const StepSummary* find_step(const RunSummary& run, const std::string& name) {
  const auto found =
      std::find_if(run.steps.begin(), run.steps.end(), [&](const auto& step) { return step.name == name; });
  return found == run.steps.end() ? nullptr : &*found;
}

std::string graph_of(const RunSummary& run, const Workflow& workflow) {
  std::vector<GraphNode> nodes;
  for (const StepSpec& step : workflow.steps) {
    const StepSummary* did = find_step(run, step.name);
    nodes.push_back({step.name, step.kind->name(), did == nullptr ? "waiting" : did->state, step.needs});
  }
  return graph_svg(nodes);
}

std::string timeline_of(const RunSummary& run) {
  std::vector<TimeBar> bars;
  for (const StepSummary& step : run.steps) {
    bars.push_back({step.name, fmt::format("{}: {}", step.name, seconds(step.ended_seconds - step.began_seconds)),
                    step.began_seconds, step.ended_seconds, step.state == "failed" ? "#c62828" : ""});
    for (const CallSummary& call : run.calls) {
      if (call.step != step.name || bars.size() > 200) continue;
      bars.push_back({"  " + call.model,
                      fmt::format("{} {}: {} tokens in, {} out, {}", call.model, seconds(call.seconds),
                                  call.usage.input_tokens, call.usage.output_tokens, money_text(call.cost)),
                      call.began_seconds, call.began_seconds + call.seconds, "#90b8b0"});
    }
  }
  return timeline_svg(bars);
}

std::string costs_of(const RunSummary& run) {
  std::vector<ValueBar> bars;
  for (const StepSummary& step : run.steps) {
    if (step.cost.pico_dollars > 0) bars.push_back({step.name, money_text(step.cost), step.cost.dollars()});
  }
  return bars.empty() ? "<p>Nothing was paid for.</p>" : bars_svg(bars);
}

std::string steps_table(const RunSummary& run) {
  std::string table = "<table>" + row({"step", "state", "items", "calls", "tokens in", "out", "took", "cost"}, "th");
  for (const StepSummary& step : run.steps) {
    const std::string state =
        step.error.empty() ? step.state : step.state + "<br><small class=\"bad\">" + escaped(step.error) + "</small>";
    table += row({escaped(step.name), state, std::to_string(step.items), std::to_string(step.calls),
                  std::to_string(step.usage.input_tokens), std::to_string(step.usage.output_tokens),
                  seconds(step.ended_seconds - step.began_seconds), money_text(step.cost)});
  }
  return table + "</table>";
}

/// From one user to ten million.
std::string break_even_chart(const Comparison& comparison) {
  LineChart chart;
  chart.x_title = "users";
  chart.y_title = "dollars in all";
  double last = 1e4;
  for (const VariantComparison& one : comparison.against_first) {
    if (std::isfinite(one.break_even_users.value)) last = std::max(last, 10 * one.break_even_users.value);
    chart.marks.push_back(one.break_even_users.value);
  }
  last = std::pow(10, std::min(9.0, std::ceil(std::log10(last))));
  for (double x = 1; x <= last * 1.0001; x *= std::pow(10, 0.05)) chart.x.push_back(x);
  for (size_t i = 0; i < comparison.figures.size(); ++i) {
    ChartLine line{comparison.figures[i].name, {}};
    for (const double users : chart.x) line.y.push_back(total_dollars(comparison, i, users));
    chart.lines.push_back(std::move(line));
  }
  return lines_svg(chart);
}

std::string figures_table(const Comparison& comparison) {
  const auto& all = comparison.figures;
  std::string table = "<table>";
  const auto add = [&](const char* title, auto cell) {
    std::vector<std::string> cells = {title};
    for (const VariantFigures& one : all) cells.push_back(cell(one));
    table += row(cells);
  };
  std::vector<std::string> head = {"<span class=\"tag\">" + std::string(name(comparison.provenance)) + "</span>"};
  for (const VariantFigures& one : all) head.push_back(escaped(one.name));
  table += row(head, "th");
  add("runs (finished)", [](const auto& one) { return fmt::format("{} ({})", one.runs, one.finished); });
  add("accepted", [](const auto& one) { return with_interval(one.accepted, percent); });
  add("score of the checks", [](const auto& one) { return with_interval(one.score, percent); });
  add("cost of a run", [](const auto& one) { return with_interval(one.cost, dollars); });
  add("cost of an accepted output", [](const auto& one) { return with_interval(one.cost_per_accepted, dollars); });
  add("latency, median", [](const auto& one) { return with_interval(one.latency_p50, seconds); });
  add("latency, p95", [](const auto& one) { return with_interval(one.latency_p95, seconds); });
  add("critical path, median", [](const auto& one) { return with_interval(one.critical_p50, seconds); });
  add("calls", [](const auto& one) { return fmt::format("{:.1f}", one.calls); });
  add("repairs", [](const auto& one) { return fmt::format("{:.2f}", one.repairs); });
  add("tokens in, out",
      [](const auto& one) { return fmt::format("{:.0f}, {:.0f}", one.input_tokens, one.output_tokens); });
  add("novelty over runs", [](const auto& one) { return percent(one.novelty_over_runs); });
  add("novelty over inputs", [](const auto& one) { return percent(one.novelty_over_inputs); });
  add("coherence", [](const auto& one) { return percent(one.coherence); });
  return table + "</table>";
}

std::string verdict_of(const Comparison& comparison, const VariantComparison& one) {
  const std::string name_of = escaped(comparison.options.variants[one.variant]);
  std::string text =
      fmt::format("<div class=\"verdict\"><strong>{}: {}</strong>. {}.", name_of, name(one.verdict), escaped(one.why));
  if (one.verdict == Verdict::undecided) {
    text += one.more_inputs > 0 ? fmt::format(" Some {} more inputs may decide.", one.more_inputs)
                                : " More inputs would hardly decide.";
  }
  text += fmt::format("<br>Saving of an accepted output {}; accepted outputs {}; median latency {} of the first one's.",
                      with_interval(one.saving, percent), with_interval(one.accepted_gain, percent),
                      with_interval(one.speed, percent));
  const auto users = [](double count) {
    return std::isfinite(count) ? fmt::format("{:.0f}", std::ceil(count)) : std::string("no number");
  };
  if (!std::isfinite(one.break_even_users.low)) return text + "<br>It never pays, however many users there are.</div>";
  return text + fmt::format("<br>It pays from {} users on.</div>", with_interval(one.break_even_users, users));
}

std::string failures_of(const Comparison& comparison) {
  std::string table;
  for (const VariantFigures& one : comparison.figures) {
    for (const auto& [what, count] : one.failures)
      table += row({escaped(one.name), std::to_string(count), escaped(what)});
  }
  return table.empty() ? "" : "<h2>Failures</h2><table>" + row({"variant", "runs", "error"}, "th") + table + "</table>";
}

}  // namespace

std::string run_report(const RunSummary& run, const Workflow& workflow) {
  std::string body =
      fmt::format("<p>Run {}{}: <strong>{}</strong> in {}, {}, {} tokens in and {} out{}.</p>\n",
                  escaped(run.record.id), run.record.variant.empty() ? "" : ", variant " + escaped(run.record.variant),
                  escaped(run.record.state), seconds(run.seconds), money_text(run.cost), run.usage.input_tokens,
                  run.usage.output_tokens, run.usage.is_estimated ? " (some of it estimated)" : "");
  if (!run.error.empty()) body += "<p class=\"bad\">" + escaped(run.error) + "</p>";
  const Shape shape = shape_of(workflow);
  body += fmt::format("<h2>Steps</h2>{}<p>k = {} steps ask a model, E = {} pairs of them hand data on, m = {:.2f}.</p>",
                      graph_of(run, workflow), shape.model_steps, shape.edges, shape.exponent);
  body += "<h2>Time</h2>" + timeline_of(run) + "<h2>Cost by step</h2>" + costs_of(run) + steps_table(run);
  return page(workflow.name, body);
}

std::string comparison_report(const Comparison& comparison, const std::string& workflow) {
  std::string body = "<h2>Verdict</h2>";
  for (const VariantComparison& one : comparison.against_first) body += verdict_of(comparison, one);
  body += "<h2>Figures</h2><p>Intervals (95 %) are of a bootstrap over inputs.</p>" + figures_table(comparison);
  body += "<h2>Total cost by users</h2>" + break_even_chart(comparison);
  body += fmt::format("<p>Fixed costs, and {:g} requests of each user at the cost of a run and of its operation.</p>",
                      comparison.options.requests_per_user);
  return page(workflow + ": comparison of variants", body + failures_of(comparison));
}

}  // namespace coppice
