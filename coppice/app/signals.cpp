// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/signals.h"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is of POSIX, not of <csignal>
#include <unistd.h>

#include <atomic>

namespace coppice::app {
namespace {

std::atomic<Progress*> stoppable{nullptr};  // the one global: a handler has no other way to anything

void on_signal(int) {
  Progress* progress = stoppable.load();
  if (progress == nullptr || progress->stop_requested()) ::_exit(exit_code(ErrorCode::cancelled));
  progress->request_stop();
}

}  // namespace

void end_on_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: whoever waits has to look up
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  struct sigaction before {};
  ::sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);  // not where nohup has started this
}

void fail_beyond_file_size_limit() {
  ::signal(SIGXFSZ, SIG_IGN);
}

StopOnSignals::StopOnSignals(Progress& progress) {
  stoppable.store(&progress);
  end_on_signals();
}

StopOnSignals::~StopOnSignals() {
  stoppable.store(nullptr);
}

}  // namespace coppice::app
