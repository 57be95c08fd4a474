// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "coppice/core/error.h"
#include "coppice/http/awaitable.h"
#include "coppice/http/message.h"

namespace boost::asio {
class io_context;
}

namespace coppice {

struct HttpServerOptions {
  std::string address = "127.0.0.1";  ///< "" = all of this machine
  uint16_t port = 0;                  ///< 0 = a free one
  size_t max_connections = 10'000;
  size_t max_header_bytes = size_t{64} << 10;
  size_t max_body_bytes = size_t{64} << 20;         ///< beyond it 413
  std::chrono::milliseconds read_timeout{60'000};   ///< for a whole request once its first byte came: 408
  std::chrono::milliseconds idle_timeout{120'000};  ///< between requests
};

/// How a handler answers one request: `send`, or `begin`, `write` as often as it likes, and `end`.
///
/// Writing throws `ErrorCode::remote` once the client is gone. `cut` and `write_raw` are for servers that misbehave on
/// purpose.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;
  virtual Awaitable<void> send(HttpResponse response) = 0;
  /// Status and headers; the body follows in chunks.
  virtual Awaitable<void> begin(int status, HttpHeaders headers) = 0;
  virtual Awaitable<void> write(std::string_view piece) = 0;
  virtual Awaitable<void> end() = 0;
  /// Bytes as they are, past all framing. The connection is closed after the handler.
  virtual Awaitable<void> write_raw(std::string_view bytes) = 0;
  /// Resets the connection at once.
  virtual void cut() = 0;
  /// Has the client gone? Learned at the next write at the latest.
  virtual bool is_gone() const = 0;
};

/// What it throws becomes an answer {"error": {"message", "code"}}, with the status of its `ErrorCode`, if none has
/// begun.
using HttpHandler = std::function<Awaitable<void>(const HttpRequest& request, HttpResponder& responder)>;

/// A server of HTTP/1.1: connections that stay open, chunked bodies, requests one after the other on each.
///
/// Listens from its construction on. Throws `ErrorCode::io` where it cannot. Threads: of its event loop alone.
class HttpServer {
 public:
  HttpServer(boost::asio::io_context& loop, HttpServerOptions options, HttpHandler handler);
  ~HttpServer();

  uint16_t port() const noexcept;
  /// Since it began.
  uint64_t connections_taken() const noexcept;

  /// No more connections; requests under way have `patience` to end; then all is closed.
  void stop(std::chrono::milliseconds patience);

  class State;  ///< what its connections share; not for users

 private:
  std::shared_ptr<State> state_;
};

/// The status that says it best: usage 400, data 422, timeout 504, memory 507, ...
int http_status(ErrorCode code) noexcept;

}  // namespace coppice
