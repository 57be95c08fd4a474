// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_server.h"

#include "coppice/http/awaitable.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "coppice/flow/stand_in/stand_in.h"
#include "coppice/http/cancellation.h"

namespace coppice {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

/// What all answers share; each of them keeps it alive.
class StandInServer::Stage : public std::enable_shared_from_this<Stage> {
 public:
  Stage(asio::io_context& loop, StandInOptions options)
      : loop_(loop), stand_in_(std::move(options)), began_(Clock::now()), patience_(loop) {}

  static Awaitable<void> play(std::shared_ptr<Stage> stage, const HttpRequest& request, HttpResponder& responder) {
    StandInPlan plan = stage->stand_in_.answer(request, stage->now());
    asio::steady_timer timer(stage->loop_);
    const auto registration = stage->cancellation_.on_cancel([&timer] {
      boost::system::error_code ignored;
      timer.cancel(ignored);
    });
    while (auto step = plan.next()) {
      const Clock::time_point due = stage->time_of(step->at_seconds);
      if (due > Clock::now()) {
        timer.expires_at(due);
        boost::system::error_code ignored;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      }
      stage->cancellation_.throw_if_cancelled();
      if (step->act == StandInAct::cut) {
        responder.cut();
        co_return;
      }
      co_await act(plan, *step, responder);
    }
  }

  void stop_after(std::chrono::milliseconds patience) {
    if (patience.count() <= 0) return cancellation_.cancel();
    patience_.expires_after(patience);
    patience_.async_wait([stage = weak_from_this()](const boost::system::error_code& error) {
      if (const auto alive = stage.lock(); alive != nullptr && !error) alive->cancellation_.cancel();
    });
  }

  void cancel() {
    boost::system::error_code ignored;
    patience_.cancel(ignored);
    cancellation_.cancel();
  }

 private:
  static Awaitable<void> act(const StandInPlan& plan, StandInStep& step, HttpResponder& responder) {
    switch (step.act) {
      case StandInAct::send: {
        HttpResponse response{plan.status, plan.headers, std::move(step.bytes)};
        co_await responder.send(std::move(response));
        break;
      }
      case StandInAct::begin:
        co_await responder.begin(plan.status, plan.headers);
        break;
      case StandInAct::write:
        co_await responder.write(step.bytes);
        break;
      case StandInAct::raw:
        co_await responder.write_raw(step.bytes);
        break;
      case StandInAct::end:
        co_await responder.end();
        break;
      case StandInAct::cut:
        break;
    }
  }

  double now() const {
    return std::chrono::duration<double>(Clock::now() - began_).count() * stand_in_.options().times_faster;
  }

  Clock::time_point time_of(double seconds) const {
    constexpr double kMost = 1e9;  // a clock's range is no matter then
    const std::chrono::duration<double> played(std::min(seconds / stand_in_.options().times_faster, kMost));
    return began_ + std::chrono::duration_cast<Clock::duration>(played);
  }

  asio::io_context& loop_;
  StandIn stand_in_;
  Clock::time_point began_;
  Cancellation cancellation_;
  asio::steady_timer patience_;
};

StandInServer::StandInServer(asio::io_context& loop, StandInOptions options, HttpServerOptions server_options)
    : stage_(std::make_shared<Stage>(loop, std::move(options))) {
  server_ = std::make_unique<HttpServer>(loop, std::move(server_options),
                                         [stage = stage_](const HttpRequest& request, HttpResponder& responder) {
                                           return Stage::play(stage, request, responder);
                                         });
}

StandInServer::~StandInServer() {
  try {
    stage_->cancel();
  } catch (const std::exception&) {  // no memory: answers end at their time
  }
}

uint16_t StandInServer::port() const noexcept {
  return server_->port();
}

void StandInServer::stop(std::chrono::milliseconds patience) {
  server_->stop(patience);
  stage_->stop_after(patience);
}

}  // namespace coppice
