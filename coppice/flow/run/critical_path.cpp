// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/critical_path.h"

#include <algorithm>

namespace coppice {

std::vector<double> critical_path(const Workflow& workflow, const RunOutcome& outcome) {
  constexpr size_t kNone = SIZE_MAX;
  const size_t n = workflow.steps.size();
  std::vector<double> until(n, 0), on_path(n, 0);
  std::vector<size_t> before(n, kNone);
  size_t last = kNone;
  for (size_t i = 0; i < n; ++i) {
    for (const size_t other : workflow.steps[i].needs) {
      if (before[i] == kNone || until[other] > until[before[i]]) before[i] = other;
    }
    until[i] = outcome.steps[i].seconds + (before[i] == kNone ? 0 : until[before[i]]);
    if (last == kNone || until[i] > until[last]) last = i;
  }
  for (; last != kNone; last = before[last]) on_path[last] = outcome.steps[last].seconds;
  return on_path;
}

}  // namespace coppice
