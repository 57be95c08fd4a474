// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/client_pool.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <iterator>
#include <string_view>
#include <utility>

#include "coppice/http/message_parser.h"
#include "coppice/http/request_head.h"

namespace coppice {
namespace {

using boost::asio::ip::tcp;

/// Up to here a body goes out in one piece with its head.
constexpr size_t kSmallBodyBytes = size_t{16} << 10;
/// As much is set aside for an answer that says how long it is; a longer one has to come first.
constexpr size_t kMostReservedBytes = size_t{256} << 10;

std::string milliseconds_text(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

/// Does the same request twice come to the same as once? Source: RFC 9110, section 9.2.2.
bool is_idempotent(const std::string& method) {
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

/// One request and its answer on one connection.
class Exchange {
 public:
  /// `is_last` = the request is not sent once more, so that it need not be kept.
  Exchange(HttpCall& call, ReadBuffer& buffer, bool is_last)
      : call_(call),
        buffer_(buffer),
        is_last_(is_last),
        parser_(MessageParser::Kind::response, {call.max_header_bytes, call.max_body_bytes},
                [this](std::string_view piece) { take(piece); }) {
    if (call.request.method == "HEAD") parser_.expect_no_body();
  }
  Exchange(const Exchange&) = delete;

  Awaitable<void> run(Watch& watch, Wire& wire, const std::string& head) {
    watch.set_limit(later(Clock::now(), call_.idle_timeout),
                    "not a byte came for " + milliseconds_text(call_.idle_timeout));
    try {
      co_await write(watch, wire, head);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::remote) throw;
      was_written_ = false;  // a server that does not want it all may have said why before it hung up
    }
    if (is_last_) std::string().swap(call_.request.body);  // long ones of many calls would wait here with us
    while (!parser_.is_done()) {
      co_await wire.wait_readable(watch);
      buffer_.with([&](std::span<char> bytes) { read(wire, bytes); });
      watch.move_limit(later(Clock::now(), call_.idle_timeout));
    }
  }

  bool has_begun() const noexcept { return parser_.has_begun(); }
  bool stays_open() const noexcept { return parser_.stays_open() && was_written_ && !has_more_; }
  /// What the caller's `on_body` threw.
  std::exception_ptr thrown_by_caller() const noexcept { return thrown_; }

  HttpResponse take_response() {
    response_.status = parser_.status();
    response_.headers = std::move(parser_.headers());
    return std::move(response_);
  }

 private:
  Awaitable<void> write(Watch& watch, Wire& wire, const std::string& head) {
    const std::string& body = call_.request.body;
    if (body.size() <= kSmallBodyBytes) {
      const std::string all = head + body;
      co_await wire.write(watch, all, call_.idle_timeout);
      co_return;
    }
    co_await wire.write(watch, head, call_.idle_timeout);
    co_await wire.write(watch, body, call_.idle_timeout);
  }

  void read(Wire& wire, std::span<char> bytes) {
    const IoResult result = wire.read(bytes);
    if (result.what == IoResult::What::end) return parser_.feed_end();
    if (result.what == IoResult::What::failed) {
      throw Error(ErrorCode::remote, "the connection broke before the end of the answer: " + result.fault);
    }
    if (result.what == IoResult::What::done) {
      has_more_ = parser_.feed({bytes.data(), result.bytes}) < result.bytes;
    }
  }

  void take(std::string_view piece) {
    const bool is_streamed = call_.on_body && parser_.status() / 100 == 2;
    if (!is_streamed) {
      if (response_.body.empty()) {
        response_.body.reserve(std::min<uint64_t>(parser_.content_length().value_or(0), kMostReservedBytes));
      }
      response_.body += piece;
      return;
    }
    if (call_.cancellation != nullptr) call_.cancellation->throw_if_cancelled();
    try {
      call_.on_body(piece);
    } catch (...) {
      thrown_ = std::current_exception();
      throw;
    }
  }

  HttpCall& call_;
  ReadBuffer& buffer_;
  bool is_last_;
  HttpResponse response_;
  MessageParser parser_;
  std::exception_ptr thrown_;
  bool was_written_ = true, has_more_ = false;
};

}  // namespace

HttpClient::Pool::Pool(boost::asio::io_context& loop, HttpClientOptions options)
    : loop_(loop), options_(std::move(options)), names_(loop) {
  if (options_.user_agent.empty()) options_.user_agent = "coppice/" COPPICE_VERSION;
}

Awaitable<HttpResponse> HttpClient::Pool::send(std::shared_ptr<Pool> pool, HttpCall call) {
  const Url url = parse_url(call.request.target);
  Watch watch(pool->loop_, call.cancellation);
  watch.set_deadline(call.deadline, "no answer by the deadline");
  std::string place = call.request.method + ' ' + url.scheme + "://" + url.authority();
  place += url.target.substr(0, url.target.find('?'));  // a query may hold a key
  Fate fate;
  try {
    watch.throw_if_over();
    co_return co_await exchange(*pool, watch, call, url, fate);
  } catch (const Error& error) {
    if (fate.thrown_by_caller != nullptr) throw;
    const std::string where = error.where().empty() ? place : error.where();
    if (!fate.may_be_sent) throw RequestNotSent(error.code(), error.what(), where, error.hint());
    throw Error(error.code(), error.what(), where, error.hint());
  }
}

Awaitable<HttpResponse> HttpClient::Pool::exchange(Pool& pool, Watch& watch, HttpCall& call, const Url& url,
                                                   Fate& fate) {
  const std::string origin = url.scheme + "://" + url.authority();
  const std::string head = request_head(call.request, url, pool.options_.user_agent);
  std::unique_ptr<Wire> wire = pool.take_idle(origin);
  while (true) {
    const bool is_fresh = wire == nullptr;
    if (is_fresh) wire = co_await pool.connect(watch, url, call.connect_timeout);
    const bool is_last = is_fresh || !is_idempotent(call.request.method);
    Exchange exchange(call, pool.buffer_, is_last);
    fate.may_be_sent = true;
    try {
      co_await exchange.run(watch, *wire, head);
    } catch (const Error& error) {
      fate.thrown_by_caller = exchange.thrown_by_caller();
      if (is_last || exchange.has_begun() || error.code() != ErrorCode::remote) throw;
      wire.reset();  // closed by the server while nobody looked: once more, on a fresh one
      continue;
    }
    if (exchange.stays_open()) pool.keep(origin, std::move(wire));
    co_return exchange.take_response();
  }
}

Awaitable<std::unique_ptr<Wire>> HttpClient::Pool::connect(Watch& watch, const Url& url,
                                                           std::chrono::milliseconds patience) {
  const Clock::time_point until = later(Clock::now(), patience);
  watch.set_limit(until, "no connection within " + milliseconds_text(patience));
  const HostNames::Addresses addresses = co_await names_.look_up(watch, url.host);
  std::unique_ptr<Wire> wire;
  int fault = 0;
  for (size_t i = 0; i < addresses.size() && wire == nullptr; ++i) {
    // One that does not answer leaves time for those after it.
    const auto share = (until - Clock::now()) / static_cast<int64_t>(addresses.size() - i);
    const bool is_last = i + 1 == addresses.size();
    wire = co_await connect_to(watch, {addresses[i], url.port}, is_last ? until : Clock::now() + share, fault);
  }
  if (wire == nullptr) {
    throw Error(ErrorCode::remote, std::string("cannot connect: ") + std::strerror(fault), {},
                fault == ECONNREFUSED ? "is the server running there?" : "");
  }
  if (url.scheme == "https") co_await wire->start_tls(watch, start_tls(*wire, url.host));
  co_return wire;
}

Awaitable<std::unique_ptr<Wire>> HttpClient::Pool::connect_to(Watch& watch, const tcp::endpoint& to,
                                                              Clock::time_point until, int& fault) {
  boost::system::error_code error;
  TcpSocket socket(loop_);
  socket.open(to.protocol(), error);
  if (!error) socket.native_non_blocking(true, error);
  if (!error) socket.set_option(tcp::no_delay(true), error);
  fault = error.value();
  if (error) co_return nullptr;
  auto wire = std::make_unique<Wire>(std::move(socket));
  const int descriptor = wire->socket().native_handle();
  fault = ::connect(descriptor, to.data(), static_cast<socklen_t>(to.size())) == 0 ? 0 : errno;
  if (fault == EINPROGRESS) {
    fault = ETIMEDOUT;
    if (co_await watch.wait_until(wire->socket(), Watch::Wait::to_write, until)) {
      socklen_t size = sizeof fault;
      if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &fault, &size) != 0) fault = errno;
    }
  }
  if (fault != 0) wire = nullptr;
  co_return wire;
}

