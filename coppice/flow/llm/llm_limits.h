// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/http/message.h"

namespace coppice {

/// What the headers x-ratelimit-* and retry-after of an answer say. What is negative, as Azure's -1, or no number, is
/// left out.
struct RateHints {
  struct Bucket {
    std::optional<uint64_t> limit, remaining;
    std::optional<std::chrono::milliseconds> reset;  ///< until all of the limit is there again
  };
  Bucket requests, tokens;
  std::optional<std::chrono::milliseconds> retry_after;  ///< of retry-after-ms and of retry-after in seconds
};
RateHints read_rate_hints(const HttpHeaders& headers);

/// "1s", "6m0s", "1h2m3.5s", "250ms", and "7.5", which is seconds; nothing for anything else.
std::optional<std::chrono::milliseconds> parse_wait(std::string_view text);

/// How much may happen in any 60 seconds.
///
/// A sliding window, exact at each moment: a token bucket that lets all of a minute's limit through at once lets
/// through twice the limit in some minutes, and one that does not makes the first calls of a run wait.
class RateWindow {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kLength{60};

  /// 0 = no limit.
  explicit RateWindow(uint64_t limit) : limit_(limit) {}

  /// The first moment from `now` on at which there is room for that much, if nothing else comes. What is larger than
  /// the limit has room in an empty window.
  Time room_for(uint64_t amount, Time now);
  /// A number for `correct`.
  uint64_t add(uint64_t amount, Time now);
  /// Less, or more, than was said at first.
  void correct(uint64_t number, uint64_t amount);

 private:
  struct Entry {
    Time at;
    uint64_t amount;
  };
  void forget(Time now);

  uint64_t limit_, sum_ = 0, first_number_ = 0;
  std::deque<Entry> entries_;
};

struct GateLimits {
  uint32_t concurrency = 16;
  uint32_t requests_per_minute = 0, tokens_per_minute = 0;  ///< 0 = no limit
};

/// Who goes next: calls of an endpoint that wait for their turn, without a clock of its own.
///
/// Steps take turns in the order of their names, calls of one step in the order in which they came; nobody is passed
/// over for being large. What a server says of its own limits (learn) is held to as well, up to kLongestHold: it may be
/// wrong. Cost: O(log of those that wait) for each call.
class CallQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kLongestHold{60};

  explicit CallQueue(const GateLimits& limits);

  /// A number, ascending.
  uint64_t wait(const std::string& step, uint64_t tokens);
  void give_up(const std::string& step, uint64_t number);
  /// The next one that may go now, if any; it is in flight from then on.
  std::optional<uint64_t> admit(Time now);
  /// When `admit` may let another one go, if none leaves and none comes; Time::max() = not before.
  Time next(Time now);
  /// One in flight is done; it took that many tokens, nothing = as many as it had said.
  void leave(uint64_t number, std::optional<uint64_t> tokens);
  void learn(const RateHints& hints, int status, Time now);

  size_t in_flight() const noexcept { return flying_.size(); }
  size_t waiting() const noexcept { return waiting_; }

 private:
  /// What the server has left, by its own last word.
  struct Left {
    uint64_t limit = 0, remaining = 0;
    Time learned{}, full{};
    bool is_known = false;

    void learn(const RateHints::Bucket& bucket, Time now);
    Time room_for(uint64_t amount) const;
    void take(uint64_t amount, Time now);
  };
  struct Turn {
    std::string step;
    uint64_t number = 0, tokens = 0;
  };
  std::optional<Turn> next_turn() const;
  Time earliest(const Turn& turn, Time now);

  GateLimits limits_;
  RateWindow requests_, tokens_;
  Left left_requests_, left_tokens_;
  Time hold_{};  ///< nobody goes before
  std::map<std::string, std::map<uint64_t, uint64_t>> by_step_;
  std::string last_step_;
  std::map<uint64_t, uint64_t> flying_;  ///< and its number in `tokens_`
  uint64_t next_number_ = 1;
  size_t waiting_ = 0;
};

}  // namespace coppice
