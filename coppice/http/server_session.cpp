// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/server_session.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/http/characters.h"
#include "coppice/http/http_date.h"
#include "coppice/http/request_head.h"
#include "coppice/http/status_text.h"

namespace coppice {
namespace {

constexpr size_t kSmallBodyBytes = size_t{16} << 10;
/// What is read, and for how long, from a client that was refused, so that it gets to see why.
constexpr std::chrono::seconds kDrainFor{1};
constexpr size_t kMostDrainedBytes = size_t{1} << 20;

HttpResponse fault_response(int status, const std::string& message, const std::string& code) {
  const nlohmann::json body{{"error", {{"message", message}, {"code", code}}}};
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  return response;
}

std::string chunk(std::string_view piece) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string size;
  for (size_t n = piece.size(); n > 0; n >>= 4) size.insert(size.begin(), kDigits[n & 15]);
  std::string framed;
  framed.reserve(size.size() + piece.size() + 4);
  return framed.append(size).append("\r\n").append(piece).append("\r\n");
}

}  // namespace

ServerSession::ServerSession(std::shared_ptr<HttpServer::State> state, TcpSocket socket)
    : state_(std::move(state)), wire_(std::move(socket)), watch_(state_->loop, nullptr) {}

ServerSession::~ServerSession() {
  state_->forget(this);
}

Awaitable<void> ServerSession::run(std::shared_ptr<ServerSession> session) {
  try {
    co_await session->serve();
  } catch (const std::exception&) {  // the client is gone, or too slow, or we are: nobody is left to be told
  }
}

Awaitable<void> ServerSession::serve() {
  bool goes_on = true;
  while (goes_on && !state_->is_stopping && !is_broken_) goes_on = co_await serve_one();
}

Awaitable<bool> ServerSession::serve_one() {
  HttpRequest request;
  const MessageLimits limits{state_->options.max_header_bytes, state_->options.max_body_bytes};
  MessageParser parser(MessageParser::Kind::request, limits,
                       [&request](std::string_view piece) { request.body += piece; });
  answer_ = Answer::none;
  is_chunked_ = closes_after_ = has_no_body_ = false;
  int refused_with = 0;
  std::string why;
  try {
    co_await read_request(parser);
  } catch (const MessageError& error) {
    refused_with = error.status();
    why = error.what();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::timeout || !parser.has_begun()) throw;
    refused_with = 408;
    why = error.what();
  }
  if (refused_with != 0) {
    if (!parser.has_begun()) co_return false;
    co_await refuse(refused_with, why, "usage");
    co_return false;
  }
  request.method = parser.method();
  request.target = std::move(parser.target());
  request.headers = std::move(parser.headers());
  has_no_body_ = request.method == "HEAD";
  closes_after_ = !parser.stays_open();
  is_chunked_ = !parser.is_version_1_0();
  co_await handle(request);
  co_return answer_ == Answer::complete && !closes_after_;
}

Awaitable<void> ServerSession::read_request(MessageParser& parser) {
  is_idle_ = true;
  bool has_said_continue = false;
  watch_.set_limit(later(Clock::now(), state_->options.idle_timeout), "no request came");
  std::string bytes = std::exchange(unread_, {});
  while (true) {
    const bool had_begun = parser.has_begun();
    const size_t taken = parser.feed(bytes);
    is_idle_ = !parser.has_begun();
    if (parser.is_done()) {
      unread_ = bytes.substr(taken);
      break;
    }
    if (!had_begun && parser.has_begun()) {
      watch_.set_limit(later(Clock::now(), state_->options.read_timeout), "the request did not come in time");
    }
    if (parser.awaits_continue() && !std::exchange(has_said_continue, true)) {
      co_await wire_.write(watch_, "HTTP/1.1 100 Continue\r\n\r\n", state_->options.read_timeout);
    }
    bytes.clear();
    co_await wire_.wait_readable(watch_);
    state_->buffer.with([&](std::span<char> buffer) {
      const IoResult result = wire_.read(buffer);
      if (result.what == IoResult::What::end) parser.feed_end();
      if (result.what == IoResult::What::failed) throw Error(ErrorCode::remote, result.fault);
      if (result.what == IoResult::What::done) bytes.assign(buffer.data(), result.bytes);
    });
  }
  is_idle_ = false;
  watch_.set_limit(Clock::time_point::max(), {});
}

Awaitable<void> ServerSession::handle(const HttpRequest& request) {
  int status = 0;
  std::string why, code;
  try {
    co_await state_->handler(request, *this);
    if (answer_ == Answer::none) status = 500, why = "the server has no answer to this", code = "internal";
  } catch (const Error& error) {
    status = http_status(error.code()), why = error.message(), code = name(error.code());
  } catch (const std::exception& error) {
    status = 500, why = error.what(), code = "internal";
  }
  if (is_broken_ || status == 0) co_return;
  // Of an answer that has begun no more comes, and no end either: so that it cannot be taken for a whole one.
  if (answer_ == Answer::none) co_await send(fault_response(status, why, code));
}

