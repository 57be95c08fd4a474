// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "coppice/core/json_text.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/llm/pause.h"
#include "coppice/flow/run/item_calls.h"
#include "coppice/flow/run/on_thread.h"
#include "coppice/flow/run/output_cache.h"
#include "coppice/flow/run/run_context.h"
#include "coppice/flow/run/run_rules.h"
#include "coppice/flow/run/run_summary.h"
#include "coppice/flow/run/step_progress.h"

namespace coppice {
namespace {

using boost::asio::use_awaitable;
using Clock = RunClock;
using Json = nlohmann::json;

/// How many items of a foreach are under way at a time where nothing bounds them.
constexpr size_t kItemsAtATime = 1000;

/// Of the words of a step's outputs.
constexpr size_t kMostWordBytes = 100'000;

}  // namespace

class Run::State {
 public:
  State(const Workflow& workflow, const RunServices& services, RunSettings settings)
      : context_(workflow, services, with_id(std::move(settings))),
        steps_(workflow.steps.size()),
        all_ended_(services.loop, Clock::time_point::max()) {
    for (size_t i = 0; i < steps_.size(); ++i) prepare(i);
  }

  const std::string& id() const noexcept { return context_.settings.id; }

  Awaitable<RunOutcome> start(Json inputs, const std::function<void()>& created) {
    expect_allowed(context_.workflow, context_.settings);
    expect_inputs(context_.workflow, inputs);
    RunRecord record;
    record.id = id();
    record.workflow = context_.workflow.name;
    record.variant = context_.workflow.variant;
    record.tenant = context_.settings.tenant;
    record.workflow_text = context_.workflow.text;
    record.inputs = compact_text(inputs);
    record.prices_hash = context_.workflow.prices.hash();
    record.created_nanoseconds = nanoseconds_now();
    if (context_.settings.fork) record.parent = context_.settings.fork->parent;
    context_.services.journal.create(record);
    if (created) created();
    context_.services.observer.run_began(id());
    if (context_.settings.fork) keep(context_.settings.fork->kept);
    Event first = context_.event(EventKind::run_started, {}, -1);
    first.payload = compact_text(Json{{"folder", context_.settings.folder}, {"reads", context_.settings.reads}});
    return drive(std::move(inputs), std::move(first));
  }

  Awaitable<RunOutcome> resume(const RunRecord& record, const std::vector<Event>& events) {
    expect_allowed(context_.workflow, context_.settings);
    Json inputs = parse_json(record.inputs);
    expect_inputs(context_.workflow, inputs);
    context_.history = RunHistory(events);
    for (const Event& event : events) {
      cost_before_ += cost_of(event);
      if (event.kind == EventKind::call_unknown) unknown_.add(event.amount);
    }
    if (record.state != "running") context_.services.journal.set_state(id(), "running");
    context_.services.observer.run_began(id());
    const UnknownCalls open = charge_open_calls(context_);
    cost_before_ += open.cost;
    unknown_ += open;
    Event first = context_.event(EventKind::run_resumed, {}, -1);
    first.payload = to_text(context_.settings.changes);
    return drive(std::move(inputs), std::move(first));
  }

  void stop() {
    if (is_stopping_) context_.cancellation.cancel();
    was_stopped_ = was_stopped_ || !failure_;
    if (!failure_) failure_ = Error(ErrorCode::cancelled, "stopped on request", {}, resume_hint(context_.settings));
    begin_no_more();
  }

 private:
  // ---- before the first step

  void prepare(size_t number) {
    const StepSpec& step = context_.workflow.steps[number];
    StepProgress& progress = steps_[number];
    progress.missing = step.needs.size();
    progress.outcome.name = step.name;
    for (const size_t other : step.needs) steps_[other].followers.push_back(number);
  }

  /// What the parent had done is in this run's own journal, too, and costs nothing.
  void keep(const std::vector<Event>& events) {
    std::vector<JournalOperation> batch(events.size());
    for (size_t i = 0; i < events.size(); ++i) batch[i].event = events[i];
    context_.services.journal.commit(id(), batch);
    context_.history = RunHistory(events);
  }

