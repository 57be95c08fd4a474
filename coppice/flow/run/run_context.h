// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "coppice/flow/journal/group_commit.h"
#include "coppice/flow/llm/run_clock.h"
#include "coppice/flow/run/run.h"
#include "coppice/flow/run/run_history.h"

namespace coppice {

/// Of a budget that has none.
inline constexpr Money kNoLimit{std::numeric_limits<int64_t>::max()};

/// Since 1970, by the clock of the wall.
int64_t nanoseconds_now();

/// What the parts of one run share.
struct RunContext {
  RunContext(const Workflow& workflow_, const RunServices& services_, RunSettings settings_);

  const Workflow& workflow;
  RunServices services;
  RunSettings settings;
  std::string run_scope, tenant_scope;  ///< names of budgets; of no tenant ""
  GroupCommit journal;
  RunHistory history;
  Cancellation cancellation;  ///< of what is under way

  // When this process took the run up. Its events are told from there by the clock that only goes forward: that of the
  // wall may be set in the middle of a run.
  int64_t began_nanoseconds = nanoseconds_now();
  RunClock::time_point began = RunClock::now();

  /// What a call to a model has cost where that was more than its worst case; by endpoint and model. From then on that
  /// much at least is set aside for each call to it.
  std::map<std::pair<std::string, std::string>, Money> overruns;
  std::set<std::string> told_overruns;  ///< those that users were told of

  /// An event of this run, now.
  Event event(EventKind kind, const std::string& step, int64_t item) const;

  /// All that a call of that step counts against, whether it has a limit or not: a later run may set one.
  std::vector<BudgetScope> budgets(const StepSpec& step) const;
};

/// Nobody knows what came of calls that were under way when the program died: they count as the most they can cost,
/// which is what is returned.
UnknownCalls charge_open_calls(RunContext& run);

}  // namespace coppice
