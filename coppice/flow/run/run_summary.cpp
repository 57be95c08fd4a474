// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_summary.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "coppice/core/json_text.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/run/active_time.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

Json payload_of(const Event& event) {
  Json payload = event.payload.empty() ? Json::object() : parse_json(event.payload);
  return payload.is_object() ? payload : Json::object();
}

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  return found->is_string() ? found->get<std::string>() : compact_text(*found);
}

template <class T>
T number_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<T>() : T{};
}

Usage usage_in(const Json& payload) {
  const Json usage = payload.value("usage", Json::object());
  Usage made;
  made.input_tokens = number_in<uint64_t>(usage, "input_tokens");
  made.output_tokens = number_in<uint64_t>(usage, "output_tokens");
  made.cached_input_tokens = number_in<uint64_t>(usage, "cached_input_tokens");
  made.cache_write_tokens = number_in<uint64_t>(usage, "cache_write_tokens");
  made.reasoning_tokens = number_in<uint64_t>(usage, "reasoning_tokens");
  made.images = number_in<uint64_t>(usage, "images");
  made.is_estimated = usage.value("estimated", false);
  return made;
}

std::string error_type_of(const Json& payload) {
  return payload.contains("code") ? text_in(payload, "code") : "_OTHER";
}

/// What a trace may call the failure of a call: texts of a server may repeat what it was asked.
std::string call_error_type(const Event& event, const Json& payload) {
  if (event.kind == EventKind::call_unknown) return "unknown";
  if (event.kind != EventKind::call_failed) return {};
  const Json error = payload.value("error", Json());
  const Json inner = error.is_object() ? error.value("error", Json()) : Json();
  if (!inner.is_object()) return "_OTHER";
  const int status = number_in<int>(inner, "status");
  if (status > 0) return std::to_string(status);
  return inner.contains("code") ? text_in(inner, "code") : "_OTHER";
}

/// Of an answer in the form of OpenAI's protocol.
void read_answer(const Json& payload, CallSummary& call) {
  const Json answer = payload.value("answer", Json());
  if (call.model.empty() || !answer.is_object()) return;
  call.answered_by = text_in(answer, "model");
  const Json choices = answer.value("choices", Json());
  if (choices.is_array() && !choices.empty() && choices[0].is_object()) {
    call.finish_reason = text_in(choices[0], "finish_reason");
  }
}

/// Nothing in journals of earlier versions.
std::optional<double> seconds_in(const Json& payload) {
  const auto found = payload.find("seconds");
  if (found == payload.end() || !found->is_number()) return {};
  return std::max(0.0, found->get<double>());
}

int64_t earlier(int64_t at_nanoseconds, double seconds) {
  return at_nanoseconds - static_cast<int64_t>(seconds * 1e9);
}

/// Reads the events of a run one after the other.
class Summary {
 public:
  explicit Summary(const RunRecord& record) { run_.record = record; }

  void add(const Event& event) {
    const double at = time_.place(event);
    const Json payload = payload_of(event);
    switch (event.kind) {
      case EventKind::call_intended:
        begin_call(event, payload, at);
        break;
      case EventKind::call_answered:
      case EventKind::call_failed:
      case EventKind::call_unknown:
        end_call(event, payload, at);
        break;
      case EventKind::step_done:
        end_item(event, payload, at);
        break;
      case EventKind::step_failed:
      case EventKind::step_skipped:
        end_step(event, payload, at);
        break;
      case EventKind::note:
        take_note(event, payload);
        break;
      case EventKind::approved:
        for (StepSummary& one : run_.steps) {
          if (one.name == event.step) answer(one, event.item);
        }
        break;
      case EventKind::run_failed:
        run_.error = text_in(payload, "error");
        run_.error_type = error_type_of(payload);
        end_part(payload);
        break;
      case EventKind::run_resumed:
        for (StepSummary& step : run_.steps) {
          if (step.state == "failed") forget_failure(step);  // it is tried again
        }
        forget_failure();
        asking_.clear();
        break;
      case EventKind::run_finished:
        end_part(payload);
        forget_failure();
        break;
      default:
        break;
    }
  }

