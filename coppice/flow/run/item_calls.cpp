// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/item_calls.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "coppice/core/json_text.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/json/text_hash.h"
#include "coppice/flow/llm/run_clock.h"
#include "coppice/flow/run/on_thread.h"
#include "coppice/flow/run/run_commands.h"
#include "coppice/flow/stand_in/stand_in_schema.h"

namespace coppice {
namespace {

using Clock = RunClock;

/// A call may be repaired once: the numbers of its two questions.
constexpr uint32_t kCallsOfAQuestion = 2;

void fill_in(ChatRequest& request, const ModelSpec& model) {
  request.model = model.model;
  if (request.max_output_tokens == 0) request.max_output_tokens = model.max_output_tokens;
  if (!request.temperature) request.temperature = model.temperature;
  if (!request.top_p) request.top_p = model.top_p;
  if (!request.seed) request.seed = model.seed;
  if (request.reasoning_effort.empty()) request.reasoning_effort = model.reasoning_effort;
  if (request.extra.is_null()) request.extra = nlohmann::json::object();
  request.extra.update(model.extra);
}

nlohmann::ordered_json to_json(const Usage& usage) {
  nlohmann::ordered_json made = {{"input_tokens", usage.input_tokens}, {"output_tokens", usage.output_tokens}};
  if (usage.cached_input_tokens > 0) made["cached_input_tokens"] = usage.cached_input_tokens;
  if (usage.cache_write_tokens > 0) made["cache_write_tokens"] = usage.cache_write_tokens;
  if (usage.reasoning_tokens > 0) made["reasoning_tokens"] = usage.reasoning_tokens;
  if (usage.images > 0) made["images"] = usage.images;
  if (usage.is_estimated) made["estimated"] = true;
  return made;
}

/// What the journal keeps of a call: `answer`, which is JSON already, is what `recorded` gives back.
std::string settled_text(const CallIntent& intent, const CallOutcome& outcome) {
  nlohmann::ordered_json made;
  if (!intent.model.empty()) {
    made = {{"endpoint", intent.endpoint}, {"model", intent.model}, {"usage", to_json(outcome.usage)}};
  }
  if (outcome.provenance != Provenance::none) made["provenance"] = name(outcome.provenance);
  made["seconds"] = outcome.seconds;
  if (outcome.first_token_seconds > 0) made["first_token_seconds"] = outcome.first_token_seconds;
  std::string text = compact_text(made);
  text.back() = ',';
  return text + (outcome.was_answered ? R"("answer":)" : R"("error":)") + outcome.answer + '}';
}

/// What the server did that its limits did not foresee.
std::string overrun_text(const CallIntent& intent, const CallOutcome& outcome) {
  const Usage& usage = outcome.usage;
  const char* const how = usage.is_estimated ? " (estimated)" : "";
  const auto tokens = [how](const char* did, const char* which, uint64_t came, uint64_t most) {
    return fmt::format("{} {} {} tokens{} where {} were foreseen at most", did, came, which, how, most);
  };
  const std::string what = usage.output_tokens > intent.most_output_tokens
                               ? tokens("gave", "output", usage.output_tokens, intent.most_output_tokens)
                           : usage.input_tokens > intent.most_input_tokens
                               ? tokens("counted", "input", usage.input_tokens, intent.most_input_tokens)
                               : std::string("charged more than was foreseen");
  return fmt::format("the server of '{}' {} ('coppice flow probe' tries such limits), and the call cost {} and not {}",
                     intent.model, what, money_text(outcome.cost), money_text(intent.most));
}

}  // namespace

ItemCalls::ItemCalls(RunContext& run, const StepSpec& step, const StepInput& input, Cancellation& waiting)
    : run_(run),
      step_(step),
      with_(input.with),
      item_(input.item),
      waiting_(waiting),
      deadline_(Clock::time_point::max()),
      sender_(run.services.sender) {
  if (step.timeout_seconds > 0) {
    deadline_ = Clock::now() + Clock::from_seconds(step.timeout_seconds);
  }
}

Awaitable<HttpResponse> ItemCalls::WitnessingSender::send(HttpCall call) {
  HttpResponse response = co_await to_.send(std::move(call));
  seen_ = std::max(seen_, provenance_of(response));
  co_return response;
}

std::exception_ptr ItemCalls::with_timeout(std::exception_ptr failure) const {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::timeout || Clock::now() < deadline_) return failure;
    const std::string what = error.what();
    const std::string limit = fmt::format("the step's timeout of {} seconds", step_.timeout_seconds);
    return std::make_exception_ptr(
        Error(error.code(), what.starts_with("no answer") ? "no answer within " + limit : what + " (" + limit + ")",
              error.where(), error.hint()));
  } catch (...) {
    return failure;
  }
}

