// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "coppice/flow/report/html_report.h"
#include "coppice/flow/report/report_page.h"
#include "coppice/flow/report/svg.h"
#include "coppice/flow/run/run_commands.h"
#include "coppice/flow/workflow/shape.h"

namespace coppice {
namespace {

/// A hint stands on a line of its own.
std::string lines_html(const std::string& text) {
  std::string made;
  for (const char c : text) made += c == '\n' ? "<br>" : escaped(std::string_view(&c, 1));
  return made;
}

std::string code_html(const std::string& command) {
  return "<code>" + escaped(command) + "</code>";
}

std::string questions_of(const RunSummary& run, const std::string& journal_flag) {
  std::string text;
  for (const StepSummary& step : run.steps) {
    for (const OpenQuestion& question : step.questions) {
      text += fmt::format("<p class=\"verdict\">Step {} waits for a person: {}<br>{}</p>\n",
                          escaped(place_text(step.name, question.item)), lines_html(question.text),
                          code_html(approve_command(run.record.id, journal_flag, step.name, question.item)));
    }
  }
  return text;
}

/// Of a run that nobody works on, though it has not ended.
std::string way_on_of(const RunSummary& run, const std::string& journal_flag) {
  const std::string state = state_of(run.record);
  const char* why = state == "interrupted" ? "Its program has ended without the run"
                    : state == "stopped"   ? "It was stopped on request"
                                           : nullptr;
  if (why == nullptr) return {};
  return fmt::format("<p class=\"bad\">{}: {} goes on.</p>", why,
                     code_html(resume_command(run.record.id, journal_flag)));
}

std::string summary_of(const RunSummary& run, const std::string& journal_flag) {
  std::string text = fmt::format(
      "<p>Run {}{}: <strong>{}</strong> in {}, {}, {} tokens in and {} out{}.", escaped(run.record.id),
      run.record.variant.empty() ? "" : ", variant " + escaped(run.record.variant), escaped(state_of(run.record)),
      shown_seconds(run.seconds), cost_text(run.cost, run.unknown), run.usage.input_tokens, run.usage.output_tokens,
      run.usage.is_estimated ? " (some of it estimated)" : "");
  if (!run.record.parent.empty()) text += " Forked from " + escaped(run.record.parent) + ".";
  if (run.resumptions > 0) {
    text += fmt::format(" It was resumed {}, after {} {}; they are in no figure.",
                        run.resumptions == 1 ? "once" : fmt::format("{} times", run.resumptions),
                        shown_seconds(run.waited_seconds), between_parts(run));
  }
  text += " " + tag_html(run.provenance) + "</p>\n";
  const bool is_said = run.record.state == "stopped";
  if (!run.error.empty() && !is_said) text += "<p class=\"bad\">" + lines_html(run.error) + "</p>";
  for (const StepSummary& step : run.steps) {
    for (const std::string& remark : step.remarks) {
      text += "<p class=\"note\">" + escaped(step.name) + ": " + lines_html(remark) + "</p>\n";
    }
  }
  return text + way_on_of(run, journal_flag);
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
    table += table_row({escaped(step.name), state, items_text(step), std::to_string(step.calls),
                        std::to_string(step.usage.input_tokens), std::to_string(step.usage.output_tokens),
                        step.is_kept ? "-" : shown_seconds(step.seconds),
                        step.cost.pico_dollars > 0 ? money_text(step.cost) : "-"});
  }
  return table + "</table>";
}

}  // namespace

std::string run_report(const RunSummary& run, const Workflow& workflow, const std::string& journal_flag) {
  const Shape shape = shape_of(workflow);
  std::string body = summary_of(run, journal_flag) + questions_of(run, journal_flag);
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
