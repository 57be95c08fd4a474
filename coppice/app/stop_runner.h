// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/signals.h"
#include "coppice/core/progress.h"
#include "coppice/flow/run/runner.h"

namespace coppice::app {

/// While it lives, the first Ctrl-C (SIGTERM, SIGHUP) stops a runner gently; a second one ends the program at once.
class StopRunner {
 public:
  explicit StopRunner(Runner& runner);

  /// What a second Ctrl-C says, whose program ends at once: how to go on. Call it once.
  void set_way_on(const std::string& way, const CommonOptions& common);

 private:
  void watch(const std::stop_token& end);

  Runner& runner_;
  Progress progress_;
  StopOnSignals signals_;
  std::jthread thread_;
};

/// Of "NAME=URL". Throws `ErrorCode::usage`.
std::pair<std::string, std::string> endpoint_and_url(const std::string& entry);

/// Other servers for endpoints of the workflow, each "NAME=URL". Throws `ErrorCode::usage`.
void redirect(Workflow& workflow, const std::vector<std::string>& endpoints);

}  // namespace coppice::app
