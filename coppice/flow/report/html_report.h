// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/flow/report/compare.h"
#include "coppice/flow/run/run_summary.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// One page, with nothing outside it: what a run did, as a graph, over time, and in money. Commands that it names say
/// `journal_flag` (as in RunSettings).
std::string run_report(const RunSummary& run, const Workflow& workflow, const std::string& journal_flag = {});

/// One page on a comparison: the verdicts, figures of each variant with their intervals, failures, what they cost by
/// the number of users; and of each variant its steps as a graph, a typical run over time, and the cost by step. All
/// figures are marked by where they come from. `workflows` are those of the variants, in their order.
std::string comparison_report(const Comparison& comparison, const std::vector<Workflow>& workflows);

}  // namespace coppice
