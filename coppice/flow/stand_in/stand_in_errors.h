// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "coppice/flow/stand_in/stand_in.h"
#include "coppice/flow/stand_in/stand_in_reply.h"

namespace coppice {

/// An error as JSON, at once.
StandInPlan refusal_plan(const StandInRefusal& refusal, double at);

/// A request at the moment it arrives.
struct StandInArrival {
  const HttpRequest& request;
  const StandInAsk& ask;
  double at = 0;
};

/// Of a fault that comes in place of any answer; nothing for one that comes in the answer.
std::optional<StandInPlan> fault_plan(StandInFault fault, const StandInArrival& arrival);

/// The two rate limits of a model; the waits that are told to clients are in their time.
struct RateState {
  const RateBucket& requests;
  const RateBucket& tokens;
  double times_faster = 1;
};

/// 429 where a limit is reached.
std::optional<StandInPlan> limit_plan(const RateState& rates, double tokens, double at);

/// x-ratelimit-limit-requests and so on, for the limits that there are.
void add_limit_headers(const RateState& rates, double at, HttpHeaders& headers);

}  // namespace coppice
