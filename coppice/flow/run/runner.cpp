// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/runner.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "coppice/http/awaitable.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "coppice/core/json_text.h"
#include "coppice/core/options.h"
#include "coppice/flow/llm/endpoint_gates.h"
#include "coppice/flow/run/recorded_run.h"
#include "coppice/flow/run/run.h"
#include "coppice/flow/run/run_rules.h"
#include "coppice/flow/run/run_summary.h"
#include "coppice/http/cassette.h"
#include "coppice/http/client.h"

namespace coppice {
namespace {

/// How long a run stays ours without a sign of life, and how often one is given.
constexpr double kLeaseSeconds = 60;
constexpr std::chrono::seconds kRenewal{20};

/// Notices who answers: what a stand-in says is no measurement.
class ProvenanceSender : public HttpSender {
 public:
  explicit ProvenanceSender(HttpSender& to) : to_(to) {}
  Awaitable<HttpResponse> send(HttpCall call) override {
    HttpResponse response = co_await to_.send(std::move(call));
    if (response.status / 100 == 2) provenance_ = std::max(provenance_, provenance_of(response));
    co_return response;
  }
  Provenance provenance() const noexcept { return provenance_; }

 private:
  HttpSender& to_;
  Provenance provenance_ = Provenance::none;
};

HttpClientOptions client_options(const RunnerOptions& options) {
  HttpClientOptions made;
  made.ca_file = options.ca_file;
  made.idle_connections = 1000;
  return made;
}

/// What a run was begun with, and what was changed since.
void take_over(const std::vector<Event>& events, RunSettings& settings) {
  RunChanges changes;
  for (const Event& event : events) {
    if (event.kind == EventKind::run_started && !event.payload.empty()) {
      settings.folder = parse_json(event.payload).value("folder", settings.folder);
      settings.reads.merge(parse_json(event.payload).value("reads", std::set<std::string>()));
    }
    if (event.kind == EventKind::run_resumed) add(changes, event.payload);
  }
  add(changes, to_text(settings.changes));
  settings.changes = std::move(changes);
}

void change(Workflow& workflow, const RunChanges& changes) {
  for (const auto& [endpoint, url] : changes.endpoints) redirect(workflow, endpoint, url);
  if (changes.budget) set_run_budget(workflow, *changes.budget);
}

/// Outputs of the steps that do not come after `from`, nor are it.
std::vector<Event> outputs_before(const Workflow& workflow, const std::string& from, const std::vector<Event>& events) {
  std::vector<bool> is_again(workflow.steps.size(), false);
  std::set<std::string> again;
  for (size_t i = 0; i < workflow.steps.size(); ++i) {
    const StepSpec& step = workflow.steps[i];
    is_again[i] = step.name == from ||
                  std::any_of(step.needs.begin(), step.needs.end(), [&](size_t other) { return is_again[other]; });
    if (is_again[i]) again.insert(step.name);
  }
  if (again.empty() && !from.empty()) {
    std::vector<std::string> names;
    for (const StepSpec& step : workflow.steps) names.push_back(step.name);
    const std::string nearest = nearest_name(from, names);
    throw Error(ErrorCode::usage, fmt::format("the workflow has no step '{}'", from), {},
                nearest.empty() ? fmt::format("it has {}", fmt::join(names, ", "))
                                : fmt::format("did you mean '{}'?", nearest));
  }
  std::vector<Event> kept;
  for (const Event& event : events) {
    if (event.kind == EventKind::step_done && !again.contains(event.step)) kept.push_back(event);
  }
  return kept;
}

std::unique_ptr<Cassette> open_cassette(const RunnerOptions& options, HttpSender& to) {
  if (options.cassette.empty()) return nullptr;
  return std::make_unique<Cassette>(options.cassette, options.cassette_mode, &to);
}

}  // namespace

class Runner::Impl {
 public:
  Impl(const RunnerOptions& options, RunObserver& observer)
      : observer_(observer),
        slow_(options.slow_threads),
        journal_(open_journal(options.journal, options.durability)),
        client_(loop_, client_options(options)),
        cassette_(open_cassette(options, client_)),
        sender_(cassette_ ? static_cast<HttpSender&>(*cassette_) : client_),
        llm_(sender_),
        gates_(loop_),
        is_replayed_(!options.cassette.empty() && options.cassette_mode == CassetteMode::replay),
        may_send_(options.cassette.empty() || options.cassette_mode == CassetteMode::record) {}

