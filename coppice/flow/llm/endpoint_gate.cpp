// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/endpoint_gate.h"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "coppice/core/error.h"
#include "coppice/flow/llm/run_clock.h"

namespace coppice {

using Clock = RunClock;
using Timer = RunTimer;

struct EndpointGate::State : std::enable_shared_from_this<EndpointGate::State> {
  /// Lies in the frame of the coroutine that waits.
  struct Waiter {
    explicit Waiter(boost::asio::io_context& loop) : timer(loop) {}
    Timer timer;  ///< until the deadline; cancelled when the turn has come
    bool is_admitted = false;
  };

  State(boost::asio::io_context& of, const GateLimits& limits) : loop(of), queue(limits), wake(of) {}

  /// Lets go who may go, and comes back when time alone lets another one go.
  void run() {
    const auto now = Clock::now();
    while (const auto number = queue.admit(now)) {
      Waiter& waiter = *waiters.at(*number);
      waiter.is_admitted = true;
      waiter.timer.cancel();
    }
    const auto next = queue.next(now);
    if (next == wake_at) return;
    wake_at = next;
    wake.cancel();
    if (next == Clock::time_point::max()) return;
    wake.expires_at(next);
    wake.async_wait([self = weak_from_this(), next](const boost::system::error_code& fault) {
      const auto state = self.lock();
      if (fault || !state || state->wake_at != next) return;
      state->wake_at = Clock::time_point::max();
      state->run();
    });
  }

  boost::asio::io_context& loop;
  CallQueue queue;
  Timer wake;
  Clock::time_point wake_at = Clock::time_point::max();
  std::map<uint64_t, Waiter*> waiters;
};

EndpointGate::Permit& EndpointGate::Permit::operator=(Permit&& other) noexcept {
  std::swap(of_, other.of_);
  std::swap(number_, other.number_);
  return *this;
}

void EndpointGate::Permit::leave(std::optional<uint64_t> tokens) noexcept {
  const auto state = std::exchange(of_, nullptr);
  if (!state) return;
  state->queue.leave(number_, tokens);
  state->run();
}

EndpointGate::EndpointGate(boost::asio::io_context& loop, const GateLimits& limits)
    : state_(std::make_shared<State>(loop, limits)) {}

EndpointGate::EndpointGate(boost::asio::io_context& loop, const Endpoint& endpoint)
    : EndpointGate(loop, {endpoint.concurrency, endpoint.requests_per_minute, endpoint.tokens_per_minute}) {}

EndpointGate::~EndpointGate() = default;

Awaitable<EndpointGate::Permit> EndpointGate::enter(GateEntry entry) {
  if (entry.cancellation != nullptr) entry.cancellation->throw_if_cancelled();
  const std::shared_ptr<State> state = state_;
  State::Waiter waiter(state->loop);
  const uint64_t number = state->queue.wait(entry.step, entry.tokens);
  state->waiters.emplace(number, &waiter);
  /// Also where the coroutine is destroyed while it waits.
  struct Leaving {
    State& state;
    State::Waiter& waiter;
    const std::string& step;
    uint64_t number;
    bool has_passed = false;
    ~Leaving() {
      state.waiters.erase(number);
      if (has_passed) return;
      waiter.is_admitted ? state.queue.leave(number, 0) : state.queue.give_up(step, number);
      state.run();
    }
  } leaving{*state, waiter, entry.step, number};
  Cancellation::Registration registration;
  if (entry.cancellation != nullptr) registration = entry.cancellation->on_cancel([&] { waiter.timer.cancel(); });
  state->run();
  while (!waiter.is_admitted) {
    if (entry.cancellation != nullptr) entry.cancellation->throw_if_cancelled();
    if (Clock::now() >= entry.deadline) throw Error(ErrorCode::timeout, "no turn came before the deadline");
    waiter.timer.expires_at(entry.deadline);
    boost::system::error_code fault;
    co_await waiter.timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, fault));
  }
  leaving.has_passed = true;
  co_return Permit(state, number);
}

void EndpointGate::learn(const HttpHeaders& headers, int status) {
  state_->queue.learn(read_rate_hints(headers), status, Clock::now());
  state_->run();
}

size_t EndpointGate::in_flight() const noexcept {
  return state_->queue.in_flight();
}

size_t EndpointGate::waiting() const noexcept {
  return state_->queue.waiting();
}

}  // namespace coppice
