// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/llm/endpoint_gates.h"
#include "coppice/flow/llm/llm.h"
#include "coppice/flow/run/run_observer.h"
#include "coppice/flow/run/run_outcome.h"
#include "coppice/flow/run/run_settings.h"
#include "coppice/flow/workflow/workflow.h"
#include "coppice/http/awaitable.h"
#include "coppice/http/sender.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio

namespace coppice {

/// What runs of a program share. All of it outlives them.
struct RunServices {
  boost::asio::io_context& loop;
  boost::asio::thread_pool& slow;  ///< for kinds that are slow
  JournalStore& journal;
  HttpSender& sender;
  LlmClient& llm;
  EndpointGates& gates;
  RunObserver& observer;
};

/// One run of a workflow: steps begin as soon as those that they need have ended, many at a time.
///
/// A step that fails fails the run, unless it is optional; calls that are under way then are waited for, and what they
/// answer is in the journal. A step is skipped where its `if` is false, and where a step whose output it cannot do
/// without was skipped or has failed.
/// Threads: of its event loop alone.
class Run {
 public:
  Run(const Workflow& workflow, const RunServices& services, RunSettings settings);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  const std::string& id() const noexcept;

  /// Throws `ErrorCode::data` for inputs that the workflow's schema does not allow, before anything is written down;
  /// `usage` for a kind of step that must be allowed; `io` where the journal fails. What fails in a step is in the
  /// outcome. `created` is called once the run is in the journal.
  Awaitable<RunOutcome> start(nlohmann::json inputs, std::function<void()> created = {});

  /// Goes on with a run that was interrupted, failed, or waited: what it had done is not done again.
  Awaitable<RunOutcome> resume(const RunRecord& record, const std::vector<Event>& events);

  /// No step begins any more; calls under way are waited for. A second time: they are given up.
  void stop();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice
