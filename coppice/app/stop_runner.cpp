// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/stop_runner.h"

#include <fmt/core.h>

#include <chrono>

#include "coppice/app/messages.h"
#include "coppice/app/terminal_progress.h"

namespace coppice::app {

StopRunner::StopRunner(Runner& runner)
    : runner_(runner), signals_(progress_), thread_([this](const std::stop_token& end) { watch(end); }) {}

void StopRunner::watch(const std::stop_token& end) {
  while (!end.stop_requested() && !progress_.stop_requested())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (progress_.stop_requested()) runner_.stop();
}

void StopRunner::set_way_on(const std::string& way, const CommonOptions& common) {
  const Error error(ErrorCode::cancelled, "ended at once, on a second request to stop", {}, way);
  const char* clears_line = default_style(common) == ProgressStyle::terminal ? "\r\033[K" : "";
  signals_.set_last_words(clears_line + told(error, {}, common));
}

std::pair<std::string, std::string> endpoint_and_url(const std::string& entry) {
  const size_t at = entry.find('=');
  if (at == entry.npos) throw Error(ErrorCode::usage, fmt::format("--endpoint got '{}', expected NAME=URL", entry));
  return {entry.substr(0, at), entry.substr(at + 1)};
}

void redirect(Workflow& workflow, const std::vector<std::string>& endpoints) {
  for (const std::string& entry : endpoints) {
    const auto [name, url] = endpoint_and_url(entry);
    coppice::redirect(workflow, name, url);
  }
}

}  // namespace coppice::app
