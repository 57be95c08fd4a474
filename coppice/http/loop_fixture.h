// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "coppice/http/awaitable.h"
#include "coppice/http/server.h"
#include "coppice/http/watch.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coppice {

/// The event loop of a test.
struct TestLoop {
  boost::asio::io_context context{1};

  /// Runs the loop until the coroutine has ended; gives back what it returns or throws.
  template <class T>
  T run(Awaitable<T> coroutine) {
    std::optional<T> result;
    std::exception_ptr thrown;
    bool is_done = false;
    boost::asio::co_spawn(context, std::move(coroutine), [&](std::exception_ptr error, T value) {
      thrown = error;
      result = std::move(value);
      is_done = true;
    });
    run_until(is_done);
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*result);
  }
  void run(Awaitable<void> coroutine) {
    std::exception_ptr thrown;
    bool is_done = false;
    boost::asio::co_spawn(context, std::move(coroutine), [&](std::exception_ptr error) {
      thrown = error;
      is_done = true;
    });
    run_until(is_done);
    if (thrown) std::rethrow_exception(thrown);
  }

  /// Until it is so, or a test that hangs has taken too long.
  void run_until(const bool& is_done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    context.restart();
    while (!is_done && std::chrono::steady_clock::now() < end) {
      if (context.run_one_for(std::chrono::seconds(1)) == 0 && context.stopped()) break;
    }
    if (!is_done) throw std::runtime_error("the coroutine of the test did not end");
  }
};

/// Lets others have their turn.
inline Awaitable<void> pause(std::chrono::milliseconds time) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

inline std::string test_url(const HttpServer& server, const std::string& target) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + target;
}

}  // namespace coppice