  ~Impl() { slow_.join(); }

  RunOutcome run(const RunTask& task) {
    RunOutcome outcome;
    wait_for([&]() -> Awaitable<void> { outcome = co_await run_one(task); });
    return outcome;
  }

  void run_all(const std::vector<RunTask>& tasks, size_t at_a_time,
               const std::function<void(size_t, RunOutcome)>& ended) {
    size_t next = 0;
    std::exception_ptr failure;
    const auto worker = [&]() -> Awaitable<void> {
      while (next < tasks.size() && !is_stopping_ && !failure) {
        const size_t mine = next++;
        ended(mine, co_await run_or_error(tasks[mine]));
      }
    };
    size_t workers = std::min(std::max<size_t>(at_a_time, 1), tasks.size());
    if (workers == 0) return;
    loop_.restart();
    for (size_t i = workers; i > 0; --i) {
      boost::asio::co_spawn(loop_, worker(), [&](std::exception_ptr thrown) {
        if (thrown && !failure) failure = thrown;
        if (--workers == 0) loop_.stop();
      });
    }
    loop_.run();
    if (failure) std::rethrow_exception(failure);
  }

  RunOutcome resume(const StepKinds& kinds, RunSettings settings) {
    const RunRecord record = find(settings.id);
    Workflow workflow = read_workflow_text(record.workflow_text, kinds);
    workflow.variant = record.variant;
    settings.tenant = record.tenant;
    const std::vector<Event> events = journal_->events(record.id);
    if (record.state == "finished") return recorded_outcome(workflow, summarize(record, events), events);
    take_over(events, settings);
    change(workflow, settings.changes);
    if (may_send_) expect_keys(workflow, events);
    if (is_replayed_) workflow = without_keys(std::move(workflow));
    RunOutcome outcome;
    wait_for([&]() -> Awaitable<void> {
      Run run(workflow, services(), settings);
      const UnderWay mine(*this, run);
      take(run.id());
      outcome = co_await run.resume(record, journal_->events(run.id()));
    });
    return outcome;
  }

  RunOutcome fork(const StepKinds& kinds, const std::string& parent, const std::string& from, RunTask task) {
    const RunRecord record = find(parent);
    const std::vector<Event> events = journal_->events(parent);
    std::optional<Workflow> own;
    if (task.workflow == nullptr) {
      own = read_workflow_text(record.workflow_text, kinds);
      own->variant = record.variant;
      take_over(events, task.settings);
      change(*own, task.settings.changes);
      task.workflow = &*own;
    }
    if (task.inputs.is_null()) task.inputs = parse_json(record.inputs);
    task.settings.tenant = record.tenant;
    task.settings.uses_cache = false;  // what is done again is asked again
    task.settings.fork = ForkPoint{parent, outputs_before(*task.workflow, from, events)};
    return run(task);
  }

  /// From any thread.
  void stop() {
    boost::asio::post(loop_, [this] {
      is_stopping_ = true;
      for (Run* run : under_way_) run->stop();
    });
  }

  JournalStore& journal() noexcept { return *journal_; }
  Provenance provenance() const noexcept { return sender_.provenance(); }

 private:
  /// A run of those that `stop` reaches, and whose lease is renewed.
  class UnderWay {
   public:
    UnderWay(Impl& runner, Run& run) : runner_(runner), run_(run) { runner_.under_way_.insert(&run); }
    ~UnderWay() {
      runner_.under_way_.erase(&run_);
      try {
        runner_.journal_->give_back(run_.id(), runner_.owner_);
      } catch (const Error&) {  // the lease ends by itself
      }
      if (runner_.under_way_.empty()) runner_.renewal_.cancel();
    }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

   private:
    Impl& runner_;
    Run& run_;
  };

  RunRecord find(const std::string& run) {
    auto record = journal_->find(run);
    if (record) return std::move(*record);
    throw Error(ErrorCode::usage, fmt::format("the journal has no run '{}'", run), {},
                "coppice flow list shows those that there are");
  }