template <class Answer>
Awaitable<Answer> ItemCalls::with_model(std::string name,
                                        std::function<Awaitable<Answer>(const ModelSpec&, LlmCall)> ask) {
  const uint32_t first = next_call_;
  next_call_ += kCallsOfAQuestion;
  const std::string wanted = name;
  const auto tell_cheaper = [&](const std::string& asked) {
    if (asked == wanted) return;
    remark(fmt::format("'{}' was asked in the place of '{}': too little money was left", asked, wanted));
  };
  for (std::string at = std::move(name);;) {
    const ModelSpec& model = run_.workflow.models.at(at);
    const Endpoint& endpoint = run_.workflow.endpoints.at(model.endpoint);
    try {
      LlmCall call(endpoint, run_.workflow.price_of(model), *this);
      call.step = step_.name;
      call.cancellation = &run_.cancellation;
      call.waiting = &waiting_;
      call.deadline = deadline_;
      call.first_call = first;
      call.on_text = [this](std::string_view piece) { run_.services.observer.text(step_, piece); };
      call.gate = &run_.services.gates.of(endpoint);
      Answer answer = co_await ask(model, call);
      tell_cheaper(at);
      co_return answer;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::budget) tell_cheaper(at);  // it was too dear, too, and nobody was asked
      if (error.code() != ErrorCode::budget || model.cheaper.empty()) throw;
      note({{"cheaper", model.cheaper}, {"in_place_of", at}, {"why", error.what()}});
      at = model.cheaper;
      took_cheaper_ = true;
    }
  }
}

Awaitable<ChatAnswer> ItemCalls::chat(ChatRequest request) {
  return with_model<ChatAnswer>(request.model,
                                [this, request](const ModelSpec& model, LlmCall call) -> Awaitable<ChatAnswer> {
                                  ChatRequest filled = request;
                                  fill_in(filled, model);
                                  if (run_.settings.is_pretended) filled.extra["metadata"] = {{"step", step_.name}};
                                  return run_.services.llm.chat(std::move(filled), std::move(call));
                                });
}

Awaitable<EmbeddingAnswer> ItemCalls::embed(EmbeddingRequest request) {
  return with_model<EmbeddingAnswer>(
      request.model, [this, request](const ModelSpec& model, LlmCall call) -> Awaitable<EmbeddingAnswer> {
        EmbeddingRequest filled = request;
        filled.model = model.model;
        return run_.services.llm.embed(std::move(filled), std::move(call));
      });
}

Awaitable<ImageAnswer> ItemCalls::image(ImageRequest request) {
  return with_model<ImageAnswer>(request.model,
                                 [this, request](const ModelSpec& model, LlmCall call) -> Awaitable<ImageAnswer> {
                                   ImageRequest filled = request;
                                   filled.model = model.model;
                                   return run_.services.llm.image(std::move(filled), std::move(call));
                                 });
}

