// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/server.h"

#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "coppice/http/client.h"
#include "coppice/http/loop_fixture.h"

namespace coppice {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

Awaitable<void> echo(const HttpRequest& request, HttpResponder& responder) {
  HttpResponse response;
  response.headers.add("Date", "today");
  response.body = request.method + ' ' + request.target + ' ' + request.body;
  co_await responder.send(std::move(response));
}

struct HttpServerTest : testing::Test {
  void serve(HttpHandler handler, const HttpServerOptions& options = {}) {
    server.emplace(loop.context, options, std::move(handler));
  }
  TcpSocket connect() {
    TcpSocket socket(loop.context);
    socket.connect({asio::ip::make_address("127.0.0.1"), server->port()});
    return socket;
  }
  /// Sends these bytes; gives back all that comes until the server closes.
  std::string exchange_pieces(const std::vector<std::string>& pieces, bool then_closes = true) {
    return loop.run(exchange_on(connect(), pieces, then_closes));
  }
  static Awaitable<std::string> exchange_on(TcpSocket socket, std::vector<std::string> pieces, bool then_closes) {
    boost::system::error_code error;
    for (const std::string& piece : pieces) {
      co_await asio::async_write(socket, asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
      co_await pause(0ms);
    }
    if (then_closes) socket.shutdown(TcpSocket::shutdown_send, error);
    std::string all;
    co_await asio::async_read(socket, asio::dynamic_buffer(all), asio::redirect_error(asio::use_awaitable, error));
    co_return all;
  }
  std::string exchange(const std::string& bytes) { return exchange_pieces({bytes}); }

  TestLoop loop;
  std::optional<HttpServer> server;
};

TEST_F(HttpServerTest, AnswersOneRequestAfterTheOther) {
  serve(echo);
  const std::string answer = "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 8\r\n\r\nPOST /a ";
  EXPECT_EQ(exchange("POST /a HTTP/1.1\r\n\r\n"), answer);
  EXPECT_EQ(exchange("POST /a HTTP/1.1\r\n\r\nPOST /a HTTP/1.1\r\n\r\n"), answer + answer);
  EXPECT_EQ(exchange("POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nokPOST /a HTTP/1.1\r\nTransfer-Encoding: "
                     "chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 10\r\n\r\nPOST /a ok"
            "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 10\r\n\r\nPOST /a ok");
}

TEST_F(HttpServerTest, TakesARequestInPiecesOfOneByte) {
  serve(echo);
  std::vector<std::string> pieces;
  for (const char c : std::string("POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nok")) pieces.emplace_back(1, c);
  EXPECT_TRUE(exchange_pieces(pieces).ends_with("POST /a ok"));
}

TEST_F(HttpServerTest, ClosesWhereTheClientWantsIt) {
  serve(echo);
  const std::vector<std::string> asks{"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n"};
  for (const std::string& ask : asks) {
    const std::string answer = exchange_pieces({ask}, false);
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << ask;
    EXPECT_TRUE(answer.ends_with("GET /a ")) << ask;
  }
}

Awaitable<void> stream(const HttpRequest&, HttpResponder& responder) {
  HttpHeaders headers{{"Date", "today"}};
  co_await responder.begin(200, std::move(headers));
  co_await responder.write("one");
  co_await responder.write("");  // which would end it
  co_await responder.write(std::string(300, 'x'));
  co_await responder.end();
}

TEST_F(HttpServerTest, StreamsInChunks) {
  serve(stream);
  EXPECT_EQ(exchange("GET / HTTP/1.1\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nDate: today\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n12c\r\n" +
                std::string(300, 'x') + "\r\n0\r\n\r\n");
}

TEST_F(HttpServerTest, StreamsToAnOldClientUntilItCloses) {
  serve(stream);
  EXPECT_EQ(exchange_pieces({"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"}, false),
            "HTTP/1.1 200 OK\r\nConnection: close\r\nDate: today\r\n\r\none" + std::string(300, 'x'));
}

TEST_F(HttpServerTest, TheAnswerToHeadHasNoBody) {
  serve(echo);
  EXPECT_EQ(exchange("HEAD /a HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 8\r\n\r\n");
  serve(stream);
  EXPECT_EQ(exchange("HEAD /a HTTP/1.1\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nDate: today\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_F(HttpServerTest, SaysContinueToWhomAwaitsIt) {
  serve(echo);
  const std::string answer =
      exchange_pieces({"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", "ok"});
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")) << answer;
}

TEST_F(HttpServerTest, RefusesWhatIsNoRequest) {
  HttpServerOptions options;
  options.max_body_bytes = 10;
  options.max_header_bytes = 100;
  serve(echo, options);
  const std::vector<std::pair<std::string, int>> asks{
      {"garbage\r\n\r\n", 400},
      {"GET / HTTP/2\r\n\r\n", 505},
      {"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n" + std::string(11, 'x'), 413},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n", 413},
      {"GET / HTTP/1.1\r\nX: " + std::string(200, 'x') + "\r\n\r\n", 431},
      {"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", 400}};
  for (const auto& [ask, status] : asks) {
    const std::string answer = exchange(ask);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(status))) << ask << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_NE(answer.find("{\"error\":{\"code\":\"usage\",\"message\":\"the request "), std::string::npos) << answer;
  }
}

TEST_F(HttpServerTest, GivesUpARequestThatDoesNotCome) {
  HttpServerOptions options;
  options.read_timeout = 20ms;
  options.idle_timeout = 20ms;
  serve(echo, options);
  EXPECT_TRUE(exchange_pieces({"GET / HTT"}, false).starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(exchange_pieces({""}, false), "");
  EXPECT_EQ(exchange_pieces({"GET / HTTP/1.1\r\nDate: x\r\n\r\n"}, false).find("408"), std::string::npos);
}

TEST_F(HttpServerTest, WhatTheHandlerThrowsIsAnAnswer) {
  serve([](const HttpRequest& request, HttpResponder&) -> Awaitable<void> {
    if (request.target == "/data") throw Error(ErrorCode::data, "no such thing", "here", "look there");
    if (request.target == "/other") throw std::runtime_error("odd \xFF");
    co_return;  // no answer at all
  });
  EXPECT_TRUE(
      exchange("GET /data HTTP/1.1\r\n\r\n")
          .ends_with(
              "\r\n\r\n{\"error\":{\"code\":\"data\",\"message\":\"here: no such thing\\n  hint: look there\"}}\n"));
  EXPECT_TRUE(exchange("GET /other HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 500 "));
  const std::string twice = exchange("GET / HTTP/1.1\r\n\r\nGET /data HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(twice.starts_with("HTTP/1.1 500 "));
  EXPECT_NE(twice.find("HTTP/1.1 422 "), std::string::npos);  // the connection goes on
}

TEST_F(HttpServerTest, AnAnswerThatDoesNotEndIsNotTakenForAWholeOne) {
  serve([](const HttpRequest& request, HttpResponder& responder) -> Awaitable<void> {
    co_await responder.begin(200, {});
    co_await responder.write("half");
    if (request.target == "/throws") throw Error(ErrorCode::data, "no more");
  });
  for (const char* target : {"/throws", "/forgets"}) {
    const std::string answer = exchange_pieces({std::string("GET ") + target + " HTTP/1.1\r\n\r\n"}, false);
    EXPECT_TRUE(answer.ends_with("4\r\nhalf\r\n")) << answer;
  }
}

TEST_F(HttpServerTest, AHeaderThatBreaksOutOfItsLineIsAFault) {
  serve([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    HttpResponse response(200, {{"X", "a\r\nSet-Cookie: b"}});
    co_await responder.send(std::move(response));
  });
  const std::string answer = exchange("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_EQ(answer.find("Set-Cookie"), std::string::npos);
}

TEST_F(HttpServerTest, AWriterLearnsThatTheClientIsGone) {
  std::optional<ErrorCode> thrown;
  bool was_gone = false;
  serve([&](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    const std::string piece(100'000, 'x');
    co_await responder.begin(200, {});
    try {
      while (true) co_await responder.write(piece);
    } catch (const Error& error) {
      thrown = error.code();
    }
    was_gone = responder.is_gone();
  });
  {
    TcpSocket socket = connect();
    asio::write(socket, asio::buffer("GET / HTTP/1.1\r\n\r\n", 18));
    loop.run(pause(5ms));
    EXPECT_FALSE(thrown);
  }
  loop.run([](const std::optional<ErrorCode>& done) -> Awaitable<void> {
    while (!done) co_await pause(1ms);
  }(thrown));
  EXPECT_EQ(thrown, ErrorCode::remote);
  EXPECT_TRUE(was_gone);
}

TEST_F(HttpServerTest, AClientThatTakesNothingIsGivenUp) {
  HttpServerOptions options;
  options.idle_timeout = 20ms;
  bool is_given_up = false;
  serve(
      [&](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
        const std::string piece(1'000'000, 'x');
        co_await responder.begin(200, {});
        try {
          while (true) co_await responder.write(piece);
        } catch (const Error&) {
          is_given_up = true;
        }
      },
      options);
  TcpSocket socket = connect();
  asio::write(socket, asio::buffer("GET / HTTP/1.1\r\n\r\n", 18));
  loop.run_until(is_given_up);
}

TEST_F(HttpServerTest, MoreConnectionsThanItTakesHaveToWait) {
  HttpServerOptions options;
  options.max_connections = 1;
  serve(echo, options);
  auto first = std::make_unique<TcpSocket>(connect());
  loop.run(pause(5ms));
  auto second = connect();
  loop.run(pause(5ms));
  EXPECT_EQ(server->connections_taken(), 1U);
  first.reset();
  EXPECT_TRUE(loop.run(exchange_on(std::move(second), {"GET /a HTTP/1.1\r\n\r\n"}, true)).ends_with("GET /a "));
}

TEST_F(HttpServerTest, StopsWhenWhatIsUnderWayHasEnded) {
  bool may_end = false;
  serve([&may_end](const HttpRequest& request, HttpResponder& responder) -> Awaitable<void> {
    while (!may_end) co_await pause(1ms);
    co_await echo(request, responder);
  });
  TcpSocket idle = connect();
  HttpClient client(loop.context, {});
  HttpCall call;
  call.request.target = test_url(*server, "/a");
  std::string body;
  bool is_done = false;
  asio::co_spawn(loop.context, client.send(std::move(call)), [&](std::exception_ptr, const HttpResponse& response) {
    body = response.body;
    is_done = true;
  });
  loop.run(pause(5ms));
  server->stop(10s);
  EXPECT_EQ(loop.run(exchange_on(std::move(idle), {}, false)), "");  // closed at once
  EXPECT_FALSE(is_done);
  may_end = true;
  loop.run_until(is_done);
  EXPECT_EQ(body, "GET /a ");
  loop.context.restart();
  loop.context.run_for(5s);
  EXPECT_TRUE(loop.context.stopped());  // the patience is not sat out
  EXPECT_THROW(connect(), std::exception);
}

TEST_F(HttpServerTest, ItsPatienceEnds) {
  serve([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    while (!responder.is_gone()) co_await pause(1ms);
  });
  TcpSocket socket = connect();
  asio::write(socket, asio::buffer("GET / HTTP/1.1\r\n\r\n", 18));
  loop.run(pause(5ms));
  server->stop(10ms);
  EXPECT_EQ(loop.run(exchange_on(std::move(socket), {}, false)), "");
  loop.context.restart();
  loop.context.run_for(5s);
  EXPECT_TRUE(loop.context.stopped());
}

TEST_F(HttpServerTest, WhereItCannotListenItSaysSo) {
  serve(echo);
  HttpServerOptions taken;
  taken.port = server->port();
  for (const char* address : {"127.0.0.1", "no..such.address"}) {
    taken.address = address;
    try {
      const HttpServer other(loop.context, taken, echo);
      FAIL() << address;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
      EXPECT_NE(std::string(error.what()).find(address), std::string::npos);
    }
  }
}

TEST_F(HttpServerTest, AnyBytesEndInAnAnswerOrNone) {
  HttpServerOptions options;
  options.max_body_bytes = 100;
  options.max_header_bytes = 500;
  serve(echo, options);
  std::mt19937 random(3);
  const std::string good =
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
  for (int round = 0; round < 300; ++round) {
    std::string bytes = good;
    for (size_t change = random() % 4; change > 0; --change)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    const std::string answer = exchange(bytes.substr(0, random() % (bytes.size() + 1)));
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 ")) << answer;
  }
  EXPECT_TRUE(exchange("GET /a HTTP/1.1\r\n\r\n").ends_with("GET /a "));
}

TEST(HttpStatus, EachCodeHasOne) {
  EXPECT_EQ(http_status(ErrorCode::usage), 400);
  EXPECT_EQ(http_status(ErrorCode::data), 422);
  EXPECT_EQ(http_status(ErrorCode::timeout), 504);
  EXPECT_EQ(http_status(ErrorCode::memory), 507);
  EXPECT_EQ(http_status(ErrorCode::internal), 500);
}

}  // namespace
}  // namespace coppice