  RunSummary end() {
    run_.seconds = time_.seconds();
    run_.waited_seconds = time_.waited_seconds();
    run_.resumptions = time_.resumptions();
    run_.began_nanoseconds = time_.has_begun() ? time_.began_nanoseconds() : run_.record.created_nanoseconds;
    run_.ended_nanoseconds = std::max(run_.began_nanoseconds, time_.ended_nanoseconds());
    for (CallSummary& call : run_.calls) {
      if (call.end == EventKind::call_intended) call.seconds = std::max(0.0, run_.seconds - call.began_seconds);
      run_.usage += call.usage;
      run_.cost += call.cost;
      run_.provenance = std::max(run_.provenance, call.provenance);
    }
    for (StepSummary& step : run_.steps) {
      end(step);
      tell_how_far(step);
    }
    return std::move(run_);
  }

 private:
  StepSummary& step(const std::string& name) {
    const auto found =
        std::find_if(run_.steps.begin(), run_.steps.end(), [&](const auto& one) { return one.name == name; });
    if (found != run_.steps.end()) return *found;
    run_.steps.push_back({});
    run_.steps.back().name = name;
    return run_.steps.back();
  }

  /// A step that was interrupted has begun before; of two beginnings the first one counts.
  void begin(StepSummary& step, double at, int64_t at_nanoseconds) {
    const auto [place, is_first] = begun_.insert(step.name);
    if (!is_first && step.began_seconds <= at) return;
    step.began_seconds = at;
    step.began_nanoseconds = at_nanoseconds;
  }

  static void end(StepSummary& step, double at, int64_t at_nanoseconds) {
    step.ended_seconds = at;
    step.ended_nanoseconds = at_nanoseconds;
  }

  /// Of a step that has not ended its calls say how far it came.
  void end(StepSummary& step) {
    for (const CallSummary& call : run_.calls) {
      if (call.step != step.name || call.began_seconds + call.seconds <= step.ended_seconds) continue;
      end(step, call.began_seconds + call.seconds, earlier(call.began_nanoseconds, -call.seconds));
    }
    step.ended_seconds = std::max(step.ended_seconds, step.began_seconds);
    step.ended_nanoseconds = std::max(step.ended_nanoseconds, step.began_nanoseconds);
    step.seconds = step.ended_seconds - step.began_seconds;
  }

  /// What has begun and not ended is as its run is.
  void tell_how_far(StepSummary& step) const {
    const std::string state = state_of(run_.record);
    if (state == "finished") return;
    const bool is_half_done = step.state == "done" && step.items < step.all_items;
    const bool has_begun = step.state == "waiting" && (asking_.contains(step.name) || step.items > 0);
    if (!is_half_done && !has_begun) {
      if (step.state == "waiting" && step.questions.empty()) step.state = "not begun";
      return;
    }
    step.state = !step.questions.empty() ? "waiting" : state == "failed" ? "stopped" : state;
  }

  /// Of an earlier try.
  void forget_failure() {
    run_.error.clear();
    run_.error_type.clear();
  }

  static void forget_failure(StepSummary& step) {
    step.state = "waiting";
    step.error.clear();
    step.error_type.clear();
  }

  void end_part(const Json& payload) {
    if (const auto seconds = seconds_in(payload)) time_.took(*seconds);
  }

  void begin_call(const Event& event, const Json& payload, double at) {
    CallSummary call;
    call.step = event.step;
    call.endpoint = text_in(payload, "endpoint");
    call.model = text_in(payload, "model");
    call.item = event.item;
    call.call = event.call;
    call.attempt = event.attempt;
    call.began_seconds = at;
    call.began_nanoseconds = event.at_nanoseconds;
    run_.calls.push_back(std::move(call));
    StepSummary& its = step(event.step);
    ++its.calls;
    asking_.insert(event.step);
    begin(its, at, event.at_nanoseconds);
  }

  void end_call(const Event& event, const Json& payload, double at) {
    const auto call = std::find_if(run_.calls.rbegin(), run_.calls.rend(), [&](const CallSummary& one) {
      return one.step == event.step && one.item == event.item && one.call == event.call && one.attempt == event.attempt;
    });
    if (call == run_.calls.rend()) return;
    const auto seconds = seconds_in(payload);
    if (seconds) at = time_.at_least(call->began_seconds + *seconds);
    call->end = event.kind;
    call->settled_nanoseconds = event.at_nanoseconds;
    call->seconds = seconds.value_or(std::max(0.0, at - call->began_seconds));
    call->first_token_seconds = number_in<double>(payload, "first_token_seconds");
    call->usage = usage_in(payload);
    call->cost = event.amount;
    if (event.kind == EventKind::call_unknown) run_.unknown.add(event.amount);
    call->error = text_in(payload, "error");
    call->error_type = call_error_type(event, payload);
    const bool says_provenance = !call->model.empty() || payload.contains("provenance");
    if (event.kind == EventKind::call_answered && says_provenance) {
      call->provenance = provenance_named(text_in(payload, "provenance"));
    }
    read_answer(payload, *call);
    StepSummary& its = step(event.step);
    its.usage += call->usage;
    its.cost += event.amount;
    if (event.kind == EventKind::call_unknown) its.unknown.add(event.amount);
  }

