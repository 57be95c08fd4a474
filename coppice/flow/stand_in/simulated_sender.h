// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "coppice/flow/llm/run_clock.h"
#include "coppice/flow/stand_in/stand_in.h"
#include "coppice/http/sender.h"

namespace coppice {

/// Gets requests answered by a stand-in without a socket, at its times divided by `times_faster`: for simulations
/// (`SimulatedTime`), where whatever host a request names is the stand-in.
///
/// Threads: of one event loop.
class SimulatedSender : public HttpSender {
 public:
  /// `stand_in` outlives it. The stand-in's time begins now.
  explicit SimulatedSender(StandIn& stand_in) : stand_in_(stand_in), began_(RunClock::now()) {}

  /// What is asked and what will be answered.
  std::function<void(const HttpRequest& request, const StandInPlan& plan)> on_request;

  Awaitable<HttpResponse> send(HttpCall call) override;

 private:
  /// One answer as it comes in.
  struct Incoming;

  Awaitable<void> wait(const HttpCall& call, double at_seconds, RunClock::time_point& last) const;

  StandIn& stand_in_;
  RunClock::time_point began_;
};

}  // namespace coppice
