// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/server.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "coppice/http/server_session.h"

namespace coppice {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Until the server looks again whether it can take one more client.
constexpr std::chrono::milliseconds kPause{100};

HttpServer::State::State(asio::io_context& event_loop, HttpServerOptions server_options, HttpHandler server_handler)
    : loop(event_loop),
      options(std::move(server_options)),
      handler(std::move(server_handler)),
      acceptor_(event_loop),
      room_(event_loop),
      patience_(event_loop) {}

void HttpServer::State::listen() {
  boost::system::error_code error;
  tcp::resolver resolver(loop);
  const auto places = resolver.resolve(options.address, std::to_string(options.port), tcp::resolver::passive, error);
  if (!error && places.empty()) error = asio::error::host_not_found;
  if (!error) {
    const tcp::endpoint place = *places.begin();
    acceptor_.open(place.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(place, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
  }
  if (error) {
    throw Error(ErrorCode::io, "cannot listen at '" + options.address + "' port " + std::to_string(options.port) +
                                   ": " + error.message());
  }
}

Awaitable<void> HttpServer::State::accept_all(std::shared_ptr<State> state) {
  while (!state->is_stopping) {
    if (state->sessions_.size() >= state->options.max_connections) {
      co_await state->wait_for_room(std::chrono::hours(1));
      continue;
    }
    boost::system::error_code error;
    TcpSocket socket(state->loop);
    co_await state->acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (state->is_stopping) co_return;
    if (error) {  // out of descriptors, say
      co_await state->wait_for_room(kPause);
      continue;
    }
    try {
      take(state, std::move(socket));
    } catch (const std::exception&) {  // no memory: this one is lost, and not those that come later
    }
  }
}

void HttpServer::State::take(const std::shared_ptr<State>& state, TcpSocket socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.native_non_blocking(true, ignored);
  const auto session = std::make_shared<ServerSession>(state, std::move(socket));
  state->sessions_.insert(session.get());
  ++state->connections_taken;
  asio::co_spawn(state->loop, ServerSession::run(session), asio::detached);
}

Awaitable<void> HttpServer::State::wait_for_room(std::chrono::milliseconds most) {
  room_.expires_after(most);
  boost::system::error_code ignored;
  co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void HttpServer::State::forget(ServerSession* session) {
  sessions_.erase(session);
  boost::system::error_code ignored;
  room_.cancel(ignored);
  if (is_stopping && sessions_.empty()) patience_.cancel(ignored);
}

void HttpServer::State::stop(std::chrono::milliseconds patience) {
  is_stopping = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  room_.cancel(ignored);
  for (ServerSession* const session : sessions_) session->stop_if_idle();
  if (sessions_.empty()) return;
  if (patience.count() <= 0) return close_all();
  patience_.expires_at(later(Clock::now(), patience));
  patience_.async_wait([state = weak_from_this()](const boost::system::error_code& error) {
    if (const auto alive = state.lock(); alive != nullptr && !error) alive->close_all();
  });
}

void HttpServer::State::close_all() {
  for (ServerSession* const session : sessions_) session->close();
}

HttpServer::HttpServer(asio::io_context& loop, HttpServerOptions options, HttpHandler handler)
    : state_(std::make_shared<State>(loop, std::move(options), std::move(handler))) {
  state_->listen();
  asio::co_spawn(loop, State::accept_all(state_), asio::detached);
}

HttpServer::~HttpServer() {
  try {
    stop(std::chrono::milliseconds(0));
  } catch (const std::exception&) {  // no memory: connections end when their clients close them
  }
}

uint16_t HttpServer::port() const noexcept {
  return state_->port();
}

uint64_t HttpServer::connections_taken() const noexcept {
  return state_->connections_taken;
}

void HttpServer::stop(std::chrono::milliseconds patience) {
  state_->stop(patience);
}

int http_status(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::usage:
      return 400;
    case ErrorCode::data:
      return 422;
    case ErrorCode::budget:
      return 402;
    case ErrorCode::unsupported:
      return 501;
    case ErrorCode::remote:
      return 502;
    case ErrorCode::timeout:
      return 504;
    case ErrorCode::memory:
      return 507;
    case ErrorCode::cancelled:
      return 503;
    default:
      return 500;
  }
}

}  // namespace coppice