/// The first item that comes here ends the step: all that are unknown are named at once.
void ItemCalls::expect_known(uint32_t call) const {
  if (!run_.history.is_unknown(step_.name, item_, call)) return;
  const std::set<int64_t> items = run_.history.unknown_items(step_.name);
  const std::string what = item_ < 0
                               ? fmt::format("step '{}' was", step_.name)
                               : fmt::format("item{} {} of step '{}' {}", items.size() == 1 ? "" : "s",
                                             fmt::join(items, ", "), step_.name, items.size() == 1 ? "was" : "were");
  throw Error(ErrorCode::io, fmt::format("nobody knows whether {} done: the program died while it was under way", what),
              {},
              fmt::format("look whether it was; '{}' has it done again",
                          approve_command(run_.settings.id, run_.settings.journal_flag, step_.name, items)));
}

Awaitable<nlohmann::json> ItemCalls::act(Effect effect, const nlohmann::json& what,
                                         std::function<Awaitable<nlohmann::json>(const std::string& key)> work) {
  if (run_.settings.is_pretended) co_return made_up_output();
  CallIntent intent;
  intent.call = next_call_++;
  intent.request_hash = text_hash(compact_text(what));
  if (const auto before = recorded(intent.call, intent.request_hash)) co_return parse_json(*before);
  if (effect == Effect::at_most_once) expect_known(intent.call);
  const std::string key = text_hash(fmt::format("{}/{}/{}/{}", run_.settings.id, step_.name, item_, intent.call));
  if (effect != Effect::pure) co_await intend(intent);
  CallOutcome outcome;
  std::exception_ptr failure;
  nlohmann::json made;
  const auto begin = Clock::now();
  try {
    (void)sender_.take();
    made = co_await work(key);
    outcome.was_answered = true;
    outcome.provenance = sender_.take();
    outcome.answer = compact_text(made);
  } catch (const Error& error) {
    failure = std::current_exception();
    outcome.answer = compact_text(nlohmann::json(error.what()));
  }
  outcome.seconds = Clock::seconds_since(begin);
  if (effect != Effect::pure) {
    co_await settle(intent, outcome);
  } else if (outcome.provenance != Provenance::none) {  // of what is not written down as a call
    note({{"provenance", name(outcome.provenance)}});
  }
  if (failure) std::rethrow_exception(failure);
  co_return made;
}

Awaitable<nlohmann::json> ItemCalls::apart(std::function<nlohmann::json()> work) {
  return on_thread(run_.services.slow, std::move(work));
}

/// Something that the kind of step may have given.
nlohmann::json ItemCalls::made_up_output() const {
  StandInWriter writer({}, Random(static_cast<uint64_t>(item_) + 1));
  return schema_instance(step_.kind->output_schema(with_), writer);
}

std::optional<nlohmann::json> ItemCalls::approval() {
  if (run_.settings.is_pretended) return nlohmann::json{{"approved", true}, {"by", "nobody"}, {"said", ""}};
  const auto said = run_.history.approval(step_.name, item_);
  if (!said) return std::nullopt;
  return parse_json(*said);
}

void ItemCalls::note(nlohmann::json about) {
  Event event = run_.event(EventKind::note, step_.name, item_);
  event.payload = compact_text(about);
  run_.journal.append(std::move(event));
}

void ItemCalls::remark(const std::string& text) {
  note({{"remark", text}});
  remarks_.push_back(text);
}

std::optional<std::string> ItemCalls::recorded(uint32_t call, const std::string& request_hash) {
  return run_.history.answer(step_.name, item_, call, request_hash);
}

Awaitable<void> ItemCalls::intend(const CallIntent& intent) {
  JournalOperation operation;
  operation.event = run_.event(EventKind::call_intended, step_.name, item_);
  operation.event.call = intent.call;
  operation.event.attempt = intent.attempt;
  operation.event.input_hash = intent.request_hash;
  operation.event.amount = set_aside_for(intent);
  operation.event.payload = nlohmann::json({{"endpoint", intent.endpoint},
                                            {"model", intent.model},
                                            {"most_input_tokens", intent.most_input_tokens},
                                            {"most_output_tokens", intent.most_output_tokens}})
                                .dump();
  operation.budgets = run_.budgets(step_);
  const std::vector<BudgetScope> budgets = operation.budgets;
  const JournalOperation done = co_await run_.journal.commit(std::move(operation));
  if (done.short_of) throw_short(budgets, *done.short_of, intent, done.event.amount);
  ++calls_;
}

