// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "coppice/flow/llm/pause.h"
#include "coppice/http/awaitable.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

namespace coppice {

/// As `on_thread`, where time is real.
inline Awaitable<nlohmann::json> on_real_thread(boost::asio::thread_pool& pool, std::function<nlohmann::json()> work) {
  auto initiate = [&pool](auto handler, std::function<nlohmann::json()> job) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto executor = boost::asio::get_associated_executor(*shared);
    auto guard = boost::asio::make_work_guard(executor);
    boost::asio::post(pool, [shared, executor, guard = std::move(guard), job = std::move(job)]() mutable {
      std::exception_ptr failure;
      nlohmann::json made;
      try {
        made = job();
      } catch (...) {
        failure = std::current_exception();
      }
      boost::asio::post(executor,
                        [shared, failure, made = std::move(made)]() mutable { (*shared)(failure, std::move(made)); });
    });
  };
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(std::exception_ptr, nlohmann::json)>(
      std::move(initiate), boost::asio::use_awaitable, std::move(work));
}

/// Runs `work` on a thread of the pool; the coroutine goes on in its own event loop. What `work` throws comes out here.
/// `work` and what it refers to must live until then: awaited in place, it does. In simulated time it is done on the
/// spot, and takes as long as it took.
inline Awaitable<nlohmann::json> on_thread(boost::asio::thread_pool& pool, std::function<nlohmann::json()> work) {
  if (!RunClock::is_simulated()) co_return co_await on_real_thread(pool, std::move(work));
  const auto begin = std::chrono::steady_clock::now();
  nlohmann::json made = work();
  co_await pause(std::chrono::steady_clock::now() - begin, nullptr);
  co_return made;
}

}  // namespace coppice
