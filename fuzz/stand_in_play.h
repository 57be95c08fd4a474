// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "coppice/core/json_text.h"
#include "coppice/flow/stand_in/stand_in.h"
#include "fuzz/examples_target.h"

namespace coppice {

inline HttpRequest model_request(const char* path, std::string body) {
  return HttpRequest("POST", std::string("/v1/") + path, {}, std::move(body));
}

/// Texts may hold bytes that are no UTF-8.
inline std::string written(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// All that a stand-in sends in answer, up to some bytes: of an answer that never ends not all. Aborts where the plan
/// does not hold together.
inline std::string played(StandIn& stand_in, const HttpRequest& request, double at) {
  constexpr size_t kMostSent = size_t{1} << 20, kMostSteps = 200'000;
  StandInPlan plan = stand_in.answer(request, at);
  require(plan.status >= 200 && plan.status < 600);
  require(plan.arrived_at <= plan.began_at && plan.began_at <= plan.first_token_at);
  require(plan.first_token_at <= plan.ended_at && plan.cost.pico_dollars >= 0);
  require(plan.usage.cached_input_tokens <= plan.usage.input_tokens);
  std::string sent = std::to_string(plan.status) + " ";
  double last = 0;
  for (size_t steps = 0; steps < kMostSteps && sent.size() < kMostSent; ++steps) {
    const auto step = plan.next();
    if (!step) break;
    require(step->at_seconds >= last);
    last = step->at_seconds;
    sent += step->bytes;
  }
  return sent;
}

}  // namespace coppice
