// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "coppice/core/quantity.h"
#include "coppice/flow/report/html_report.h"
#include "coppice/flow/report/report_page.h"
#include "coppice/flow/report/svg.h"
#include "coppice/flow/workflow/shape.h"

namespace coppice {
namespace {

/// From one user to ten times as many as at the last crossing.
std::string break_even_chart(const Comparison& comparison) {
  LineChart chart;
  chart.x_title = "users";
  chart.y_title = "dollars in all";
  double last = 1e4;
  for (const VariantComparison& one : comparison.against_first) {
    const Figure& users = one.pays.users;
    if (!std::isfinite(users.value)) continue;
    last = std::max(last, 10 * users.value);
    chart.marks.push_back({users.value, users.low, users.high, crossing_text(one.pays)});
  }
  last = std::pow(10, std::min(12.0, std::ceil(std::log10(last))));
  for (double x = 1; x <= last * 1.0001; x *= std::pow(10, 0.05)) chart.x.push_back(x);
  for (size_t i = 0; i < comparison.figures.size(); ++i) {
    if (comparison.figures[i].finished == 0) continue;
    ChartLine line{comparison.figures[i].name, {}};
    for (const double users : chart.x) line.y.push_back(total_dollars(comparison, i, users));
    chart.lines.push_back(std::move(line));
  }
  return lines_svg(chart);
}

/// "single $0, decomposed $8000.00".
std::string costs_by_variant(const CompareOptions& options, double Ownership::*field) {
  std::string text;
  for (size_t i = 0; i < options.variants.size(); ++i) {
    const double dollars = options.ownership[i].*field;
    text += (i == 0 ? "" : ", ") + escaped(options.variants[i]) + " " + (dollars == 0 ? "$0" : shown_dollars(dollars));
  }
  return text;
}

/// What the chart takes for given beside the cost of calls.
std::string assumed_costs(const CompareOptions& options) {
  if (!options.has_ownership()) return "No fixed costs and no costs of operation were given: all count as $0.";
  const auto is_given = [&](double Ownership::*field) {
    return std::any_of(options.ownership.begin(), options.ownership.end(),
                       [&](const Ownership& one) { return one.*field != 0; });
  };
  std::string text = "Assumed:";
  if (is_given(&Ownership::fixed_dollars)) {
    text += " fixed costs " + costs_by_variant(options, &Ownership::fixed_dollars) + ";";
  }
  if (is_given(&Ownership::operations_dollars)) {
    text += " operation of a request " + costs_by_variant(options, &Ownership::operations_dollars) + ";";
  }
  return text + " what was not given counts as $0.";
}

std::string totals_of(const Comparison& comparison) {
  const auto& figures = comparison.figures;
  const std::string heading = heading_html("Total cost by users", comparison.provenance);
  if (std::none_of(figures.begin(), figures.end(), [](const VariantFigures& one) { return one.finished > 0; })) {
    return heading + "<p>No run has finished: nobody knows what one costs.</p>\n";
  }
  return heading + break_even_chart(comparison) +
         fmt::format("<p class=\"note\">{:g} requests of each user at the cost of a run. {}</p>\n",
                     comparison.options.requests_per_user, assumed_costs(comparison.options));
}

/// What was charged after interruptions is no price of a variant.
std::string unknown_note(const VariantFigures& one) {
  if (one.unknown.calls == 0) return {};
  return "<br><small>" + charge_text(one.unknown) + " is not counted</small>";
}

std::string count_text(const VariantFigures& one) {
  std::string text = fmt::format("{} ({})", one.runs, one.finished);
  if (one.resumed > 0) text += fmt::format("<br><small>{} resumed: in no latency</small>", one.resumed);
  return text;
}

std::string figures_table(const Comparison& comparison) {
  std::string table = "<table>";
  const auto add = [&](const char* title, auto cell) {
    std::vector<std::string> cells = {title};
    for (const VariantFigures& one : comparison.figures) cells.push_back(cell(one));
    table += table_row(cells);
  };
  std::vector<std::string> head = {""};
  for (const VariantFigures& one : comparison.figures) {
    head.push_back(escaped(one.name) + " " + tag_html(one.provenance));
  }
  table += table_row(head, "th");
  add("runs (finished)", count_text);
  add("accepted", [](const auto& one) { return shown_with_interval(one.accepted, shown_percent); });
  add("score of the checks", [](const auto& one) { return shown_with_interval(one.score, shown_percent); });
  add("cost of a run",
      [](const auto& one) { return shown_with_interval(one.cost, shown_dollars) + unknown_note(one); });
  add("cost of an accepted output",
      [](const auto& one) { return shown_with_interval(one.cost_per_accepted, shown_dollars); });
  add("latency, median", [](const auto& one) { return shown_with_interval(one.latency_p50, shown_seconds); });
  add("latency, p95", [](const auto& one) { return shown_with_interval(one.latency_p95, shown_seconds); });
  add("critical path, median", [](const auto& one) { return shown_with_interval(one.critical_p50, shown_seconds); });
  add("calls", [](const auto& one) { return fmt::format("{:.1f}", one.calls); });
  add("repairs", [](const auto& one) { return fmt::format("{:.2f}", one.repairs); });
  add("tokens in, out",
      [](const auto& one) { return fmt::format("{:.0f}, {:.0f}", one.input_tokens, one.output_tokens); });
  add("novelty over runs", [](const auto& one) { return shown_percent(one.novelty_over_runs); });
  add("novelty over inputs", [](const auto& one) { return shown_percent(one.novelty_over_inputs); });
  add("coherence", [](const auto& one) { return shown_percent(one.coherence); });
  return table + "</table>\n";
}

std::string verdict_of(const Comparison& comparison, const VariantComparison& one) {
  const std::string name_of = escaped(comparison.options.variants[one.variant]);
  std::string kind = name(one.verdict);
  std::replace(kind.begin(), kind.end(), ' ', '-');
  const std::string more = more_inputs_text(one);
  std::string text =
      fmt::format("<div class=\"verdict {}\"><strong>{}: {}</strong>. {} {}{}.", kind, name_of, name(one.verdict),
                  tag_html(comparison.provenance), escaped(one.why), more.empty() ? "" : "; " + more);
  text +=
      fmt::format("<br>Saving of an accepted output {}; accepted outputs {}; median latency {} of the first one's.",
                  shown_with_interval(one.saving, shown_percent), shown_with_interval(one.accepted_gain, shown_percent),
                  shown_with_interval(one.speed, shown_percent));
  if (comparison.options.has_ownership()) text += "<br>It pays " + break_even_text(one.pays) + ".";
  return text + "</div>\n";
}

/// In the workflow's order; all steps, those that never ran too.
std::vector<StepFigures> ordered_steps(const VariantFigures& variant, const Workflow& workflow) {
  std::vector<StepFigures> steps;
  for (const StepSpec& spec : workflow.steps) {
    const auto found = std::find_if(variant.steps.begin(), variant.steps.end(),
                                    [&](const StepFigures& step) { return step.name == spec.name; });
    steps.push_back(found == variant.steps.end() ? StepFigures{} : *found);
    steps.back().name = spec.name;
  }
  return steps;
}

std::string cost_table(const VariantFigures& variant, const Workflow& workflow) {
  const std::vector<StepFigures> steps = ordered_steps(variant, workflow);
  double sum = 0;
  for (const StepFigures& step : steps) sum += step.cost_dollars;
  std::string table =
      "<table>" + table_row({"step", "ran", "calls", "tokens in", "out", "time", "cost", "part of the cost"}, "th");
  for (const StepFigures& step : steps) {
    const double part = sum > 0 ? step.cost_dollars / sum : 0;
    std::string row =
        table_row({escaped(step.name), fmt::format("{:.0f} %", 100 * step.ran), fmt::format("{:.1f}", step.calls),
                   fmt::format("{:.0f}", step.input_tokens), fmt::format("{:.0f}", step.output_tokens),
                   shown_seconds(step.seconds), step.calls > 0 ? shown_dollars(step.cost_dollars) : "-"});
    row.resize(row.rfind("</tr>"));
    table +=
        row + "<td class=\"wide\">" +
        (part > 0 ? fmt::format("<span class=\"bar\" style=\"width:{:.1f}%\"></span> {:.1f} %", 60 * part, 100 * part)
                  : std::string()) +
        "</td></tr>\n";
  }
  return table + "</table>\n<p class=\"note\">Means of a run; times are those of the runs in which the step ran.</p>\n";
}

std::string judge_of(const StepQuality& one, const std::string& step) {
  std::string text = one.by == step ? "itself, in the end" : escaped(one.by);
  for (size_t i = 0; i < one.together_with.size(); ++i) {
    text += (i == 0 ? " <small>together with " : ", ") + escaped(one.together_with[i]);
  }
  return one.together_with.empty() ? text : text + "</small>";
}

/// Each judge of a step has a row; what it costs and takes stands in the first one.
std::string quality_table(const VariantFigures& variant, const Workflow& workflow) {
  std::string table =
      "<table class=\"quality\">" + table_row({"step", "done", "cost", "time", "judged by", "passed", "score"}, "th");
  bool is_judged = false;
  for (const StepFigures& step : ordered_steps(variant, workflow)) {
    std::vector<std::string> cells = {escaped(step.name), shown_with_interval(step.done, shown_percent),
                                      step.calls > 0 ? shown_dollars(step.cost_dollars) : "-",
                                      shown_seconds(step.seconds)};
    for (const StepQuality& one : step.quality) {
      is_judged = true;
      cells.insert(cells.end(), {judge_of(one, step.name), shown_with_interval(one.passed, shown_percent),
                                 shown_with_interval(one.score, shown_percent)});
      table += table_row(cells);
      cells.assign(4, "");
    }
    if (!step.quality.empty()) continue;
    cells.resize(7, "-");
    table += table_row(cells);
  }
  return table +
         "</table>\n<p class=\"note\">Done: of the runs in which the step ran, those in which it came to an "
         "output. Passed and score: of those outputs, as checks, repairs (of what they were given) and models "
         "that judge say." +
         std::string(is_judged ? "" : " No step is judged here.") + "</p>\n";
}

std::string variant_section(const VariantFigures& variant, const Workflow& workflow) {
  const Shape shape = shape_of(workflow);
  std::string body = fmt::format(
      "<h2>{}</h2>\n<h3>Steps</h3>{}<p class=\"note\">k = {} steps ask a model, E = {} pairs "
      "of them hand data on, m = {:.2f}.",
      escaped(variant.name), step_graph(workflow, variant.typical.get()), shape.model_steps, shape.edges,
      shape.exponent);
  body += variant.typical ? " Colours are those of the run below.</p>\n" : "</p>\n";
  if (variant.typical) {
    const RunSummary& run = *variant.typical;
    body += heading_html("A typical run", run.provenance, 3) + step_timeline(run);
    body += fmt::format("<p class=\"note\">Run {}: {}, of all runs the nearest to the median; {}.</p>\n",
                        escaped(run.record.id), shown_seconds(run.seconds), cost_text(run.cost, run.unknown));
  }
  return body + heading_html("Cost by step", variant.provenance, 3) + cost_table(variant, workflow) +
         heading_html("Quality by step", variant.provenance, 3) + quality_table(variant, workflow);
}

std::string failures_of(const Comparison& comparison) {
  std::string table;
  for (const VariantFigures& one : comparison.figures) {
    for (const auto& [what, count] : one.failures)
      table += table_row({escaped(one.name), std::to_string(count), escaped(what)});
  }
  if (table.empty()) return {};
  return "<h2>Failures</h2><table class=\"failures\">" + table_row({"variant", "runs", "error"}, "th") + table +
         "</table>\n";
}

}  // namespace

std::string comparison_report(const Comparison& comparison, const std::vector<Workflow>& workflows) {
  std::string body = "<h2>Verdict</h2>\n";
  for (const VariantComparison& one : comparison.against_first) body += verdict_of(comparison, one);
  body += heading_html("Figures", comparison.provenance) +
          fmt::format(
              "<p class=\"note\">In brackets: 95 %, over {} that differ: by a bootstrap, of 6 inputs or more; "
              "of latencies by order statistics, which may leave an end open; of accepted outputs, and of "
              "scores that are all alike or few, by Wilson; of differences of accepted outputs by Agresti and "
              "Min.</p>",
              counted(comparison.inputs, "input")) +
          figures_table(comparison);
  body += failures_of(comparison) + totals_of(comparison);
  for (size_t i = 0; i < workflows.size(); ++i) body += variant_section(comparison.figures.at(i), workflows[i]);
  return html_page(workflows.front().name + ": comparison of variants", body + tag_legend());
}

}  // namespace coppice
