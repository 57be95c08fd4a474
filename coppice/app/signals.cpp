// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/signals.h"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is of POSIX, not of <csignal>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace coppice::app {
namespace {

// The only globals: a handler has no other way to anything.
std::atomic<Progress*> stoppable{nullptr};
std::atomic<const std::string*> last_words{nullptr};

[[noreturn]] void end_at_once() {
  const std::string* words = last_words.load();
  // Of what may be called in a handler; whether anybody reads it is all the same now.
  if (words != nullptr && ::write(STDERR_FILENO, words->data(), words->size()) < 0) errno = 0;
  ::_exit(exit_code(ErrorCode::cancelled));
}

void on_signal(int) {
  Progress* progress = stoppable.load();
  if (progress == nullptr || progress->stop_requested()) end_at_once();
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

void StopOnSignals::set_last_words(std::string text) {
  last_words_ = std::move(text);
  last_words.store(&last_words_);
}

StopOnSignals::~StopOnSignals() {
  last_words.store(nullptr);
  stoppable.store(nullptr);
}

}  // namespace coppice::app
