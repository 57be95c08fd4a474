// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/stop_runner.h"

#include <fmt/core.h>

#include <chrono>

namespace coppice::app {

StopRunner::StopRunner(Runner& runner)
    : runner_(runner), signals_(progress_), thread_([this](const std::stop_token& end) { watch(end); }) {}

void StopRunner::watch(const std::stop_token& end) {
  while (!end.stop_requested() && !progress_.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (progress_.stop_requested()) runner_.stop();
}

void redirect(Workflow& workflow, const std::vector<std::string>& endpoints) {
  for (const std::string& entry : endpoints) {
    const size_t at = entry.find('=');
    if (at == entry.npos || !workflow.endpoints.contains(entry.substr(0, at))) {
      throw Error(ErrorCode::usage,
                  fmt::format("--endpoint got '{}', expected NAME=URL of one of the workflow's endpoints", entry));
    }
    coppice::redirect(workflow, entry.substr(0, at), entry.substr(at + 1));
  }
}

}  // namespace coppice::app
