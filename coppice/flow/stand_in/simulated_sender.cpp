// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/simulated_sender.h"

#include <algorithm>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/flow/llm/pause.h"

namespace coppice {
namespace {

/// What a server gets to see of a URL: the path and what follows.
std::string path_of(const std::string& url) {
  const size_t host = url.find("://");
  const size_t path = url.find('/', host == url.npos ? 0 : host + 3);
  return path == url.npos ? "/" : url.substr(path);
}

}  // namespace

struct SimulatedSender::Incoming {
  HttpCall& call;
  HttpResponse response;

  void add(std::string_view bytes) {
    if (response.body.size() + bytes.size() > call.max_body_bytes) {
      throw Error(ErrorCode::remote, "the answer is too long");
    }
    const bool is_streamed = call.on_body && response.status >= 200 && response.status < 300;
    if (is_streamed) {
      call.on_body(bytes);
    } else {
      response.body += bytes;
    }
  }
};

Awaitable<HttpResponse> SimulatedSender::send(HttpCall call) {
  const double speed = stand_in_.options().times_faster;
  HttpRequest request = call.request;
  request.target = path_of(call.request.target);
  StandInPlan plan = stand_in_.answer(request, RunClock::seconds_since(began_) * speed);
  if (on_request) on_request(call.request, plan);
  Incoming incoming{call, {plan.status, plan.headers}};
  RunClock::time_point last = RunClock::now();
  while (const auto step = plan.next()) {
    co_await wait(call, step->at_seconds / speed, last);
    switch (step->act) {
      case StandInAct::send:
      case StandInAct::write:
        incoming.add(step->bytes);
        break;
      case StandInAct::raw:
        throw Error(ErrorCode::remote, "got no answer of HTTP");
      case StandInAct::cut:
        throw Error(ErrorCode::remote, "the connection was cut");
      case StandInAct::begin:
      case StandInAct::end:
        break;
    }
  }
  co_return std::move(incoming.response);
}

Awaitable<void> SimulatedSender::wait(const HttpCall& call, double at_seconds, RunClock::time_point& last) const {
  const RunClock::time_point due = std::max(began_ + RunClock::from_seconds(at_seconds), last);
  const RunClock::time_point limit = std::min(call.deadline, last + call.idle_timeout);
  if (due > RunClock::now()) co_await pause_until(std::min(due, limit), call.cancellation);
  if (due > limit) throw Error(ErrorCode::timeout, "no answer came in time");
  last = RunClock::now();
}

}  // namespace coppice
