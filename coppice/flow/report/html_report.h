// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/flow/report/compare.h"
#include "coppice/flow/run/run_summary.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// One page, with nothing outside it: what a run did, as a graph, over time, and in money.
std::string run_report(const RunSummary& run, const Workflow& workflow);

/// One page on a comparison: figures of each variant with their intervals, the verdicts, what they cost by the number
/// of users, and failures. Each figure is marked by where it comes from.
std::string comparison_report(const Comparison& comparison, const std::string& workflow);

}  // namespace coppice
