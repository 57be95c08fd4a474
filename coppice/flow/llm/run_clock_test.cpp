// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/run_clock.h"

#include <gtest/gtest.h>

#include "coppice/http/awaitable.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <string>

#include "coppice/flow/llm/pause.h"

namespace coppice {
namespace {

using namespace std::chrono_literals;

Awaitable<void> tell_after(std::chrono::hours time, char name, std::string& told) {
  co_await pause(time, nullptr);
  told += name;
  co_await pause(time, nullptr);
  told += name;
}

TEST(RunClock, IsTheSteadyClockWhereNothingIsSimulated) {
  EXPECT_FALSE(RunClock::is_simulated());
  const auto before = std::chrono::steady_clock::now();
  EXPECT_GE(RunClock::now(), before);
  EXPECT_LT(RunClock::from_seconds(1e300), RunClock::time_point::max() - RunClock::now()) << "and no overflow";
}

TEST(SimulatedTime, LeapsToWhatIsDueNextInItsOrder) {
  const auto really = std::chrono::steady_clock::now();
  SimulatedTime time;
  const auto begin = RunClock::now();
  boost::asio::io_context loop(1);
  std::string told;
  boost::asio::co_spawn(loop, tell_after(2h, 'a', told), boost::asio::detached);
  boost::asio::co_spawn(loop, tell_after(3h, 'b', told), boost::asio::detached);
  time.run(loop);
  EXPECT_EQ(told, "abab");
  EXPECT_EQ(RunClock::now() - begin, 6h);
  EXPECT_LT(std::chrono::steady_clock::now() - really, 60s);
}

TEST(SimulatedTime, StandsStillWhileSomethingIsDone) {
  SimulatedTime time;
  EXPECT_TRUE(RunClock::is_simulated());
  EXPECT_EQ(RunClock::now(), RunClock::now());
}

TEST(SimulatedTime, EndsWhereAllWaitForever) {
  SimulatedTime time;
  boost::asio::io_context loop(1);
  RunTimer never(loop);
  never.expires_at(RunClock::time_point::max());
  bool has_ended = false;
  never.async_wait([&](const boost::system::error_code&) { has_ended = true; });
  time.run(loop);
  EXPECT_FALSE(has_ended);
}

}  // namespace
}  // namespace coppice
