// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <queue>
#include <string>
#include <vector>

namespace coppice {

/// A time or a number that differs from one request to the next: log-normal, by its median and its 95th percentile.
/// Where the two are the same, it is always that.
struct Spread {
  double median = 0, p95 = 0;

  /// The value that a part `quantile` of all lies below; 0 < quantile < 1.
  double at(double quantile) const noexcept;
  double mean() const noexcept;
};

/// How fast a model's server answers: the time to the first token is drawn for each request, and so is the time from
/// one token to the next, which all tokens of an answer share.
///
/// Source: the form of llm-d-inference-sim, "time to first token + time per output token * (n - 1)"; we draw from
/// log-normals, whose long tail is that of shared servers, and not from truncated normals.
struct SpeedProfile {
  Spread first_token_seconds;
  double input_token_seconds = 0;  ///< added to the time to the first token, for each token of the prompt
  Spread output_token_seconds;     ///< from one token to the next
  uint32_t slots = 0;              ///< requests served at the same time, the others wait in line; 0 = any number
};

/// How long one answer takes once its turn has come.
struct AnswerTiming {
  double first_token_seconds = 0;
  double output_token_seconds = 0;
  double total_seconds = 0;  ///< to the last token
};

/// `key` stands for the request: the same key, the same times. An answer that comes whole (an embedding, an image) has
/// one output token, so that the time to the first one is all.
AnswerTiming draw_timing(const SpeedProfile& speed, uint64_t key, uint64_t input_tokens, uint64_t output_tokens);

/// The line before a server's slots, first come, first served: says when each request's turn comes.
///
/// Cost: O(log slots) a request. Times are seconds of whatever clock the caller keeps.
class SlotQueue {
 public:
  explicit SlotQueue(uint32_t slots) : slots_(slots) {}

  /// When a request begins that arrives then and holds its slot for so long; never before it arrives. Requests come in
  /// the order of their arrival.
  double begin(double arrival_seconds, double holds_seconds);

 private:
  uint32_t slots_;
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at_;
};

/// So many a minute: a bucket that holds a minute's worth, is full at first, and fills evenly.
class RateBucket {
 public:
  /// 0 = no limit.
  explicit RateBucket(double per_minute) : per_minute_(per_minute), level_(per_minute) {}

  bool is_limited() const noexcept { return per_minute_ > 0; }
  double limit() const noexcept { return per_minute_; }
  /// How long until `amount` is there; 0 = it is. Infinite where the bucket never holds that much.
  double wait_seconds(double now_seconds, double amount) const noexcept;
  void take(double now_seconds, double amount) noexcept;
  double remaining(double now_seconds) const noexcept;
  /// How long until it is full again.
  double reset_seconds(double now_seconds) const noexcept;

 private:
  double per_minute_;
  double level_, at_seconds_ = 0;
};

/// As the headers x-ratelimit-reset-* have it: "120ms", "1s", "6m0s", "1h0m0s".
std::string reset_text(double seconds);

}  // namespace coppice
