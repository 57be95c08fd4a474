// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/run/run_outcome.h"
#include "coppice/flow/run/run_summary.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// What a run that has ended came to, read back from its journal: nobody is asked, nothing is written or paid. Of a
/// finished run the result, the files and what the checks say of them are made of its steps' outputs again; times,
/// calls and costs are those of `summary`. `workflow` is the one that the run was made of.
RunOutcome recorded_outcome(const Workflow& workflow, const RunSummary& summary, const std::vector<Event>& events);

}  // namespace coppice
