// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "coppice/flow/run/run_outcome.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// For each step the seconds that it is on the longest chain of steps that waited for one another; 0 beside it. Their
/// sum is that chain's length: no run of the same steps takes less.
std::vector<double> critical_path(const Workflow& workflow, const RunOutcome& outcome);

}  // namespace coppice
