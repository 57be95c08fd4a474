// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "coppice/flow/llm/provenance.h"
#include "coppice/flow/report/statistics.h"
#include "coppice/flow/run/run_summary.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

// The parts that pages on runs are made of. Texts that go into HTML are escaped by whoever hands them over.

/// One file of HTML with nothing outside it.
std::string html_page(const std::string& title, const std::string& body);

/// Where the figures that it stands at come from: "measured".
std::string tag_html(Provenance provenance);
/// A heading with that tag.
std::string heading_html(const std::string& text, Provenance provenance, int level = 2);
/// What the tags mean.
std::string tag_legend();

std::string table_row(const std::vector<std::string>& cells, const char* kind = "td");

// "-" for what is not finite.
std::string shown_dollars(double amount);
std::string shown_seconds(double value);
std::string shown_percent(double part);

/// "1.2 (1.0 to 1.4)", "1.2 (at least 1.0)", "1.2 (too few inputs)".
template <class Show>
std::string shown_with_interval(const Figure& figure, Show show) {
  const std::string interval = interval_text(figure, show);
  return interval.empty() ? show(figure.value) : fmt::format("{} <small>({})</small>", show(figure.value), interval);
}

/// The steps and what they wait for, coloured by what became of them in a run; null = in none.
std::string step_graph(const Workflow& workflow, const RunSummary* run);

/// When the steps of a run, and their calls, began and ended.
std::string step_timeline(const RunSummary& run);

}  // namespace coppice
