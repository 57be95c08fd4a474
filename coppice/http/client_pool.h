// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <string>

#include "coppice/http/client.h"
#include "coppice/http/host_names.h"
#include "coppice/http/read_buffer.h"
#include "coppice/http/tls.h"
#include "coppice/http/url.h"
#include "coppice/http/watch.h"
#include "coppice/http/wire.h"

namespace coppice {

/// The connections of a client, and what they share.
class HttpClient::Pool {
 public:
  Pool(boost::asio::io_context& loop, HttpClientOptions options);

  static Awaitable<HttpResponse> send(std::shared_ptr<Pool> pool, HttpCall call);

 private:
  struct Idle {
    std::unique_ptr<Wire> wire;
    Clock::time_point since;
  };

  /// What became of a call that failed.
  struct Fate {
    std::exception_ptr thrown_by_caller;
    bool may_be_sent = false;  ///< else not a byte of the request has left
  };

  static Awaitable<HttpResponse> exchange(Pool& pool, Watch& watch, HttpCall& call, const Url& url, Fate& fate);
  Awaitable<std::unique_ptr<Wire>> connect(Watch& watch, const Url& url, std::chrono::milliseconds patience);
  /// Null with the error number of the system in `fault` where it fails.
  Awaitable<std::unique_ptr<Wire>> connect_to(Watch& watch, const boost::asio::ip::tcp::endpoint& to,
                                              Clock::time_point until, int& fault);
  std::unique_ptr<TlsSession> start_tls(Wire& wire, const std::string& host);
  /// One that is still good, or null.
  std::unique_ptr<Wire> take_idle(const std::string& origin);
  void keep(const std::string& origin, std::unique_ptr<Wire> wire);
  void close_old();

  boost::asio::io_context& loop_;
  HttpClientOptions options_;
  HostNames names_;
  ReadBuffer buffer_;
  std::unique_ptr<TlsContext> tls_;               ///< made for the first https
  std::map<std::string, std::deque<Idle>> idle_;  ///< by origin, the youngest last
};

}  // namespace coppice
