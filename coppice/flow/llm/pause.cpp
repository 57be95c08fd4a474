// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/pause.h"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coppice {

Awaitable<void> pause_until(RunClock::time_point end, Cancellation* cancellation) {
  if (cancellation != nullptr) cancellation->throw_if_cancelled();
  RunTimer timer(co_await boost::asio::this_coro::executor);
  timer.expires_at(end);
  Cancellation::Registration registration;
  if (cancellation != nullptr) registration = cancellation->on_cancel([&timer] { timer.cancel(); });
  boost::system::error_code fault;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, fault));
  if (cancellation != nullptr) cancellation->throw_if_cancelled();
}

Awaitable<void> pause(RunClock::duration time, Cancellation* cancellation) {
  return pause_until(RunClock::now() + time, cancellation);
}

}  // namespace coppice
