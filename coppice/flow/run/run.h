// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/flow/checks/checks.h"
#include "coppice/flow/journal/journal.h"
#include "coppice/flow/llm/endpoint_gates.h"
#include "coppice/flow/run/run_history.h"
#include "coppice/flow/workflow/workflow.h"
#include "coppice/http/cancellation.h"
#include "coppice/http/sender.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio

namespace coppice {

enum class StepState : uint8_t { waiting, running, done, skipped, failed };
std::string_view name(StepState state) noexcept;

/// Who watches a run.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void step_began(const StepSpec& /*step*/, size_t /*items*/) {}
  virtual void item_ended(const StepSpec& /*step*/, size_t /*ended*/, size_t /*items*/) {}
  virtual void step_ended(const StepSpec& /*step*/, StepState /*state*/, double /*seconds*/, Money /*cost*/) {}
  virtual void text(const StepSpec& /*step*/, std::string_view /*piece*/) {}
  virtual void remark(std::string_view /*text*/) {}
};

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

/// Where a run goes on from what another one had done.
struct ForkPoint {
  std::string parent;
  std::vector<Event> kept;  ///< of the parent: outputs of steps that are not done again
};

/// What one run is given beside its workflow and inputs.
struct RunSettings {
  std::string id;                 ///< "" = a new one (`new_run_id`)
  std::string tenant;             ///< "" = none
  std::string folder;             ///< of the workflow: where relative paths begin
  std::set<std::string> allowed;  ///< kinds that are off unless allowed
  std::optional<ForkPoint> fork;
  bool uses_cache = true;  ///< steps that say `cache` take and leave outputs there; not where models are measured
  /// Nothing is done to the world: what would be gives a made-up output, and every person says yes. Requests to models
  /// name their step under `metadata`. For plans.
  bool is_pretended = false;
};

struct StepOutcome {
  std::string name;
  StepState state = StepState::waiting;
  size_t items = 1, calls = 0;
  size_t cached = 0;                      ///< items whose output came from the cache
  double began_seconds = 0, seconds = 0;  ///< from the run's beginning; how long
  Money cost;
  Usage usage;
  std::string error;
  std::string words;  ///< of steps that ask a model: what their outputs say (StepKind::words_of), for the most part
};

struct RunFile {
  std::string path, bytes;
};

struct RunOutcome {
  std::string id, state;  ///< as in RunRecord
  std::optional<Error> error;
  std::vector<std::string> questions;  ///< "step: question" where it waits for a person
  nlohmann::json result;
  std::vector<RunFile> files;         ///< of a finished run
  std::optional<CheckReport> checks;  ///< of the workflow's `outputs.checks`, of a finished run
  size_t repairs = 0;                 ///< rounds in which something was mended
  std::vector<StepOutcome> steps;
  Money cost;
  Usage usage;
  double seconds = 0;

  size_t cached() const noexcept;  ///< outputs that came from the cache
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

/// "20261123-150405-k3f9x2": the time (UTC), and something that no other run has.
std::string new_run_id();

}  // namespace coppice
