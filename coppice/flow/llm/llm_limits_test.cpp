// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_limits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "coppice/core/random.h"

namespace coppice {
namespace {

using namespace std::chrono_literals;
using Time = CallQueue::Time;

Time at(double seconds) {
  return Time{} + 1000s + std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6));
}

TEST(RateHints, WaitsAreReadAsServersWriteThem) {
  const std::pair<const char*, std::chrono::milliseconds> kWaits[]{
      {"1s", 1s},      {"6m0s", 6min}, {"1m30.5s", 90'500ms}, {"250ms", 250ms}, {"1h2m3s", 3723s},
      {"7.5", 7500ms}, {"0", 0ms},     {"0s", 0ms},           {"12", 12s},      {"59.999s", 59'999ms}};
  for (const auto& [text, expected] : kWaits) EXPECT_EQ(parse_wait(text), expected) << text;
  for (const char* text : {"", "-1", "s", "1x", "1s2", "1s 2s", "nan", "inf", "1e9", "1700000000",
                           "2024-01-01T00:00:00Z", "+1", " 1", "1m-3s", "99999999999999999999h", "0x1"}) {
    EXPECT_FALSE(parse_wait(text)) << text;
  }
}

TEST(RateHints, WhatIsNoCountIsLeftOut) {
  const RateHints hints = read_rate_hints({{"X-RateLimit-Limit-Requests", "60"},
                                           {"x-ratelimit-remaining-requests", "-1"},
                                           {"x-ratelimit-reset-requests", "1s"},
                                           {"x-ratelimit-remaining-tokens", "149984"},
                                           {"x-ratelimit-reset-tokens", "6m0s"},
                                           {"retry-after", "2"}});
  EXPECT_EQ(hints.requests.limit, 60u);
  EXPECT_FALSE(hints.requests.remaining);
  EXPECT_EQ(hints.requests.reset, 1s);
  EXPECT_EQ(hints.tokens.remaining, 149984u);
  EXPECT_EQ(hints.tokens.reset, 6min);
  EXPECT_EQ(hints.retry_after, 2s);
  EXPECT_EQ(read_rate_hints({{"retry-after-ms", "30"}, {"retry-after", "2"}}).retry_after, 30ms);
  EXPECT_FALSE(read_rate_hints({{"retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"}}).retry_after);
}

TEST(RateWindow, NoMinuteHasMoreThanTheLimit) {
  Random random(1);
  for (const uint64_t limit : {uint64_t{1}, uint64_t{7}, uint64_t{100}}) {
    RateWindow window(limit);
    std::vector<std::pair<Time, uint64_t>> all;
    Time now = at(0);
    for (int i = 0; i < 500; ++i) {
      const uint64_t amount = 1 + random.below(static_cast<uint32_t>(std::min<uint64_t>(limit, 9)));
      const Time free = window.room_for(amount, now);
      // The naive reference: the first moment at which the minute before it leaves room.
      const auto sum_before = [&](Time moment) {
        uint64_t sum = 0;
        for (const auto& [when, much] : all) sum += when > moment - RateWindow::kLength && when <= moment ? much : 0;
        return sum;
      };
      EXPECT_LE(sum_before(free) + amount, limit);
      EXPECT_TRUE(free == now || sum_before(free - 1ns) + amount > limit);
      now = free + std::chrono::milliseconds(random.below(3'000));
      window.add(amount, now);
      all.emplace_back(now, amount);
    }
  }
}

TEST(RateWindow, WhatIsLargerThanTheLimitGoesAlone) {
  RateWindow window(10);
  EXPECT_EQ(window.room_for(50, at(0)), at(0));
  window.add(50, at(0));
  EXPECT_EQ(window.room_for(1, at(1)), at(60));
  window.add(1, at(60));
  EXPECT_EQ(window.room_for(50, at(61)), at(120));
  RateWindow none(0);
  none.add(UINT64_MAX, at(0));
  EXPECT_EQ(none.room_for(UINT64_MAX, at(0)), at(0));
  EXPECT_EQ(window.room_for(UINT64_MAX, at(200)), at(200));
}

TEST(RateWindow, AnEstimateIsCorrected) {
  RateWindow window(10);
  const uint64_t number = window.add(9, at(0));
  EXPECT_EQ(window.room_for(5, at(1)), at(60));
  window.correct(number, 2);
  EXPECT_EQ(window.room_for(5, at(1)), at(1));
  window.add(5, at(61));
  window.correct(number, 1000);  // has been forgotten
  EXPECT_EQ(window.room_for(5, at(62)), at(62));
}

TEST(CallQueue, StepsTakeTurns) {
  CallQueue queue({1, 0, 0});
  std::vector<uint64_t> a, b, c;
  for (int i = 0; i < 3; ++i) a.push_back(queue.wait("a", 1));
  for (int i = 0; i < 2; ++i) b.push_back(queue.wait("b", 1));
  c.push_back(queue.wait("c", 1));
  std::vector<uint64_t> order;
  while (const auto next = queue.admit(at(0))) {
    EXPECT_FALSE(queue.admit(at(0)));
    order.push_back(*next);
    queue.leave(*next, {});
  }
  EXPECT_EQ(order, (std::vector{a[0], b[0], c[0], a[1], b[1], a[2]}));
  EXPECT_EQ(queue.in_flight() + queue.waiting(), 0u);
}

TEST(CallQueue, BoundsCallsInFlight) {
  CallQueue queue({3, 0, 0});
  std::vector<uint64_t> numbers;
  for (int i = 0; i < 5; ++i) numbers.push_back(queue.wait("a", 1));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.admit(at(0)), numbers[i]);
  EXPECT_FALSE(queue.admit(at(0)));
  EXPECT_EQ(queue.next(at(0)), Time::max());
  queue.leave(numbers[1], {});
  queue.leave(numbers[1], {});  // twice does nothing
  EXPECT_EQ(queue.admit(at(0)), numbers[3]);
  EXPECT_FALSE(queue.admit(at(0)));
  EXPECT_EQ(queue.in_flight(), 3u);
  EXPECT_EQ(queue.waiting(), 1u);
}

TEST(CallQueue, OneThatGivesUpIsPassedOver) {
  CallQueue queue({1, 0, 0});
  const uint64_t first = queue.wait("a", 1), second = queue.wait("a", 1), third = queue.wait("b", 1);
  queue.give_up("a", first);
  queue.give_up("a", first);
  queue.give_up("none", 3);
  EXPECT_EQ(queue.waiting(), 2u);
  EXPECT_EQ(queue.admit(at(0)), second);
  queue.leave(second, {});
  EXPECT_EQ(queue.admit(at(0)), third);
}

TEST(CallQueue, RequestsAndTokensOfAMinuteAreBounded) {
  CallQueue queue({100, 2, 100});
  for (int i = 0; i < 4; ++i) queue.wait("a", 10);
  EXPECT_TRUE(queue.admit(at(0)));
  EXPECT_TRUE(queue.admit(at(5)));
  EXPECT_FALSE(queue.admit(at(5)));
  EXPECT_EQ(queue.next(at(5)), at(60));
  EXPECT_FALSE(queue.admit(at(59.9)));
  EXPECT_TRUE(queue.admit(at(60)));
  EXPECT_EQ(queue.next(at(60)), at(65));

  CallQueue by_tokens({100, 0, 100});
  const uint64_t first = by_tokens.wait("a", 80);
  by_tokens.wait("a", 50);
  EXPECT_EQ(by_tokens.admit(at(0)), first);
  EXPECT_EQ(by_tokens.next(at(0)), at(60));
  by_tokens.leave(first, 30);  // it took less than it had said
  EXPECT_TRUE(by_tokens.admit(at(0)));
}

TEST(CallQueue, HoldsToWhatTheServerSaysIsLeft) {
  CallQueue queue({100, 0, 0});
  for (int i = 0; i < 3; ++i) queue.wait("a", 50);
  RateHints hints;
  hints.requests = {60, 0, 6s};
  queue.learn(hints, 200, at(0));
  EXPECT_FALSE(queue.admit(at(0)));
  EXPECT_EQ(queue.next(at(0)), at(0.1));  // 60 come in 6 seconds
  EXPECT_TRUE(queue.admit(at(0.1)));
  hints = {};
  hints.tokens = {std::nullopt, 10, 1h};
  queue.learn(hints, 200, at(1));
  EXPECT_EQ(queue.next(at(1)), at(61));  // no hold is longer than a minute
  hints.tokens = {1000, 900, 1s};
  queue.learn(hints, 200, at(2));
  EXPECT_TRUE(queue.admit(at(2)));
}

TEST(CallQueue, WaitsWhereTheServerIsBusy) {
  CallQueue queue({100, 0, 0});
  queue.wait("a", 1);
  RateHints hints;
  hints.retry_after = 3s;
  queue.learn(hints, 200, at(0));
  EXPECT_EQ(queue.next(at(0)), at(0));
  queue.learn(hints, 429, at(0));
  EXPECT_FALSE(queue.admit(at(2.9)));
  EXPECT_EQ(queue.next(at(0)), at(3));
  hints.retry_after = 1h;  // not obeyed
  queue.learn(hints, 503, at(0));
  EXPECT_TRUE(queue.admit(at(3)));
}

TEST(CallQueue, WhateverServersSayEveryCallHasItsTurn) {
  Random random(23);
  for (int round = 0; round < 200; ++round) {
    CallQueue queue({1 + random.below(4), random.below(30), random.below(2'000)});
    Time now = at(0);
    size_t waiting = 0, admitted = 0;
    std::vector<uint64_t> flying;
    for (int i = 0; i < 40; ++i) {
      if (random.below(2) == 0)
        waiting += queue.wait(std::string(1, static_cast<char>('a' + random.below(3))), random.below(3'000)) > 0;
      RateHints hints;
      const auto bucket = [&] {
        return RateHints::Bucket{random.below(100), random.below(50), std::chrono::milliseconds(random.below(100'000))};
      };
      hints.requests = bucket();
      hints.tokens = bucket();
      hints.retry_after = std::chrono::milliseconds(random.below(100'000));
      if (random.below(4) == 0) queue.learn(hints, random.below(2) == 0 ? 429 : 200, now);
      while (const auto number = queue.admit(now)) flying.push_back(*number), ++admitted;
      now += std::chrono::milliseconds(random.below(500));
      if (!flying.empty() && random.below(2) == 0) queue.leave(flying.back(), random.below(5'000)), flying.pop_back();
    }
    for (int i = 0; admitted < waiting; ++i) {
      ASSERT_LT(i, 10'000);
      for (const uint64_t number : flying) queue.leave(number, {});
      flying.clear();
      const Time next = queue.next(now);
      ASSERT_NE(next, Time::max());
      now = std::max(now, next);
      const auto number = queue.admit(now);
      ASSERT_TRUE(number) << "`next` had said so";
      flying.push_back(*number);
      ++admitted;
    }
  }
}

}  // namespace
}  // namespace coppice
