// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "coppice/http/sender.h"

namespace boost::asio {
class io_context;
}

namespace coppice {

struct HttpClientOptions {
  size_t idle_connections = 64;           ///< kept open for each origin (scheme, host, port)
  std::chrono::seconds idle_seconds{30};  ///< for so long
  std::string ca_file;                    ///< of certificates to trust; "" = those of the system
  std::string user_agent;                 ///< "" = "coppice/" and the version
};

/// A client of HTTP/1.1, with TLS, that keeps connections open. A request on one that the server closes before a byte
/// of an answer came is sent anew on a fresh one, once, if its method is idempotent: of a POST nobody knows whether the
/// server has done, and charged, what it asks for, so that is for the caller to decide.
///
/// It may be destroyed while calls are under way: they come to their ends. Connections that nobody needs are closed
/// when the next call ends; no timer of theirs keeps the loop running. Threads: of its event loop alone. Cost: one
/// coroutine and one socket for each call in flight.
class HttpClient : public HttpSender {
 public:
  /// `loop` outlives the client.
  HttpClient(boost::asio::io_context& loop, HttpClientOptions options);
  ~HttpClient() override;

  Awaitable<HttpResponse> send(HttpCall call) override;

 private:
  class Pool;
  std::shared_ptr<Pool> pool_;  ///< calls under way hold it, too
};

}  // namespace coppice
