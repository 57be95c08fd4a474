// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/client.h"

#include <utility>

#include "coppice/http/client_pool.h"

namespace coppice {

HttpClient::HttpClient(boost::asio::io_context& loop, HttpClientOptions options)
    : pool_(std::make_shared<Pool>(loop, std::move(options))) {}

HttpClient::~HttpClient() = default;

// No coroutine itself: the client may be gone before one starts.
Awaitable<HttpResponse> HttpClient::send(HttpCall call) {
  return Pool::send(pool_, std::move(call));
}

}  // namespace coppice