std::unique_ptr<TlsSession> HttpClient::Pool::start_tls(Wire& wire, const std::string& host) {
  if (tls_ == nullptr) tls_ = std::make_unique<TlsContext>(options_.ca_file);
  return tls_->start(wire.socket().native_handle(), host);
}

std::unique_ptr<Wire> HttpClient::Pool::take_idle(const std::string& origin) {
  close_old();
  const auto at = idle_.find(origin);
  std::unique_ptr<Wire> wire;
  while (at != idle_.end() && !at->second.empty() && wire == nullptr) {
    wire = std::move(at->second.back().wire);
    at->second.pop_back();
    if (!wire->is_quiet()) wire.reset();
  }
  return wire;
}

void HttpClient::Pool::keep(const std::string& origin, std::unique_ptr<Wire> wire) {
  close_old();
  if (options_.idle_connections == 0) return;
  auto& idle = idle_[origin];
  if (idle.size() >= options_.idle_connections) idle.pop_front();
  idle.push_back({std::move(wire), Clock::now()});
}

void HttpClient::Pool::close_old() {
  const Clock::time_point now = Clock::now();
  for (auto at = idle_.begin(); at != idle_.end();) {
    auto& idle = at->second;
    while (!idle.empty() && now - idle.front().since >= options_.idle_seconds) idle.pop_front();
    at = idle.empty() ? idle_.erase(at) : std::next(at);
  }
}

}  // namespace coppice
