// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "coppice/http/message.h"

namespace coppice {

struct RetryOptions {
  uint32_t max_retries = 2;
  std::chrono::milliseconds first_delay{500}, longest_delay{8'000};
  /// A server that asks for a longer wait than this is not obeyed: the delay of our own is taken, as the official
  /// clients do with waits over a minute.
  std::chrono::milliseconds longest_asked{60'000};
};

/// How one attempt went.
struct Attempt {
  uint32_t retries_taken = 0;
  const HttpResponse* response = nullptr;  ///< null = no answer came (no connection, cut off, timed out)
  bool stream_began = false;               ///< part of the answer has been passed on: never again then
};

/// What the server asks for in retry-after-ms or retry-after (seconds or an HTTP date, against `now`), in milliseconds;
/// nothing where it asks for none, or for a time that is past.
std::optional<double> asked_delay(const HttpHeaders& headers, std::chrono::system_clock::time_point now);

/// How long to wait before the next attempt, or nothing where there is to be none: the rule of OpenAI's own clients.
///
/// x-should-retry decides where it is there; else 408, 409, 429 and 5xx are tried again, and where no answer came;
/// 429 with the code "insufficient_quota" is not. retry-after-ms, then retry-after (seconds or an HTTP date, against
/// `now`), else first_delay * 2^retries up to longest_delay, less up to a quarter of it by `jitter` in [0, 1).
/// Source: openai-python 1.x and openai-node 6.x, `_calculate_retry_timeout` and `calculateDefaultRetryTimeoutMillis`.
std::optional<std::chrono::milliseconds> retry_delay(const RetryOptions& options, const Attempt& attempt,
                                                     std::chrono::system_clock::time_point now, double jitter);

}  // namespace coppice
