// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/report/run_telemetry.h"

namespace coppice {

/// The events of a run, for tests. Seconds count from 1700000000.
class TracedEvents {
 public:
  using Json = nlohmann::json;

  TracedEvents() {
    record.id = "r1";
    record.workflow = "site";
    record.created_nanoseconds = kZero;
    record.inputs = R"({"x": "secret"})";
    const Json kinds{{"writer", "llm"}, {"judge", "llm"}, {"finder", "embed"}, {"artist", "image"}, {"poster", "http"}};
    Json workflow{{"endpoints", {{"far", {{"url", "https://models.example.com/v1"}, {"provider", "mistral"}}}}}};
    for (const auto& [step, kind] : kinds.items()) workflow["steps"][step] = {{"kind", kind}};
    record.workflow_text = workflow.dump();
  }

  TracedEvents& add(double seconds, EventKind kind, const std::string& step, const Json& payload, uint32_t call = 0,
                    uint32_t attempt = 0, Money amount = {}) {
    Event event;
    event.at_nanoseconds = kZero + std::llround(seconds * 1e9);
    event.kind = kind;
    event.step = step;
    event.call = call;
    event.attempt = attempt;
    event.amount = amount;
    if (!payload.is_null()) event.payload = payload.dump();
    events.push_back(event);
    return *this;
  }

  TracedEvents& start(double seconds) { return add(seconds, EventKind::run_started, {}, {}); }

  TracedEvents& intend(double seconds, const std::string& step, uint32_t call, uint32_t attempt,
                       const std::string& model) {
    return add(seconds, EventKind::call_intended, step, {{"endpoint", "far"}, {"model", model}}, call, attempt);
  }

  /// 100 tokens in, 20 out.
  TracedEvents& answer(double seconds, const std::string& step, uint32_t call, uint32_t attempt, Money cost = {},
                       double first_token_seconds = 0) {
    const Json choice{{"message", {{"content", "secret"}}}, {"finish_reason", "stop"}};
    const Json answer{{"model", "small-2"}, {"choices", Json::array({choice})}};
    return add(seconds, EventKind::call_answered, step,
               {{"usage", {{"input_tokens", 100}, {"output_tokens", 20}}},
                {"first_token_seconds", first_token_seconds},
                {"answer", answer}},
               call, attempt, cost);
  }

  RunTelemetry telemetry(const std::string& state) const {
    RunRecord ended = record;
    ended.state = state;
    return run_telemetry(ended, events);
  }

  static constexpr int64_t kZero = 1'700'000'000'000'000'000;
  RunRecord record;
  std::vector<Event> events;
};

/// A run of twenty seconds: a chat, one with two attempts, vectors, a picture, and something posted.
inline RunTelemetry traced_run() {
  TracedEvents events;
  events.start(0);
  events.intend(1, "writer", 1, 1, "small").answer(3.5, "writer", 1, 1, Money::of_dollars(0.002), 0.25);
  events.add(4, EventKind::step_done, "writer", {{"seconds", 4}, {"output", "secret"}});
  events.intend(4, "judge", 1, 1, "big");
  events.add(5, EventKind::call_failed, "judge",
             {{"error", {{"error", {{"code", "remote"}, {"status", 503}, {"message", "secret"}}}}}}, 1, 1,
             Money::of_dollars(0.01));
  events.intend(6, "judge", 1, 2, "big").answer(8, "judge", 1, 2, Money::of_dollars(0.02));
  events.add(8, EventKind::step_done, "judge", {{"seconds", 4}, {"output", "secret"}});
  events.intend(9, "finder", 1, 1, "vectors").answer(10, "finder", 1, 1);
  events.add(10, EventKind::step_done, "finder", {{"seconds", 1}, {"output", "secret"}});
  events.intend(10, "artist", 1, 1, "painter").answer(15, "artist", 1, 1);
  events.add(15, EventKind::step_done, "artist", {{"seconds", 5}, {"output", "secret"}});
  events.add(16, EventKind::call_intended, "poster", {{"endpoint", ""}, {"model", ""}}, 1, 1);
  events.add(17, EventKind::call_answered, "poster", {{"answer", {{"model", "secret"}}}}, 1, 1);
  events.add(17, EventKind::step_done, "poster", {{"seconds", 1}, {"output", "secret"}});
  events.add(20, EventKind::run_finished, {}, {});
  return events.telemetry("finished");
}

}  // namespace coppice
