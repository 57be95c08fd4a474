// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "coppice/flow/checks/checks.h"
#include "coppice/flow/journal/journal.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// What somebody has said in one run about what steps put out.
struct StepVerdict {
  std::string by;               ///< the step that judges; `kOutputChecks`
  std::vector<std::string> of;  ///< the steps that are judged: of two or more nobody knows whose the fault is
  double passed = std::numeric_limits<double>::quiet_NaN();  ///< the part of the items that pass; NaN = it does not say
  double score = std::numeric_limits<double>::quiet_NaN();   ///< mean of the items, 0 to 1; NaN = it does not say
};

inline constexpr const char* kOutputChecks = "outputs.checks";

/// Of one run, as its events tell. There judge
/// - a `check`: the steps whose output its files are made of;
/// - a `repair`: in its first round the step whose output it is given, in the end itself;
/// - an `llm` whose schema has `passed` (a boolean) or `score` (a number with minimum and maximum, made 0 to 1 by
///   these): the steps that its question refers to;
/// - `outputs`, the report of the workflow's `outputs.checks`: the steps that the files are made of.
/// Where some of those steps ask models, the others (what they hand on was given) are not judged. What was not put
/// out is not judged either.
std::vector<StepVerdict> step_verdicts(const Workflow& workflow, const std::vector<Event>& events,
                                       const std::optional<CheckReport>& outputs);

}  // namespace coppice
