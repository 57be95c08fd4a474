// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/watch.h"

#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>

#include "coppice/http/loop_fixture.h"

namespace coppice {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

/// Two ends of a connection; nothing comes at `here` until something is written to `there`.
struct WatchTest : testing::Test {
  WatchTest() {
    tcp::acceptor acceptor(loop.context, {boost::asio::ip::make_address("127.0.0.1"), 0});
    here.connect(acceptor.local_endpoint());
    acceptor.accept(there);
  }
  std::string fault_of(Awaitable<void> waiting) {
    try {
      loop.run(std::move(waiting));
    } catch (const Error& error) {
      return std::string(name(error.code())) + ": " + error.what();
    }
    return "none";
  }

  TestLoop loop;
  TcpSocket here{loop.context}, there{loop.context};
};

TEST_F(WatchTest, EndsWhenThereIsSomethingToRead) {
  Watch watch(loop.context, nullptr);
  watch.set_deadline(Clock::now() + 10s, "late");
  boost::asio::write(there, boost::asio::buffer("x", 1));
  EXPECT_EQ(fault_of(watch.wait(here, Watch::Wait::to_read)), "none");
  EXPECT_EQ(fault_of(watch.wait(here, Watch::Wait::to_write)), "none");
}

TEST_F(WatchTest, EndsAtTheEarlierOfDeadlineAndLimit) {
  Watch watch(loop.context, nullptr);
  watch.set_deadline(Clock::now() + 10s, "deadline");
  watch.set_limit(Clock::now() + 5ms, "limit");
  EXPECT_EQ(fault_of(watch.wait(here, Watch::Wait::to_read)), "timeout: limit");
  watch.set_deadline(Clock::now() + 5ms, "deadline");
  watch.move_limit(Clock::now() + 10s);
  EXPECT_EQ(fault_of(watch.wait(here, Watch::Wait::to_read)), "timeout: deadline");
  EXPECT_THROW(watch.throw_if_over(), Error);
}

TEST_F(WatchTest, ALimitThatMovesIsHeldTo) {
  Watch watch(loop.context, nullptr);
  const auto start = Clock::now();
  watch.set_limit(start + 10ms, "limit");
  boost::asio::steady_timer moves(loop.context, 5ms);
  moves.async_wait([&](const boost::system::error_code&) { watch.move_limit(start + 40ms); });
  EXPECT_EQ(fault_of(watch.wait(here, Watch::Wait::to_read)), "timeout: limit");
  EXPECT_GE(Clock::now(), start + 40ms);
}

TEST_F(WatchTest, APauseIsNoFault) {
  Watch watch(loop.context, nullptr);
  watch.set_limit(Clock::now() + 10s, "limit");
  EXPECT_FALSE(loop.run(watch.wait_until(here, Watch::Wait::to_read, Clock::now() + 5ms)));
  EXPECT_TRUE(loop.run(watch.wait_until(here, Watch::Wait::to_write, Clock::now() + 5s)));
  watch.set_limit(Clock::now() + 5ms, "limit");
  EXPECT_EQ(fault_of(watch.wait(here, Watch::Wait::to_read)), "timeout: limit");
}

TEST_F(WatchTest, WhoIsCancelledWaitsNoMore) {
  Cancellation cancellation;
  Watch watch(loop.context, &cancellation);
  boost::asio::steady_timer cancels(loop.context, 2ms);
  cancels.async_wait([&cancellation](const boost::system::error_code&) { cancellation.cancel(); });
  EXPECT_EQ(fault_of(watch.wait(here, Watch::Wait::to_read)), "cancelled: stopped on request");
  EXPECT_EQ(fault_of(watch.wait(here, Watch::Wait::to_write)), "cancelled: stopped on request");
  LoopTimer wake(loop.context, Clock::time_point::max());
  EXPECT_EQ(fault_of(watch.wait(wake)), "cancelled: stopped on request");
  EXPECT_THROW(Watch(loop.context, &cancellation).throw_if_over(), Error);
}

TEST_F(WatchTest, WaitsUntilItIsWoken) {
  Watch watch(loop.context, nullptr);
  LoopTimer wake(loop.context, Clock::time_point::max());
  boost::asio::steady_timer wakes(loop.context, 2ms);
  wakes.async_wait([&wake](const boost::system::error_code&) { wake.cancel(); });
  EXPECT_EQ(fault_of(watch.wait(wake)), "none");
  watch.set_deadline(Clock::now() + 5ms, "late");
  EXPECT_EQ(fault_of(watch.wait(wake)), "timeout: late");
}

TEST_F(WatchTest, LeavesNothingBehind) {
  {
    std::optional<Cancellation> cancellation(std::in_place);
    std::optional<Watch> watch(std::in_place, loop.context, &*cancellation);
    watch->set_limit(Clock::now() + 10s, "limit");
    EXPECT_FALSE(loop.run(watch->wait_until(here, Watch::Wait::to_read, Clock::now() + 5ms)));
    watch.reset();
    cancellation->cancel();
  }
  loop.context.restart();
  loop.context.run_for(5s);
  EXPECT_TRUE(loop.context.stopped());  // its timer is no work of the loop any more
}

TEST(Later, StaysBeforeTheEndOfTime) {
  const Clock::time_point now = Clock::now();
  EXPECT_EQ(later(now, 5ms), now + 5ms);
  EXPECT_EQ(later(now, std::chrono::milliseconds::max()), Clock::time_point::max());
  EXPECT_EQ(later(Clock::time_point::max(), 1ms), Clock::time_point::max());
}

}  // namespace
}  // namespace coppice
