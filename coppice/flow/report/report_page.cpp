// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/report_page.h"

#include <algorithm>

#include "coppice/core/quantity.h"
#include "coppice/flow/report/svg.h"
#include "coppice/flow/report/svg_parts.h"

namespace coppice {
namespace {

/// A longer list is no picture any more.
constexpr size_t kMostBars = 200;

constexpr const char* kStyle = R"css(
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2d33; background: #fbfcfc; margin: 2rem auto; max-width: 920px;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } h3 { font-size: 1rem; margin-bottom: .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid #e0e6e8; vertical-align: top; }
th:first-child, td:first-child { text-align: left; } .failures td, .failures th { text-align: left; }
td small { white-space: nowrap; color: #546e7a; }
svg { display: block; width: 100%; height: auto; background: #fff; border: 1px solid #e0e6e8; border-radius: 6px; }
svg text { font: 12px system-ui, sans-serif; fill: #1f2d33; } svg .small { font-size: 10px; fill: #546e7a; }
.tag { font-size: .75rem; font-weight: normal; border: 1px solid #90a4ae; border-radius: 4px; padding: 0 .3rem;
  color: #455a64; background: #fff; white-space: nowrap; }
.tag.measured { border-color: #00695c; color: #00695c; } .tag.simulated, .tag.replayed { border-color: #c2571a; color: #a3430d; }
.verdict { padding: .6rem .9rem; border-radius: 6px; background: #eef1f2; border-left: 4px solid #90a4ae; margin: .6rem 0; }
.verdict.decompose { border-color: #00695c; background: #eef4f3; }
.verdict.do-not { border-color: #b71c1c; background: #f9efee; }
.bad { color: #b71c1c; } .note, .legend { color: #546e7a; font-size: .85rem; }
.bar { display: inline-block; height: .7rem; background: #00695c; border-radius: 2px; vertical-align: middle; }
.quality td { white-space: nowrap; } .quality small { display: block; }
td.wide { width: 22%; text-align: left; }
@media (max-width: 640px) { td small { display: block; } }
)css";

const StepSummary* find_step(const RunSummary& run, const std::string& name) {
  const auto found =
      std::find_if(run.steps.begin(), run.steps.end(), [&](const auto& step) { return step.name == name; });
  return found == run.steps.end() ? nullptr : &*found;
}

TimeBar bar_of(const StepSummary& step) {
  const bool is_failed = step.state == "failed";
  TimeBar bar;
  bar.name = step.name;
  bar.title = fmt::format("{}: {}, from {}{}", step.name, shown_seconds(step.seconds),
                          shown_seconds(step.began_seconds), is_failed ? ", failed" : "");
  bar.begin = step.began_seconds;
  bar.end = step.ended_seconds;
  if (is_failed) bar.colour = "#c62828";
  bar.meaning = is_failed ? "step that failed" : "step";
  return bar;
}

struct CallColour {
  const char *colour, *meaning;
};

CallColour colour_of(EventKind end) {
  if (end == EventKind::call_answered) return {"#90b8b0", "call that was answered"};
  if (end == EventKind::call_failed) return {"#e08a7a", "call that failed"};
  if (end == EventKind::call_unknown) return {"#c9a94b", "call of unknown end"};
  return {"#b0bec5", "call under way"};
}

/// "painter #3": the number of the item, from 0 as `index` is, is never cut off.
std::string name_of(const CallSummary& call) {
  constexpr size_t kMost = 28;
  const std::string item = call.item < 0 ? std::string() : fmt::format(" #{}", call.item);
  return cut(call.model.empty() ? "call" : call.model, kMost - item.size()) + item;
}

TimeBar bar_of(const CallSummary& call) {
  const CallColour colour = colour_of(call.end);
  TimeBar bar;
  bar.name = name_of(call);
  bar.title = call.model.empty() ? "call" : call.model;
  if (call.item >= 0) bar.title += fmt::format(", item #{}", call.item);
  if (call.attempt > 1) bar.title += fmt::format(", attempt {}", call.attempt);
  bar.title += fmt::format(" ({}): {}, from {}; {} tokens in, {} out, {}", outcome_name(call.end),
                           shown_seconds(call.seconds), shown_seconds(call.began_seconds), call.usage.input_tokens,
                           call.usage.output_tokens, money_text(call.cost));
  bar.begin = call.began_seconds;
  bar.end = call.began_seconds + call.seconds;
  bar.colour = colour.colour;
  bar.meaning = colour.meaning;
  bar.is_part = true;
  return bar;
}

}  // namespace

std::string html_page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\"><title>" +
         escaped(title) + "</title><style>" + kStyle + "</style></head><body>\n<h1>" + escaped(title) + "</h1>\n" +
         body + "</body></html>\n";
}

std::string tag_html(Provenance provenance) {
  return fmt::format("<span class=\"tag {}\">{}</span>", name(provenance), title(provenance));
}

std::string heading_html(const std::string& text, Provenance provenance, int level) {
  return fmt::format("<h{0}>{1} {2}</h{0}>\n", level, text, tag_html(provenance));
}

std::string tag_legend() {
  return "<p class=\"legend\">Measured: servers have answered. Replayed: the answers are from a recording, and so "
         "times are none of a server. Simulated: a stand-in has answered, now or when the answers were recorded; costs "
         "and qualities come from its settings, and so do times, unless a recording was replayed: then they are none "
         "of "
         "a server.</p>\n";
}

std::string table_row(const std::vector<std::string>& cells, const char* kind) {
  std::string made = "<tr>";
  for (const std::string& cell : cells) made += fmt::format("<{0}>{1}</{0}>", kind, cell);
  return made + "</tr>\n";
}

std::string shown_dollars(double amount) {
  return std::isfinite(amount) ? money_text(Money::of_dollars(std::clamp(amount, -9e6, 9e6))) : "-";
}

std::string shown_seconds(double value) {
  if (!std::isfinite(value)) return "-";
  if (value >= 1) return fmt::format("{:.2f} s", value);
  return value >= 1e-3 ? fmt::format("{:.1f} ms", value * 1e3) : fmt::format("{:.0f} us", value * 1e6);
}

std::string shown_percent(double part) {
  return std::isfinite(part) ? fmt::format("{:.1f} %", part * 100) : "-";
}

std::string step_graph(const Workflow& workflow, const RunSummary* run) {
  std::vector<GraphNode> nodes;
  for (const StepSpec& step : workflow.steps) {
    const StepSummary* did = run == nullptr ? nullptr : find_step(*run, step.name);
    std::string state = did == nullptr ? "not begun" : did->state;
    // A foreach of no items leaves nothing behind.
    if (did == nullptr && run != nullptr && run->record.state == "finished") state = "done";
    nodes.push_back({step.name, step.kind->name(), state, step.needs});
  }
  return graph_svg(nodes);
}

std::string step_timeline(const RunSummary& run) {
  std::vector<const StepSummary*> steps;
  for (const StepSummary& step : run.steps) {
    if (!step.is_kept && step.state != "skipped") steps.push_back(&step);
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const StepSummary* a, const StepSummary* b) { return a->began_seconds < b->began_seconds; });
  std::vector<TimeBar> bars;
  size_t left_out = 0;
  for (const StepSummary* step : steps) {
    bars.push_back(bar_of(*step));
    for (const CallSummary& call : run.calls) {
      if (call.step != step->name) continue;
      bars.size() < kMostBars ? bars.push_back(bar_of(call)) : void(++left_out);
    }
  }
  std::string made = timeline_svg(bars);
  const bool has_items =
      std::any_of(run.calls.begin(), run.calls.end(), [](const auto& call) { return call.item >= 0; });
  if (has_items)
    made +=
        "<p class=\"note\">#0, #1, ...: the items of a <code>foreach</code>, as <code>index</code> counts them.</p>";
  if (left_out > 0) made += fmt::format("<p class=\"note\">Not shown: {}.</p>", counted(left_out, "more call"));
  return made;
}

}  // namespace coppice
