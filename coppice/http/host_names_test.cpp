// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/host_names.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>

#include "coppice/http/loop_fixture.h"

namespace coppice {
namespace {

using namespace std::chrono_literals;

/// A resolver that answers when it is let.
struct SlowResolver {
  HostNames::Found operator()(const std::string&) const {
    ++*asked;
    may_answer.wait();
    return {{boost::asio::ip::make_address("127.0.0.7")}, {}};
  }
  std::shared_future<void> may_answer;
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);
};

Awaitable<std::string> look_up(HostNames& names, boost::asio::io_context& loop, std::string host,
                               Cancellation* cancellation, Clock::time_point deadline) {
  Watch watch(loop, cancellation);
  watch.set_deadline(deadline, "too late");
  const HostNames::Addresses addresses = co_await names.look_up(watch, std::move(host));
  co_return addresses.at(0).to_string();
}

TEST(HostNames, NumbersAreNotAsked) {
  TestLoop loop;
  HostNames names(loop.context, [](const std::string&) -> HostNames::Found { throw std::logic_error("asked"); });
  const auto never = Clock::time_point::max();
  EXPECT_EQ(loop.run(look_up(names, loop.context, "10.1.2.3", nullptr, never)), "10.1.2.3");
  EXPECT_EQ(loop.run(look_up(names, loop.context, "::1", nullptr, never)), "::1");
}

TEST(HostNames, WhoeverAsksTheSameSharesOneAnswer) {
  TestLoop loop;
  std::promise<void> let;
  const SlowResolver resolver{let.get_future().share()};
  HostNames names(loop.context, resolver);
  int found = 0;
  bool all = false;
  for (int i = 0; i < 100; ++i) {
    boost::asio::co_spawn(loop.context, look_up(names, loop.context, "host", nullptr, Clock::time_point::max()),
                          [&](std::exception_ptr, const std::string& address) {
                            found += address == "127.0.0.7" ? 1 : 0;
                            all = found == 100;
                          });
  }
  loop.run(pause(5ms));
  let.set_value();
  loop.run_until(all);
  EXPECT_EQ(*resolver.asked, 1);
  loop.run(look_up(names, loop.context, "host", nullptr, Clock::time_point::max()));
  EXPECT_EQ(*resolver.asked, 1);  // it is still known
  loop.run(look_up(names, loop.context, "other", nullptr, Clock::time_point::max()));
  EXPECT_EQ(*resolver.asked, 2);
}

TEST(HostNames, NobodyWaitsForASlowOneWhoHasGivenUp) {
  std::promise<void> let;
  {
    TestLoop loop;
    HostNames names(loop.context, SlowResolver{let.get_future().share()});
    EXPECT_THROW(loop.run(look_up(names, loop.context, "host", nullptr, Clock::now() + 10ms)), Error);
    Cancellation cancellation;
    bool is_done = false;
    boost::asio::co_spawn(loop.context, look_up(names, loop.context, "host", &cancellation, Clock::time_point::max()),
                          [&is_done](std::exception_ptr error, const std::string&) { is_done = error != nullptr; });
    loop.run(pause(5ms));
    cancellation.cancel();
    loop.run_until(is_done);
    loop.context.restart();
    loop.context.run_for(5s);
    EXPECT_TRUE(loop.context.stopped());  // the thread is no work of the loop
  }
  let.set_value();  // its answer finds nobody
}

TEST(HostNames, AFaultIsSaidAndAskedAgain) {
  TestLoop loop;
  int asked = 0;
  HostNames names(loop.context, [&asked](const std::string&) -> HostNames::Found {
    if (++asked == 1) return {{}, "nobody knows"};
    return {{boost::asio::ip::make_address("127.0.0.7")}, {}};
  });
  const auto never = Clock::time_point::max();
  try {
    loop.run(look_up(names, loop.context, "host", nullptr, never));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "the host 'host' is not known: nobody knows");
    EXPECT_EQ(error.code(), ErrorCode::remote);
  }
  EXPECT_EQ(loop.run(look_up(names, loop.context, "host", nullptr, never)), "127.0.0.7");
}

}  // namespace
}  // namespace coppice