  // ---- the run

  Awaitable<RunOutcome> drive(Json inputs, Event first) {
    began_ = Clock::now();
    fill_scope(std::move(inputs));
    context_.journal.append(std::move(first));
    if (context_.workflow.timeout_seconds > 0) {
      all_ended_.expires_at(began_ + Clock::from_seconds(context_.workflow.timeout_seconds));
    }
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].missing == 0) ready_.push_back(i);
    }
    begin_ready();
    while (under_way_ > 0) {
      boost::system::error_code ignored;
      co_await all_ended_.async_wait(boost::asio::redirect_error(use_awaitable, ignored));
      if (under_way_ > 0 && Clock::now() >= all_ended_.expiry()) run_out_of_time();
    }
    RunOutcome outcome = end();
    context_.journal.flush();  // before the state: a finished run has all its events
    context_.services.journal.set_state(id(), outcome.state);
    co_return outcome;
  }

  void run_out_of_time() {
    all_ended_.expires_at(Clock::time_point::max());
    if (!failure_) {
      failure_ =
          Error(ErrorCode::timeout,
                fmt::format("the run took longer than its timeout of {} seconds", context_.workflow.timeout_seconds),
                {}, resume_hint(context_.settings));
    }
    begin_no_more();
    context_.cancellation.cancel();
  }

  void fill_scope(Json inputs) {
    values_["inputs"] = std::move(inputs);
    values_["steps"] = Json::object();
    values_["files"] = context_.workflow.files;
    Json& run = values_["run"];  // key by key: a list of pairs is copied three times
    run["id"] = id();
    run["tenant"] = context_.settings.tenant;
    run["variant"] = context_.workflow.variant;
    run["workflow"] = context_.workflow.name;
    for (const char* name : {"inputs", "steps", "files", "run"}) scope_.emplace_back(name, &values_[name]);
  }

  void begin_ready() {
    while (!ready_.empty()) {
      const size_t next = ready_.front();
      ready_.pop_front();
      if (is_stopping_) continue;
      try {
        begin(next);
      } catch (const Error& error) {
        fail(next, error);
      }
    }
  }

  void begin(size_t number) {
    const StepSpec& step = context_.workflow.steps[number];
    StepProgress& progress = steps_[number];
    progress.began = Clock::now();
    progress.outcome.began_seconds = std::chrono::duration<double>(progress.began - began_).count();
    for (const size_t other : step.fails_with) {
      if (steps_[other].state != StepState::done) return end_step(number, StepState::skipped);
    }
    if (step.condition && !step.condition->is_true(scope_)) return end_step(number, StepState::skipped);
    progress.state = StepState::running;
    if (step.foreach) read_items(number);
    const size_t items = step.foreach ? progress.items.size() : 1;
    progress.outcome.items = items;
    progress.outputs = Json::array();
    progress.outputs.get_ref<Json::array_t&>().resize(items);
    context_.services.observer.step_began(step, items);
    const auto* function = dynamic_cast<const FunctionKind*>(step.kind);
    if (function != nullptr && !function->is_slow()) {
      for (size_t i = 0; i < items; ++i) run_function(number, *function, step.foreach ? static_cast<int64_t>(i) : -1);
    } else {
      spawn_workers(number, items);
    }
    if (items == 0 || (progress.ended_items == items && progress.state == StepState::running)) finish(number);
  }

  void read_items(size_t number) {
    StepProgress& progress = steps_[number];
    progress.items = context_.workflow.steps[number].foreach->evaluate(scope_);
    if (!progress.items.is_array()) {
      throw Error(ErrorCode::data, fmt::format("foreach got {}, expected a list", json_value_text(progress.items)));
    }
  }

  /// What the templates of one item see.
  TemplateScope item_scope(size_t number, int64_t item, Json& index) const {
    TemplateScope scope = scope_;
    if (item < 0) return scope;
    index = item;
    scope.emplace_back("item", &steps_[number].items[static_cast<size_t>(item)]);
    scope.emplace_back("index", &index);
    return scope;
  }

  Json with_of(size_t number, const TemplateScope& scope) const {
    const StepSpec& step = context_.workflow.steps[number];
    Json with = step.with.evaluate(scope);
    if (with.is_null()) with = Json::object();
    if (step.with_schema) {
      const auto faults = step.with_schema->faults(with, 1);
      if (!faults.empty()) throw Error(ErrorCode::data, faults.front().message, "with" + faults.front().path);
    }
    return with;
  }

  /// Ends an item whose output is known, from this run's own history or from the cache.
  bool end_if_known(const ItemInput& input) {
    const StepSpec& step = context_.workflow.steps[input.number];
    if (const auto before = context_.history.output(step.name, input.item, input.hash)) {
      Json done = parse_json(*before);
      end_item(input.number, input.item, {std::move(done["output"]), {}, done.value("cached", false)});
      return true;
    }
    auto cached = cache_.find(input.cache_key);
    if (cached) end_item(input.number, input.item, {std::move(*cached), input.hash, true});
    return cached.has_value();
  }

  void run_function(size_t number, const FunctionKind& kind, int64_t item) {
    const StepSpec& step = context_.workflow.steps[number];
    Json index;
    const TemplateScope scope = item_scope(number, item, index);
    const Json with = with_of(number, scope);
    const ItemInput known{number, item, input_hash(step, with), cache_.key(step, with, scope)};
    if (end_if_known(known)) return;
    Json output = kind.run({with, step.name, id(), item, &step.with, &scope});
    cache_.keep(step, known.cache_key, output);
    end_item(number, item, {std::move(output), known.hash});
  }

  void spawn_workers(size_t number, size_t items) {
    const StepSpec& step = context_.workflow.steps[number];
    const size_t most = step.concurrency > 0 ? step.concurrency : kItemsAtATime;
    for (size_t i = 0; i < std::min(items, most); ++i) {
      ++under_way_;
      boost::asio::co_spawn(context_.services.loop, work(number, items), [this](std::exception_ptr broken) {
        if (broken && !broken_) broken_ = broken;  // of our own making, or the journal's: nothing to do with a step
        if (broken) begin_no_more();
        if (--under_way_ == 0) all_ended_.cancel();
      });
    }
  }

  /// One of those who do a step's items.
  Awaitable<void> work(size_t number, size_t items) {
    StepProgress& progress = steps_[number];
    while (progress.next_item < items && progress.state == StepState::running && !is_stopping_) {
      const size_t mine = progress.next_item++;
      const int64_t item = context_.workflow.steps[number].foreach ? static_cast<int64_t>(mine) : -1;
      std::optional<Error> error;
      try {
        co_await run_item(number, item);
      } catch (const Error& caught) {
        error = caught;
      } catch (const WaitsForPerson& waits) {
        wait_for_person(number, item, waits.question);
        co_return;
      }
      const bool is_over = is_stopping_ || progress.state != StepState::running;
      if (error && is_over && error->code() == ErrorCode::cancelled) co_return;  // it had not begun, or was given up
      if (error) fail(number, *error);
      if (progress.ended_items == items && progress.state == StepState::running) finish(number);
    }
    begin_ready();
  }

  /// The question is in the journal, too, for those who look at the run later.
  void wait_for_person(size_t number, int64_t item, const std::string& question) {
    const StepSpec& step = context_.workflow.steps[number];
    questions_.push_back({step.name, item, question});
    Event event = context_.event(EventKind::note, step.name, item);
    event.payload = compact_text(Json{{kQuestionNote, question}});
    context_.journal.append(std::move(event));
  }

  Awaitable<void> run_item(size_t number, int64_t item) {
    const StepSpec& step = context_.workflow.steps[number];
    Json index;
    const TemplateScope scope = item_scope(number, item, index);
    const Json with = with_of(number, scope);
    const ItemInput known{number, item, input_hash(step, with), cache_.key(step, with, scope)};
    if (end_if_known(known)) co_return;
    const StepInput input{with, step.name, id(), item, &step.with, &scope};
    for (uint32_t failures = 0;; ++failures) {
      std::optional<Error> error;
      try {
        Json output = co_await run_once(known, input);
        end_item(number, item, {std::move(output), known.hash});
        co_return;
      } catch (const Error& caught) {
        if (failures >= step.retry.times || !may_be_tried_again(caught)) throw;
        error = caught;
      }
      context_.services.observer.remark(fmt::format("{}: {}; tried again", step.name, error->message()));
      const double seconds = step.retry.delay_seconds * static_cast<double>(uint64_t{1} << std::min(failures, 20u));
      co_await pause(Clock::from_seconds(seconds), &steps_[number].no_more);
    }
  }

  static bool may_be_tried_again(const Error& error) {
    return error.code() == ErrorCode::remote || error.code() == ErrorCode::timeout || error.code() == ErrorCode::data;
  }

  Awaitable<Json> run_once(const ItemInput& known, const StepInput& input) {
    const StepSpec& step = context_.workflow.steps[known.number];
    if (const auto* function = dynamic_cast<const FunctionKind*>(step.kind)) {
      Json output = co_await on_thread(context_.services.slow, [&] { return function->run(input); });
      cache_.keep(step, known.cache_key, output);
      co_return output;
    }
    ItemCalls calls(context_, step, input, steps_[known.number].no_more);
    std::exception_ptr failure;
    Json output;
    try {
      output = co_await dynamic_cast<const CallingKind&>(*step.kind).run(input, calls);
    } catch (...) {
      failure = calls.with_timeout(std::current_exception());
    }
    StepOutcome& outcome = steps_[known.number].outcome;
    outcome.calls += calls.calls();
    outcome.usage += calls.usage();
    outcome.cost += calls.cost();
    for (const std::string& remark : calls.remarks()) add_remark(step, outcome, remark);
    if (failure) std::rethrow_exception(failure);
    // What a cheaper model said is for today, when money is short.
    if (!calls.took_cheaper()) cache_.keep(step, known.cache_key, output);
    const bool asks = !step.kind->models(step.with.written()).empty();
    if (asks && outcome.words.size() < kMostWordBytes) outcome.words += step.kind->words_of(input.with, output);
    co_return output;
  }

  void add_remark(const StepSpec& step, StepOutcome& outcome, const std::string& remark) {
    if (std::find(outcome.remarks.begin(), outcome.remarks.end(), remark) != outcome.remarks.end()) return;
    outcome.remarks.push_back(remark);
    context_.services.observer.remark(step.name + ": " + remark);
  }

  void end_item(size_t number, int64_t item, ItemEnd end) {
    StepProgress& progress = steps_[number];
    const StepSpec& step = context_.workflow.steps[number];
    if (end.is_cached) ++progress.outcome.cached;
    if (!end.hash.empty()) {
      Event event = context_.event(EventKind::step_done, step.name, item);
      event.input_hash = std::move(end.hash);
      event.payload = "{\"seconds\":" + Json(Clock::seconds_since(progress.began)).dump() +
                      (item < 0 ? "" : ",\"items\":" + std::to_string(progress.outcome.items)) +
                      (end.is_cached ? ",\"cached\":true" : "") + ",\"output\":" + compact_text(end.output) + "}";
      context_.journal.append(std::move(event));
    }
    progress.outputs[item < 0 ? 0 : static_cast<size_t>(item)] = std::move(end.output);
    ++progress.ended_items;
    context_.services.observer.item_ended(step, progress.ended_items, progress.outcome.items);
  }

  void finish(size_t number) {
    const StepSpec& step = context_.workflow.steps[number];
    Json& outputs = steps_[number].outputs;
    end_step(number, StepState::done, step.foreach ? &outputs : &outputs[0]);
  }

  /// `output`, which others' templates see from now on, is moved away.
  void end_step(size_t number, StepState state, Json* output = nullptr) {
    const StepSpec& step = context_.workflow.steps[number];
    StepProgress& progress = steps_[number];
    progress.state = progress.outcome.state = state;
    progress.outcome.seconds = Clock::seconds_since(progress.began);
    Json& seen = values_["steps"][step.name];
    seen["state"] = std::string(name(state));
    if (output != nullptr) seen["output"] = std::move(*output);
    if (state == StepState::skipped) context_.journal.append(context_.event(EventKind::step_skipped, step.name, -1));
    context_.services.observer.step_ended(step, state, progress.outcome.seconds, progress.outcome.cost);
    for (const size_t follower : progress.followers) {
      if (--steps_[follower].missing == 0) ready_.push_back(follower);
    }
  }

  void fail(size_t number, const Error& error) {
    const StepSpec& step = context_.workflow.steps[number];
    StepProgress& progress = steps_[number];
    if (progress.state == StepState::failed) return;  // another item has
    Event event = context_.event(EventKind::step_failed, step.name, -1);
    event.payload = compact_text(Json{{"error", error.what()},
                                      {"code", name(error.code())},
                                      {"where", error.where()},
                                      {"seconds", Clock::seconds_since(progress.began)}});
    context_.journal.append(std::move(event));
    progress.outcome.error = error.message();
    progress.no_more.cancel();
    end_step(number, StepState::failed);
    if (step.optional) return;
    begin_no_more();
    if (failure_) return;
    const std::string where = error.where().empty() ? "step " + step.name : "step " + step.name + ": " + error.where();
    failure_ = Error(error.code(), error.what(), where, error.hint());
  }

  /// What is under way goes on to its end; what waits for a turn, or to be tried again, does not begin.
  void begin_no_more() {
    is_stopping_ = true;
    for (StepProgress& step : steps_) step.no_more.cancel();
  }

  RunOutcome end() {
    if (broken_) std::rethrow_exception(broken_);
    RunOutcome outcome;
    outcome.id = id();
    try {
      if (!failure_ && questions_.empty()) add_outputs(outcome, context_.workflow, scope_);
    } catch (const Error& error) {
      failure_ = Error(error.code(), error.what(), error.where(), error.hint());
    }
    outcome.error = failure_;
    outcome.questions = questions_;
    outcome.state = was_stopped_ ? "stopped" : failure_ ? "failed" : questions_.empty() ? "finished" : "waiting";
    outcome.seconds = Clock::seconds_since(began_);
    outcome.cost = cost_before_;
    outcome.unknown = unknown_;
    for (StepProgress& progress : steps_) {
      outcome.cost += progress.outcome.cost;
      outcome.usage += progress.outcome.usage;
      if (failure_ && progress.state == StepState::running) progress.outcome.state = StepState::stopped;
      outcome.steps.push_back(progress.outcome);
    }
    outcome.repairs = repairs_of(context_.workflow, values_["steps"]);
    Event event = context_.event(failure_ ? EventKind::run_failed : EventKind::run_finished, {}, -1);
    Json about;
    about["seconds"] = outcome.seconds;
    if (failure_) about.update({{"error", failure_->message()}, {"code", name(failure_->code())}});
    event.payload = compact_text(about);
    if (outcome.state != "waiting") context_.journal.append(std::move(event));
    return outcome;
  }

  RunContext context_;
  OutputCache cache_{context_};
  std::vector<StepProgress> steps_;
  std::deque<size_t> ready_;
  Json values_ = Json::object();
  TemplateScope scope_;
  RunTimer all_ended_;
  size_t under_way_ = 0;
  bool is_stopping_ = false, was_stopped_ = false;  // by whatever; by whoever asked for it
  std::optional<Error> failure_;
  std::vector<StepQuestion> questions_;
  std::exception_ptr broken_;
  Money cost_before_;
  UnknownCalls unknown_;  // of earlier tries
  Clock::time_point began_;
};

Run::Run(const Workflow& workflow, const RunServices& services, RunSettings settings)
    : state_(std::make_unique<State>(workflow, services, std::move(settings))) {}
Run::~Run() = default;

const std::string& Run::id() const noexcept {
  return state_->id();
}
Awaitable<RunOutcome> Run::start(nlohmann::json inputs, std::function<void()> created) {
  return state_->start(std::move(inputs), created);
}
Awaitable<RunOutcome> Run::resume(const RunRecord& record, const std::vector<Event>& events) {
  return state_->resume(record, events);
}
void Run::stop() {
  state_->stop();
}

}  // namespace coppice