  RunServices services() { return {loop_, slow_, *journal_, sender_, llm_, gates_, observer_}; }

  std::vector<Event> events_before(const RunTask& task) {
    if (task.goes_on) return journal_->events(task.settings.id);
    return task.settings.fork ? task.settings.fork->kept : std::vector<Event>();
  }

  Awaitable<RunOutcome> run_one(const RunTask& task) {
    if (may_send_) expect_keys(*task.workflow, events_before(task));
    std::optional<Workflow> unsent;
    if (is_replayed_) unsent = without_keys(*task.workflow);
    Run run(unsent ? *unsent : *task.workflow, services(), task.settings);
    const UnderWay mine(*this, run);
    if (task.goes_on) {
      take(run.id());
      auto rest = run.resume(find(run.id()), journal_->events(run.id()));
      co_return co_await std::move(rest);
    }
    auto outcome = run.start(task.inputs, [&] { take(run.id()); });
    co_return co_await std::move(outcome);
  }

  Awaitable<RunOutcome> run_or_error(const RunTask& task) {
    RunOutcome outcome;
    try {
      outcome = co_await run_one(task);
    } catch (const Error& error) {
      outcome.state = "failed";
      outcome.error = error;
    }
    co_return outcome;
  }

  void take(const std::string& run) {
    journal_->take(run, owner_, kLeaseSeconds);
    if (!is_renewing_) boost::asio::co_spawn(loop_, renew(), [](std::exception_ptr) {});
  }

  Awaitable<void> renew() {
    is_renewing_ = true;
    while (!under_way_.empty()) {
      renewal_.expires_after(kRenewal);
      boost::system::error_code ignored;
      co_await renewal_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
      for (Run* run : under_way_) renew(*run);
    }
    is_renewing_ = false;
  }

  /// Whose journal fails now learns it at its next commit.
  void renew(const Run& run) {
    try {
      journal_->take(run.id(), owner_, kLeaseSeconds);
    } catch (const Error& error) {
      observer_.remark(error.message());
    }
  }

  void wait_for(const std::function<Awaitable<void>()>& work) {
    std::exception_ptr failure;
    boost::asio::co_spawn(loop_, work(), [&](std::exception_ptr thrown) {
      failure = thrown;
      loop_.stop();  // connections that are kept open would hold it up
    });
    loop_.restart();
    loop_.run();
    if (failure) std::rethrow_exception(failure);
  }

  RunObserver& observer_;
  boost::asio::io_context loop_{1};
  boost::asio::thread_pool slow_;
  std::unique_ptr<JournalStore> journal_;
  HttpClient client_;
  std::unique_ptr<Cassette> cassette_;
  ProvenanceSender sender_;
  LlmClient llm_;
  EndpointGates gates_;
  std::string owner_ = journal_owner();
  boost::asio::steady_timer renewal_{loop_};
  bool is_replayed_, may_send_;
  bool is_renewing_ = false, is_stopping_ = false;
  std::set<Run*> under_way_;
};

Runner::Runner(const RunnerOptions& options, RunObserver& observer)
    : impl_(std::make_unique<Impl>(options, observer)) {}
Runner::~Runner() = default;
RunOutcome Runner::run(const RunTask& task) {
  return impl_->run(task);
}
void Runner::run_all(const std::vector<RunTask>& tasks, size_t at_a_time,
                     const std::function<void(size_t, RunOutcome)>& ended) {
  impl_->run_all(tasks, at_a_time, ended);
}
RunOutcome Runner::resume(const StepKinds& kinds, RunSettings settings) {
  return impl_->resume(kinds, std::move(settings));
}
RunOutcome Runner::fork(const StepKinds& kinds, const std::string& parent, const std::string& from, RunTask changed) {
  return impl_->fork(kinds, parent, from, std::move(changed));
}
void Runner::stop() {
  impl_->stop();
}
Provenance Runner::provenance() const noexcept {
  return impl_->provenance();
}
JournalStore& Runner::journal() noexcept {
  return impl_->journal();
}

}  // namespace coppice
