// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "coppice/flow/report/html_report.h"
#include "coppice/flow/report/report_page.h"
#include "coppice/flow/report/svg.h"
#include "coppice/flow/workflow/shape.h"

namespace coppice {
namespace {

/// A hint stands on a line of its own.
std::string lines_html(const std::string& text) {
  std::string made;
  for (const char c : text) made += c == '\n' ? "<br>" : escaped(std::string_view(&c, 1));
  return made;
}

std::string questions_of(const RunSummary& run) {
  std::string text;
  for (const StepSummary& step : run.steps) {
    for (const OpenQuestion& question : step.questions) {
      text += fmt::format(
          "<p class=\"verdict\">Step {} waits for a person: {}<br><code>coppice flow approve {} --step {}</code></p>\n",
          escaped(step.name), lines_html(question.text), escaped(run.record.id), escaped(step.name));
    }
  }
  return text;
}

std::string summary_of(const RunSummary& run) {
  std::string text = fmt::format(
      "<p>Run {}{}: <strong>{}</strong> in {}, {}, {} tokens in and {} out{}.", escaped(run.record.id),
      run.record.variant.empty() ? "" : ", variant " + escaped(run.record.variant), escaped(state_of(run.record)),
      shown_seconds(run.seconds), cost_text(run.cost, run.unknown), run.usage.input_tokens, run.usage.output_tokens,
      run.usage.is_estimated ? " (some of it estimated)" : "");
  if (!run.record.parent.empty()) text += " Forked from " + escaped(run.record.parent) + ".";
  if (run.resumptions > 0) {
    text += fmt::format(" It was resumed {}; the {} in between are in no figure.",
                        run.resumptions == 1 ? "once" : fmt::format("{} times", run.resumptions),
                        shown_seconds(run.waited_seconds));
  }
  text += " " + tag_html(run.provenance) + "</p>\n";
  if (!run.error.empty()) text += "<p class=\"bad\">" + lines_html(run.error) + "</p>";
  if (state_of(run.record) == "interrupted") {
    text += "<p class=\"bad\">Its program has ended without the run: <code>coppice flow resume " +
            escaped(run.record.id) + "</code> goes on.</p>";
  }
  return text;
}

std::string costs_of(const RunSummary& run) {
  std::vector<ValueBar> bars;
  for (const StepSummary& step : run.steps) {
    if (step.cost.pico_dollars > 0) bars.push_back({step.name, money_text(step.cost), step.cost.dollars()});
  }
  return bars.empty() ? "<p>Nothing was paid for.</p>" : bars_svg(bars);
}

std::string steps_table(const RunSummary& run) {
  std::string table =
      "<table>" + table_row({"step", "state", "items", "calls", "tokens in", "out", "took", "cost"}, "th");
  for (const StepSummary& step : run.steps) {
    std::string state = step.is_kept ? "kept from the parent" : escaped(step.state);
    if (step.cached > 0) state += fmt::format(", {} from the cache", step.cached);
    if (!step.error.empty()) state += "<br><small class=\"bad\">" + lines_html(step.error) + "</small>";
    table += table_row({escaped(step.name), state, std::to_string(step.items), std::to_string(step.calls),
                        std::to_string(step.usage.input_tokens), std::to_string(step.usage.output_tokens),
                        step.is_kept ? "-" : shown_seconds(step.seconds),
                        step.cost.pico_dollars > 0 ? money_text(step.cost) : "-"});
  }
  return table + "</table>";
}

}  // namespace

std::string run_report(const RunSummary& run, const Workflow& workflow) {
  const Shape shape = shape_of(workflow);
  std::string body = summary_of(run) + questions_of(run);
  body += fmt::format(
      "<h2>Steps</h2>{}<p class=\"note\">k = {} steps ask a model, E = {} pairs of them hand data on, m = "
      "{:.2f}.</p>\n",
      step_graph(workflow, &run), shape.model_steps, shape.edges, shape.exponent);
  body += heading_html("Time", run.provenance) + step_timeline(run);
  body += heading_html("Cost by step", run.provenance) + costs_of(run);
  body += heading_html("Figures by step", run.provenance) + steps_table(run);
  return html_page(workflow.name, body + tag_legend());
}

}  // namespace coppice
