// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "coppice/http/message_parser.h"
#include "coppice/http/read_buffer.h"
#include "coppice/http/server.h"
#include "coppice/http/watch.h"
#include "coppice/http/wire.h"

namespace coppice {

class ServerSession;

/// What the connections of a server share.
class HttpServer::State : public std::enable_shared_from_this<State> {
 public:
  State(boost::asio::io_context& loop, HttpServerOptions server_options, HttpHandler server_handler);

  void listen();
  static Awaitable<void> accept_all(std::shared_ptr<State> state);
  void stop(std::chrono::milliseconds patience);
  void close_all();
  /// A connection has ended.
  void forget(ServerSession* session);
  uint16_t port() const noexcept { return port_; }

  boost::asio::io_context& loop;
  const HttpServerOptions options;
  const HttpHandler handler;
  ReadBuffer buffer;
  bool is_stopping = false;
  uint64_t connections_taken = 0;

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

  static void take(const std::shared_ptr<State>& state, TcpSocket socket);
  Awaitable<void> wait_for_room(std::chrono::milliseconds most);

  Acceptor acceptor_;
  LoopTimer room_;  ///< cancelled when a connection ends
  LoopTimer patience_;
  uint16_t port_ = 0;
  std::unordered_set<ServerSession*> sessions_;
};

/// One connection of a server. Lives as long as its coroutine.
class ServerSession final : public HttpResponder {
 public:
  ServerSession(std::shared_ptr<HttpServer::State> state, TcpSocket socket);
  ~ServerSession() override;

  static Awaitable<void> run(std::shared_ptr<ServerSession> session);

  /// Closes a connection that waits for a request.
  void stop_if_idle();
  void close() noexcept;

  Awaitable<void> send(HttpResponse response) override;
  Awaitable<void> begin(int status, HttpHeaders headers) override;
  Awaitable<void> write(std::string_view piece) override;
  Awaitable<void> end() override;
  Awaitable<void> write_raw(std::string_view bytes) override;
  void cut() override;
  bool is_gone() const override;

 private:
  enum class Answer : uint8_t { none, streaming, complete };

  Awaitable<void> serve();
  Awaitable<bool> serve_one();
  Awaitable<void> read_request(MessageParser& parser);
  Awaitable<void> handle(const HttpRequest& request);
  Awaitable<void> refuse(int status, std::string message, std::string code);
  Awaitable<void> write_bytes(std::string_view bytes);
  Awaitable<void> drain();
  std::string head(int status, const HttpHeaders& headers);

  std::shared_ptr<HttpServer::State> state_;
  mutable Wire wire_;
  Watch watch_;
  std::string unread_;  ///< of the next request
  Answer answer_ = Answer::none;
  bool is_idle_ = true, is_broken_ = false;
  bool closes_after_ = false;  ///< this answer
  bool has_no_body_ = false;   ///< the answer to HEAD
  bool is_chunked_ = false;
};

}  // namespace coppice