  void take_note(const Event& event, const Json& payload) {
    if (payload.size() == 1 && payload.contains("provenance")) {  // an http step has read something
      run_.provenance = std::max(run_.provenance, provenance_named(text_in(payload, "provenance")));
      return;
    }
    if (payload.contains(kQuestionNote)) ask(step(event.step), {event.item, text_in(payload, kQuestionNote)});
    if (payload.contains("remark")) add_remark(step(event.step), text_in(payload, "remark"));
    run_.notes.emplace_back(event.step, payload);
  }

  static void add_remark(StepSummary& its, std::string remark) {
    if (std::find(its.remarks.begin(), its.remarks.end(), remark) != its.remarks.end()) return;
    its.remarks.push_back(std::move(remark));
  }

  /// Of a run that is resumed before somebody answers it is asked again.
  void ask(StepSummary& its, OpenQuestion question) {
    answer(its, question.item);
    its.questions.push_back(std::move(question));
  }

  static void answer(StepSummary& its, int64_t item) {
    std::erase_if(its.questions, [&](const OpenQuestion& one) { return one.item == item; });
  }

  void end_item(const Event& event, const Json& payload, double at) {
    StepSummary& its = step(event.step);
    if (its.is_kept && time_.has_begun()) its.items = 0;  // the fork has done it again
    its.is_kept = !time_.has_begun();
    answer(its, event.item);
    ++its.items;
    if (event.item >= 0) count_item(its, event.item, number_in<size_t>(payload, "items"));
    if (payload.value("cached", false)) ++its.cached;
    if (!its.is_kept) {
      const double seconds = std::min(seconds_in(payload).value_or(0), at - time_.part_began());
      begin(its, at - seconds, earlier(event.at_nanoseconds, seconds));
      end(its, at, event.at_nanoseconds);
    }
    if (its.state != "failed")
      its.state = "done";  // items that were under way when another one failed go on to their end
  }

  /// Each once: what a fork has kept may have been done again. Nothing is known of them all in journals of earlier
  /// versions.
  void count_item(StepSummary& its, int64_t item, size_t of) {
    std::set<int64_t>& done = done_items_[its.name];
    done.insert(item);
    its.all_items = of;
    if (of > 0) its.items = std::min(done.size(), of);
  }

  void end_step(const Event& event, const Json& payload, double at) {
    StepSummary& its = step(event.step);
    its.state = event.kind == EventKind::step_failed ? "failed" : "skipped";
    its.questions.clear();
    its.error = text_in(payload, "error");
    if (event.kind == EventKind::step_failed) its.error_type = error_type_of(payload);
    const double seconds = std::min(seconds_in(payload).value_or(0), at - time_.part_began());
    begin(its, at - seconds, earlier(event.at_nanoseconds, seconds));
    end(its, at, event.at_nanoseconds);
  }

  RunSummary run_;
  ActiveTime time_;
  std::set<std::string> begun_;   // steps
  std::set<std::string> asking_;  // steps with calls since the run was begun or resumed
  std::map<std::string, std::set<int64_t>> done_items_;
};

nlohmann::ordered_json to_json(const StepSummary& step) {
  nlohmann::ordered_json made = {{"step", step.name},
                                 {"state", step.state},
                                 {"items", step.items},
                                 {"calls", step.calls},
                                 {"cached", step.cached},
                                 {"began_seconds", step.began_seconds},
                                 {"ended_seconds", step.ended_seconds},
                                 {"seconds", step.seconds},
                                 {"input_tokens", step.usage.input_tokens},
                                 {"output_tokens", step.usage.output_tokens},
                                 {"cost_usd", step.cost.dollars()}};
  if (step.unknown.calls > 0) made["unknown_cost_usd"] = step.unknown.cost.dollars();
  if (step.items < step.all_items) made["all_items"] = step.all_items;
  for (const OpenQuestion& question : step.questions) {
    made["questions"].push_back(question.text);
    if (question.item >= 0) made["question_items"].push_back(question.item);
  }
  if (!step.remarks.empty()) made["remarks"] = step.remarks;
  if (step.is_kept) made["kept_from_parent"] = true;
  if (!step.error.empty()) made["error"] = step.error;
  return made;
}

