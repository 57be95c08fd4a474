// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_outcome.h"

namespace coppice {

std::string_view name(StepState state) noexcept {
  constexpr std::string_view kNames[] = {"waiting", "running", "done", "skipped", "failed", "stopped"};
  return kNames[static_cast<size_t>(state)];
}

size_t RunOutcome::cached() const noexcept {
  size_t sum = 0;
  for (const StepOutcome& step : steps) sum += step.cached;
  return sum;
}

}  // namespace coppice
