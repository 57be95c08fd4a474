// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_summary.h"

#include <algorithm>

#include "coppice/core/json_text.h"

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
  return found->is_string() ? found->get<std::string>() : found->dump(-1, ' ', false, Json::error_handler_t::replace);
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

/// Reads the events of a run one after the other.
class Summary {
 public:
  explicit Summary(const RunRecord& record) { run_.record = record; }

  void add(const Event& event) {
    if (first_ == 0) first_ = event.at_nanoseconds;
    const double at = static_cast<double>(event.at_nanoseconds - first_) * 1e-9;
    run_.seconds = std::max(run_.seconds, at);
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
        run_.notes.emplace_back(event.step, payload);
        break;
      case EventKind::run_failed:
        run_.error = text_in(payload, "error");
        run_.error_type = error_type_of(payload);
        break;
      case EventKind::run_resumed:
      case EventKind::run_finished:
        run_.error.clear();  // of an earlier try
        run_.error_type.clear();
        break;
      default:
        break;
    }
  }

  RunSummary end() {
    for (const CallSummary& call : run_.calls) {
      run_.usage += call.usage;
      run_.cost += call.cost;
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

  void begin_call(const Event& event, const Json& payload, double at) {
    CallSummary call;
    call.step = event.step;
    call.endpoint = text_in(payload, "endpoint");
    call.model = text_in(payload, "model");
    call.item = event.item;
    call.call = event.call;
    call.attempt = event.attempt;
    call.began_seconds = at;
    run_.calls.push_back(std::move(call));
    StepSummary& its = step(event.step);
    if (its.calls++ == 0) its.began_seconds = at;
  }

  void end_call(const Event& event, const Json& payload, double at) {
    const auto call = std::find_if(run_.calls.rbegin(), run_.calls.rend(), [&](const CallSummary& one) {
      return one.step == event.step && one.item == event.item && one.call == event.call && one.attempt == event.attempt;
    });
    if (call == run_.calls.rend()) return;
    call->end = event.kind;
    call->seconds = at - call->began_seconds;
    call->first_token_seconds = number_in<double>(payload, "first_token_seconds");
    call->usage = usage_in(payload);
    call->cost = event.amount;
    call->error = text_in(payload, "error");
    call->error_type = call_error_type(event, payload);
    read_answer(payload, *call);
    StepSummary& its = step(event.step);
    its.usage += call->usage;
    its.cost += event.amount;
  }

  void end_item(const Event& event, const Json& payload, double at) {
    StepSummary& its = step(event.step);
    if (its.items++ == 0) its.began_seconds = at - number_in<double>(payload, "seconds");
    if (payload.value("cached", false)) ++its.cached;
    its.ended_seconds = at;
    its.state = "done";
    its.error.clear();  // of an earlier try
    its.error_type.clear();
  }

  void end_step(const Event& event, const Json& payload, double at) {
    StepSummary& its = step(event.step);
    its.state = event.kind == EventKind::step_failed ? "failed" : "skipped";
    its.error = text_in(payload, "error");
    if (event.kind == EventKind::step_failed) its.error_type = error_type_of(payload);
    its.ended_seconds = at;
    if (its.items == 0 && its.calls == 0) its.began_seconds = at;
  }

  RunSummary run_;
  int64_t first_ = 0;
};

}  // namespace

RunSummary summarize(const RunRecord& record, const std::vector<Event>& events) {
  Summary summary(record);
  for (const Event& event : events) summary.add(event);
  return summary.end();
}

nlohmann::ordered_json to_json(const RunSummary& run) {
  nlohmann::ordered_json made = {{"run", run.record.id},
                                 {"workflow", run.record.workflow},
                                 {"variant", run.record.variant},
                                 {"state", run.record.state},
                                 {"seconds", run.seconds},
                                 {"cost_usd", run.cost.dollars()},
                                 {"input_tokens", run.usage.input_tokens},
                                 {"output_tokens", run.usage.output_tokens}};
  if (run.usage.is_estimated) made["usage_is_estimated"] = true;
  if (!run.error.empty()) made["error"] = run.error;
  made["steps"] = nlohmann::ordered_json::array();
  for (const StepSummary& step : run.steps) {
    nlohmann::ordered_json one = {{"step", step.name},
                                  {"state", step.state},
                                  {"items", step.items},
                                  {"calls", step.calls},
                                  {"cached", step.cached},
                                  {"began_seconds", step.began_seconds},
                                  {"ended_seconds", step.ended_seconds},
                                  {"cost_usd", step.cost.dollars()}};
    if (!step.error.empty()) one["error"] = step.error;
    made["steps"].push_back(std::move(one));
  }
  return made;
}

}  // namespace coppice