/// What came of a call of that run.
const char* outcome_of(const CallSummary& call, const RunRecord& run) {
  return call.end == EventKind::call_intended && state_of(run) == "interrupted" ? "interrupted"
                                                                                : outcome_name(call.end);
}

nlohmann::ordered_json to_json(const CallSummary& call, const RunRecord& run) {
  nlohmann::ordered_json made = {{"step", call.step},       {"call", call.call},
                                 {"attempt", call.attempt}, {"endpoint", call.endpoint},
                                 {"model", call.model},     {"outcome", outcome_of(call, run)}};
  if (call.item >= 0) made["item"] = call.item;
  made["provenance"] = name(call.provenance);
  made["began_seconds"] = call.began_seconds;
  made["seconds"] = call.seconds;
  if (call.first_token_seconds > 0) made["first_token_seconds"] = call.first_token_seconds;
  made["input_tokens"] = call.usage.input_tokens;
  made["output_tokens"] = call.usage.output_tokens;
  if (call.usage.is_estimated) made["usage_is_estimated"] = true;
  made["cost_usd"] = call.cost.dollars();
  if (!call.error.empty()) made["error"] = call.error;
  return made;
}

/// "2026-11-23T15:04:05Z".
std::string utc_text(int64_t nanoseconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(nanoseconds / 1'000'000'000)));
}

}  // namespace

std::string items_text(const StepSummary& step) {
  return step.items < step.all_items ? fmt::format("{} of {}", step.items, step.all_items) : std::to_string(step.items);
}

const char* outcome_name(EventKind end) noexcept {
  if (end == EventKind::call_answered) return "answered";
  if (end == EventKind::call_failed) return "failed";
  return end == EventKind::call_unknown ? "unknown" : "under way";
}

std::string state_of(const RunRecord& run) {
  return run.state == "running" && !run.is_worked_on ? "interrupted" : run.state;
}

std::string between_parts(const RunSummary& run) {
  const std::string known = "in which nothing that is known was done";
  if (run.unknown.calls == 0) return known;
  return fmt::format("{} ({} under way then, for a time that is not known)", known, counted(run.unknown.calls, "call"));
}

RunSummary summarize(const RunRecord& record, const std::vector<Event>& events) {
  Summary summary(record);
  for (const Event& event : events) summary.add(event);
  return summary.end();
}

nlohmann::ordered_json to_json(const RunSummary& run, bool with_calls) {
  nlohmann::ordered_json made = {{"run", run.record.id},
                                 {"workflow", run.record.workflow},
                                 {"variant", run.record.variant},
                                 {"tenant", run.record.tenant},
                                 {"parent", run.record.parent},
                                 {"created", utc_text(run.record.created_nanoseconds)},
                                 {"created_ns", run.record.created_nanoseconds},
                                 {"prices_hash", run.record.prices_hash},
                                 {"provenance", name(run.provenance)},
                                 {"state", state_of(run.record)},
                                 {"seconds", run.seconds},
                                 {"waited_seconds", run.waited_seconds},
                                 {"resumptions", run.resumptions},
                                 {"cost_usd", run.cost.dollars()},
                                 {"input_tokens", run.usage.input_tokens},
                                 {"output_tokens", run.usage.output_tokens}};
  if (run.unknown.calls > 0) {
    made["unknown_calls"] = run.unknown.calls;
    made["unknown_cost_usd"] = run.unknown.cost.dollars();
  }
  if (run.usage.is_estimated) made["usage_is_estimated"] = true;
  if (!run.error.empty()) made["error"] = run.error;
  made["steps"] = nlohmann::ordered_json::array();
  for (const StepSummary& step : run.steps) made["steps"].push_back(to_json(step));
  if (!with_calls) return made;
  made["calls"] = nlohmann::ordered_json::array();
  for (const CallSummary& call : run.calls) made["calls"].push_back(to_json(call, run.record));
  return made;
}

}  // namespace coppice
