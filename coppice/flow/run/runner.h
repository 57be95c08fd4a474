// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/llm/provenance.h"
#include "coppice/flow/run/run_observer.h"
#include "coppice/flow/run/run_outcome.h"
#include "coppice/flow/run/run_settings.h"
#include "coppice/flow/workflow/workflow.h"
#include "coppice/http/cassette_mode.h"

namespace coppice {

/// Where runs of a program are kept, and how they reach the world.
struct RunnerOptions {
  std::string journal = "memory:";  ///< as `open_journal` takes it
  Durability durability = Durability::process;
  std::string cassette;  ///< a file that HTTP traffic is written to, or replayed from; "" = none
  CassetteMode cassette_mode = CassetteMode::once;
  std::string ca_file;      ///< of certificates to trust; "" = those of the system
  size_t slow_threads = 2;  ///< for steps that compute long
};

/// What is to be run.
struct RunTask {
  const Workflow* workflow = nullptr;
  nlohmann::json inputs;
  RunSettings settings;
  bool goes_on = false;  ///< with the run of the journal that `settings.id` names, which was made of the same
};

/// Runs workflows, on the calling thread, until they have ended.
///
/// Threads: one call at a time; `stop` may be called from any thread, and from a signal's.
class Runner {
 public:
  /// `observer` outlives it. Throws as `open_journal`.
  Runner(const RunnerOptions& options, RunObserver& observer);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Throws `ErrorCode::data` for inputs that the workflow's schema does not allow, before anything is written down;
  /// `usage` for a kind of step that must be allowed; `io` where the journal fails. What fails in a step is in the
  /// outcome.
  RunOutcome run(const RunTask& task);

  /// Many, at most `at_a_time`; `ended` is told of each in the order in which they end. What `run` would throw
  /// is the outcome's error.
  void run_all(const std::vector<RunTask>& tasks, size_t at_a_time,
               const std::function<void(size_t task, RunOutcome outcome)>& ended);

  /// Goes on with a run of the journal, by the workflow and in the folder that it was begun with, with
  /// `settings.changes`. `settings.id` names it. Of one that has finished it tells the outcome once more, and does
  /// nothing.
  RunOutcome resume(const StepKinds& kinds, RunSettings settings);

  /// Begins a run anew from one of its steps: what came before is kept, that step and those after it are done again.
  /// "" = none of them: only what is given something else than before is.
  /// `changed` takes the place of the workflow it was begun with, unless null: a step that is given something else then
  /// is done again in any case.
  RunOutcome fork(const StepKinds& kinds, const std::string& parent, const std::string& from, RunTask changed);

  /// No step begins any more; calls under way are waited for. A second time: they are given up.
  void stop();

  JournalStore& journal() noexcept;

  /// Where the answers to its runs so far came from, those of servers that are no models among them.
  Provenance provenance() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coppice