Awaitable<void> ServerSession::refuse(int status, std::string message, std::string code) {
  closes_after_ = true;
  watch_.set_limit(Clock::time_point::max(), {});
  co_await send(fault_response(status, message, code));
  co_await drain();
}

/// Closing a socket with something unread in it resets the connection, and the client may never see the answer.
Awaitable<void> ServerSession::drain() {
  boost::system::error_code ignored;
  wire_.socket().shutdown(boost::asio::socket_base::shutdown_send, ignored);
  watch_.set_limit(Clock::now() + kDrainFor, "the client goes on sending");
  for (size_t drained = 0; drained < kMostDrainedBytes;) {
    co_await wire_.wait_readable(watch_);
    bool has_ended = false;
    state_->buffer.with([&](std::span<char> buffer) {
      const IoResult result = wire_.read(buffer);
      has_ended = result.what == IoResult::What::end || result.what == IoResult::What::failed;
      drained += result.bytes;
    });
    if (has_ended) co_return;
  }
}

std::string ServerSession::head(int status, const HttpHeaders& headers) {
  if (equal_without_case(headers.find("Connection").value_or(""), "close")) closes_after_ = true;
  std::string text = "HTTP/1.1 " + std::to_string(status) + ' ' + std::string(status_text(status)) + "\r\n";
  if (!headers.find("Date")) text += "Date: " + http_date(std::chrono::system_clock::now()) + "\r\n";
  if (closes_after_ && !headers.find("Connection")) text += "Connection: close\r\n";
  return text + header_lines(headers);
}

Awaitable<void> ServerSession::send(HttpResponse response) {
  check(answer_ == Answer::none, "one answer for each request");
  const bool may_have_body = response.status >= 200 && response.status != 204 && response.status != 304;
  std::string text = head(response.status, response.headers);
  if (may_have_body) text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  text += "\r\n";
  if (has_no_body_ || !may_have_body) response.body.clear();
  answer_ = Answer::streaming;
  if (response.body.size() <= kSmallBodyBytes) {
    text += response.body;
    response.body.clear();
  }
  co_await write_bytes(text);
  if (!response.body.empty()) co_await write_bytes(response.body);
  answer_ = Answer::complete;
}

Awaitable<void> ServerSession::begin(int status, HttpHeaders headers) {
  check(answer_ == Answer::none, "one answer for each request");
  if (!is_chunked_) closes_after_ = true;  // the end of the connection is that of the body
  std::string text = head(status, headers) + (is_chunked_ ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
  answer_ = Answer::streaming;
  co_await write_bytes(text);
}

Awaitable<void> ServerSession::write(std::string_view piece) {
  check(answer_ == Answer::streaming, "an answer is begun before it is written");
  if (piece.empty() || has_no_body_) co_return;
  if (!is_chunked_) {
    co_await write_bytes(piece);
    co_return;
  }
  const std::string framed = chunk(piece);
  co_await write_bytes(framed);
}

Awaitable<void> ServerSession::end() {
  check(answer_ == Answer::streaming, "an answer is begun before it ends");
  if (is_chunked_ && !has_no_body_) co_await write_bytes("0\r\n\r\n");
  answer_ = Answer::complete;
}

Awaitable<void> ServerSession::write_raw(std::string_view bytes) {
  closes_after_ = true;
  if (answer_ == Answer::none) answer_ = Answer::streaming;
  co_await write_bytes(bytes);
}

Awaitable<void> ServerSession::write_bytes(std::string_view bytes) {
  if (is_broken_) throw Error(ErrorCode::remote, "the client is gone");
  const auto patience = state_->options.idle_timeout;
  watch_.set_limit(later(Clock::now(), patience), "the client takes nothing");
  try {
    co_await wire_.write(watch_, bytes, patience);
  } catch (const Error& error) {
    is_broken_ = true;
    throw Error(ErrorCode::remote, std::string("the client is gone: ") + error.what());
  }
  watch_.set_limit(Clock::time_point::max(), {});
}

void ServerSession::cut() {
  is_broken_ = true;
  wire_.reset();
}

bool ServerSession::is_gone() const {
  return is_broken_ || wire_.is_closed_by_peer();
}

void ServerSession::stop_if_idle() {
  if (is_idle_) watch_.cancel();
}

void ServerSession::close() noexcept {
  is_broken_ = true;
  watch_.cancel();
  boost::system::error_code ignored;
  wire_.socket().close(ignored);
}

}  // namespace coppice
