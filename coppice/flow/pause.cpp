// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/pause.h"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coppice {

Awaitable<void> pause(std::chrono::milliseconds time, Cancellation* cancellation) {
  if (cancellation != nullptr) cancellation->throw_if_cancelled();
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
  Cancellation::Registration registration;
  if (cancellation != nullptr) registration = cancellation->on_cancel([&timer] { timer.cancel(); });
  boost::system::error_code fault;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, fault));
  if (cancellation != nullptr) cancellation->throw_if_cancelled();
}

}  // namespace coppice
