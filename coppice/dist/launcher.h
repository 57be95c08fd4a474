// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/core/progress.h"

namespace coppice {

struct LaunchOptions {
  uint32_t n_workers = 1;
  double grace_seconds = 10;  ///< from asking workers to end until they are killed; so long, too, one may hang that a
                              ///< surviving training has done without, once the first of the others has ended
  uint32_t restarts = 0;      ///< how often, in all, one that a signal ended is started again
  uint32_t min_workers = 0;   ///< one that a signal ended does not end the others as long as so many are left; 0: all
};

/// What a launch came to.
struct LaunchEnd {
  int code = 0;  ///< of the worker that failed first: its own, or 128 and the number of the signal; 0: none failed
  uint32_t worker = 0;  ///< which that was
};

/// Runs a program once for each worker on this machine, and a store where they find one another, until all have ended.
/// Each has RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, COPPICE_STORE and COPPICE_JOB among its variables, in
/// COPPICE_JOB_START how often it was started before, and in COPPICE_ADDRESS, where that is not set, this machine's
/// own. Each is a process group: when one fails, the others are asked to end with all that they have started (SIGTERM),
/// and killed when they do not. Stops so, too, when `progress` is asked to stop. One that a signal ended, and that did
/// not fail by itself, may be started again, or done without; the store is told that it is gone (membership_key::gone).
/// `progress` hears of it. Throws `ErrorCode::io` when the program cannot be started.
LaunchEnd launch_workers(const std::vector<std::string>& command, const LaunchOptions& options, Progress& progress);

}  // namespace coppice