void ItemCalls::throw_short(const std::vector<BudgetScope>& budgets, const std::string& scope, const CallIntent& intent,
                            Money wanted) const {
  const auto found = std::find_if(budgets.begin(), budgets.end(), [&](const auto& one) { return one.name == scope; });
  const BudgetState state = run_.services.journal.budget(scope);
  std::string left = money_text(std::max(found->limit - (state.spent + state.reserved), Money{}));
  if (state.spent > found->limit) left += fmt::format(" (it is passed by {})", money_text(state.spent - found->limit));
  if (state.reserved > Money{})
    left += fmt::format(" ({} more is set aside for calls under way)", money_text(state.reserved));
  throw Error(ErrorCode::budget,
              fmt::format("the budget '{}' of {} has {} left, and this call to '{}' may cost {}", scope,
                          money_text(found->limit), left, intent.model, money_text(wanted)),
              {}, "raise the budget, lower max_output_tokens of the model, or name a cheaper one under it");
}

Awaitable<void> ItemCalls::settle(const CallIntent& intent, const CallOutcome& outcome) {
  usage_ += outcome.usage;
  cost_ += outcome.cost;
  JournalOperation operation;
  operation.event =
      run_.event(outcome.was_answered ? EventKind::call_answered : EventKind::call_failed, step_.name, item_);
  operation.event.call = intent.call;
  operation.event.attempt = intent.attempt;
  operation.event.input_hash = intent.request_hash;
  operation.event.amount = outcome.cost;
  operation.event.payload = settled_text(intent, outcome);  // spent where it was reserved: the day may be another now
  co_await run_.journal.commit(std::move(operation));
  if (outcome.cost > intent.most) tell_overrun(intent, outcome);
}

/// A server that has once passed the limit on tokens is taken at what it did, and no longer at its word.
Money ItemCalls::set_aside_for(const CallIntent& intent) const {
  const auto seen = run_.overruns.find({intent.endpoint, intent.model});
  return seen == run_.overruns.end() ? intent.most : std::max(intent.most, seen->second);
}

/// The call is paid, and nothing of it can be undone: its user hears of it, once for each step and budget. Nobody can
/// reserve anything in a budget that is passed.
void ItemCalls::tell_overrun(const CallIntent& intent, const CallOutcome& outcome) {
  Money& seen = run_.overruns[{intent.endpoint, intent.model}];
  seen = std::max(seen, outcome.cost);
  note({{"overrun",
         {{"endpoint", intent.endpoint},
          {"model", intent.model},
          {"most_input_tokens", intent.most_input_tokens},
          {"most_output_tokens", intent.most_output_tokens},
          {"input_tokens", outcome.usage.input_tokens},
          {"output_tokens", outcome.usage.output_tokens},
          {"most_usd", intent.most.dollars()},
          {"cost_usd", outcome.cost.dollars()}}}});
  const std::string passed = passed_budgets();
  const bool has_passed = !passed.empty();
  if (!run_.told_overruns.insert(fmt::format("{}/{}/{}", step_.name, intent.model, has_passed)).second) return;
  remark(overrun_text(intent, outcome) + (has_passed ? ": " + passed : ""));
}

/// "the budget 'run:r' of $0.0100 is passed by $0.0301"; "" where none is.
std::string ItemCalls::passed_budgets() const {
  std::string text;
  for (const BudgetScope& scope : run_.budgets(step_)) {
    if (scope.limit == kNoLimit) continue;
    const BudgetState state = run_.services.journal.budget(scope.name);
    if (state.spent <= scope.limit) continue;
    text += fmt::format("{}the budget '{}' of {} is passed by {}", text.empty() ? "" : ", ", scope.name,
                        money_text(scope.limit), money_text(state.spent - scope.limit));
  }
  return text;
}

}  // namespace coppice
