// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/core/progress.h"

namespace coppice::app {

/// From now on Ctrl-C (SIGINT), SIGTERM and the end of its terminal (SIGHUP) end the program at once, with the exit
/// code of an interruption (130). For work that leaves nothing half done.
void end_on_signals();

/// From now on a write beyond the limit of a file's size (ulimit -f) fails as one to a full disk does, where SIGXFSZ
/// would end the program and leave its temporary file.
void fail_beyond_file_size_limit();

/// While it lives, the first of these signals asks `progress` to stop, a second one ends the program at once. Calls of
/// the system that wait are interrupted.
///
/// Threads: one at a time, made and ended by the main thread.
class StopOnSignals {
 public:
  explicit StopOnSignals(Progress& progress);
  ~StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;

  /// What goes to standard error where the program is ended at once. Call it once.
  void set_last_words(std::string text);

 private:
  std::string last_words_;
};

}  // namespace coppice::app
