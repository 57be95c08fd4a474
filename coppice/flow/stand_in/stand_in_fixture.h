// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/json_text.h"
#include "coppice/flow/stand_in/stand_in.h"
#include "coppice/http/sse.h"

namespace coppice {

inline StandIn stand_in_of(const char* settings) {
  return StandIn(read_stand_in_options(nlohmann::json::parse(settings)));
}

inline HttpRequest post(const std::string& path, const nlohmann::json& body) {
  HttpRequest request;
  request.method = "POST";
  request.target = path;
  request.body = body.dump();
  return request;
}

inline HttpRequest chat_request(const nlohmann::json& more) {
  nlohmann::json body = {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "roses along a stone wall"}}}}};
  if (more.is_object()) body.update(more);  // {} is null
  return post("/v1/chat/completions", body);
}

/// Everything that a plan sends, without the waiting.
struct Played {
  int status = 0;
  std::string body;
  std::vector<StandInStep> steps;
  bool is_cut = false, has_ended = false;

  nlohmann::json json() const { return parse_json(body); }
  double last_at() const { return steps.empty() ? 0 : steps.back().at_seconds; }
};

inline Played played(StandInPlan& plan, size_t most_bytes = size_t{1} << 24) {
  Played all;
  all.status = plan.status;
  while (auto step = plan.next()) {
    all.body += step->bytes;
    all.is_cut |= step->act == StandInAct::cut;
    all.has_ended |= step->act == StandInAct::end || step->act == StandInAct::send;
    all.steps.push_back(std::move(*step));
    if (all.body.size() > most_bytes) break;
  }
  return all;
}

inline Played answered(StandIn& stand_in, const HttpRequest& request, double at = 0) {
  StandInPlan plan = stand_in.answer(request, at);
  return played(plan);
}

inline std::string content_of(const Played& played) {
  const nlohmann::json body = played.json();
  return body.at("choices").at(0).at("message").at("content").get<std::string>();
}

/// A stream put together again.
struct Streamed {
  std::string content, finish_reason;
  nlohmann::json usage;
  std::vector<std::string> events;
  bool is_done = false;

  explicit Streamed(const std::string& body) {
    SseParser parser;
    parser.feed(body, [&](const SseEvent& event) { events.push_back(event.data); });
    for (const std::string& event : events) read(event);
  }

 private:
  void read(const std::string& event) {
    is_done |= event == "[DONE]";
    const nlohmann::json chunk = parse_json(event);
    if (!chunk.is_object()) return;
    if (chunk.contains("usage") && !chunk["usage"].is_null()) usage = chunk["usage"];
    for (const nlohmann::json& choice : chunk["choices"]) {
      if (choice["delta"].contains("content")) content += choice["delta"]["content"].get<std::string>();
      if (!choice["finish_reason"].is_null()) finish_reason = choice["finish_reason"].get<std::string>();
    }
  }
};

}  // namespace coppice
