// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/watch.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace coppice {

namespace asio = boost::asio;

Clock::time_point later(Clock::time_point from, std::chrono::milliseconds duration) noexcept {
  const auto most = std::chrono::floor<std::chrono::milliseconds>(Clock::time_point::max() - from);
  return duration < most ? from + duration : Clock::time_point::max();
}

struct Watch::State : std::enable_shared_from_this<State> {
  explicit State(asio::io_context& loop) : timer(loop) {}

  /// When whoever waits is to be woken.
  Clock::time_point next() const noexcept { return std::min({deadline, limit, pause}); }

  /// Has the timer go off no later than it must.
  void arm() {
    const Clock::time_point when = next();
    if (when >= armed) return;
    armed = when;
    timer.expires_at(when);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && !self->is_gone) self->go_off();
    });
  }

  void go_off() {
    // One that was set anew meanwhile may have come too late to be called off.
    if (Clock::now() < armed) return;
    armed = Clock::time_point::max();
    if (Clock::now() >= next()) return wake();
    arm();
  }

  /// Ends the waiting, for whatever reason; those who waited look why.
  void wake() {
    boost::system::error_code ignored;
    if (socket != nullptr) socket->cancel(ignored);
    if (woken != nullptr) woken->cancel();
  }

  void throw_if_over() const {
    if (is_cancelled) throw Error(ErrorCode::cancelled, "stopped on request");
    const Clock::time_point now = Clock::now();
    if (now >= deadline) throw Error(ErrorCode::timeout, deadline_message);
    if (now >= limit) throw Error(ErrorCode::timeout, limit_message);
  }

  LoopTimer timer;
  Clock::time_point armed = Clock::time_point::max();
  Clock::time_point deadline = Clock::time_point::max(), limit = Clock::time_point::max();
  Clock::time_point pause = Clock::time_point::max();
  std::string deadline_message, limit_message;
  TcpSocket* socket = nullptr;  ///< that is waited for now
  LoopTimer* woken = nullptr;   ///< or this
  bool is_cancelled = false, is_gone = false;
};

Watch::Watch(asio::io_context& loop, Cancellation* cancellation) : state_(std::make_shared<State>(loop)) {
  if (cancellation != nullptr) registration_ = cancellation->on_cancel([this] { cancel(); });
}

Watch::~Watch() {
  state_->is_gone = true;
  try {
    state_->timer.cancel();
  } catch (const std::exception&) {  // it goes off in the end, and finds nothing to do
  }
}

void Watch::set_deadline(Clock::time_point when, std::string what) {
  state_->deadline = when;
  state_->deadline_message = std::move(what);
}

void Watch::set_limit(Clock::time_point when, std::string what) {
  state_->limit = when;
  state_->limit_message = std::move(what);
}

void Watch::move_limit(Clock::time_point when) {
  state_->limit = when;
}

Awaitable<void> Watch::wait(TcpSocket& socket, Wait what) {
  co_await wait_until(socket, what, Clock::time_point::max());
}

Awaitable<bool> Watch::wait_until(TcpSocket& socket, Wait what, Clock::time_point when) {
  State& state = *state_;
  state.throw_if_over();
  state.socket = &socket;
  state.pause = when;
  state.arm();
  boost::system::error_code error;
  const auto kind = what == Wait::to_read ? TcpSocket::wait_read : TcpSocket::wait_write;
  co_await socket.async_wait(kind, asio::redirect_error(asio::use_awaitable, error));
  state.socket = nullptr;
  state.pause = Clock::time_point::max();
  state.throw_if_over();
  co_return !error || Clock::now() < when;
}

Awaitable<void> Watch::wait(LoopTimer& wake) {
  State& state = *state_;
  state.throw_if_over();
  state.woken = &wake;
  state.arm();
  boost::system::error_code error;
  co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, error));
  state.woken = nullptr;
  state.throw_if_over();
}

void Watch::cancel() {
  state_->is_cancelled = true;
  state_->wake();
}

void Watch::throw_if_over() const {
  state_->throw_if_over();
}

}  // namespace coppice
