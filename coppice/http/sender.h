// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string_view>

#include "coppice/core/error.h"
#include "coppice/http/awaitable.h"
#include "coppice/http/cancellation.h"
#include "coppice/http/message.h"

namespace coppice {

/// One request, and what its sender is to hold to.
struct HttpCall {
  using Clock = std::chrono::steady_clock;
  HttpCall() {}  // no aggregate, as HttpRequest

  HttpRequest request;
  Clock::time_point deadline = Clock::time_point::max();  ///< for all of it
  std::chrono::milliseconds connect_timeout{10'000};      ///< for name, connection and TLS
  std::chrono::milliseconds idle_timeout{600'000};        ///< the longest wait for the next byte of the answer
  size_t max_body_bytes = size_t{64} << 20;               ///< a longer answer is given up
  size_t max_header_bytes = size_t{64} << 10;

  /// Where given: the body of an answer with a status of 2xx comes here in pieces as it arrives, and not in
  /// `HttpResponse::body`. What it throws ends the call and comes out of `send`.
  std::function<void(std::string_view piece)> on_body;

  Cancellation* cancellation = nullptr;  ///< outlives the call; null = nobody cancels
};

/// Not a byte of the request has left: the host is unknown, the connection was refused or not made in time, TLS failed.
/// Whatever the request would have cost, it did not. Its code is `remote`, `timeout` or `cancelled`; `data` for what a
/// cassette does not hold.
class RequestNotSent : public Error {
 public:
  using Error::Error;
};

/// Whoever gets requests answered: the client, or one that records or replays (cassette.h).
///
/// `send` throws `ErrorCode::remote` where no answer came (unknown host, refused, TLS, cut off, no HTTP), `data` where
/// it is too long, `timeout` past a deadline, `cancelled`, and `usage` for a URL that is none; where it is sure that
/// nothing was sent, as `RequestNotSent`. Every status is an answer, 500 too. Redirections are answers as well: they
/// are not followed, since a key would go where it should not.
class HttpSender {
 public:
  virtual ~HttpSender() = default;
  virtual Awaitable<HttpResponse> send(HttpCall call) = 0;
};

}  // namespace coppice
