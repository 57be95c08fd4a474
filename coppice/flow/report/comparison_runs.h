// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/report/compared_run.h"
#include "coppice/flow/run/runner.h"

namespace coppice {

/// Which runs a comparison is made of.
struct ComparisonRuns {
  std::string id;                   ///< its runs are called ID-VARIANT-INPUT-REPEAT, numbers from 1
  std::vector<Workflow> workflows;  ///< one for each variant
  std::vector<nlohmann::json> inputs;
  uint32_t repeats = 1;
  size_t at_a_time = 1;
  bool retries_failed = false;  ///< runs that have failed before are tried again
  RunSettings settings;         ///< of each, but for its id
};

/// What has become of one of them.
struct ComparisonStep {
  const ComparedRun& run;
  bool was_there = false;  ///< it had ended before, and was read back from the journal
  size_t ended = 0, of = 0;
};

/// The number of the first input that is equal to each.
std::vector<size_t> first_equals(const std::vector<nlohmann::json>& inputs);

/// Runs each input through each variant, `repeats` times. Variants take turns, so that whatever changes with time hits
/// all alike. Runs of that id that the journal has already are not made again: what has ended is read back, what was
/// interrupted goes on; more inputs and repeats than before are welcome. Nothing that was answered is paid twice.
///
/// Equal inputs are one: the runs of each count as repeats of the first of them.
///
/// The runner's journal may be one that lasts, or memory. Throws `ErrorCode::usage` where the journal has such a run of
/// another workflow or input, or another process has it; `cancelled` once the runner was stopped; else as
/// `Runner::run`: what fails within a run is in the run.
std::vector<ComparedRun> run_comparison(Runner& runner, const ComparisonRuns& comparison,
                                        const std::function<void(const ComparisonStep&)>& ended);

}  // namespace coppice
