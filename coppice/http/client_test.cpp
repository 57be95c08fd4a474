// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/client.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "coppice/http/loop_fixture.h"
#include "coppice/http/server.h"

namespace coppice {
namespace {

using namespace std::chrono_literals;

Awaitable<void> echo(const HttpRequest& request, HttpResponder& responder) {
  HttpResponse response;
  response.headers.add("Seen", request.method + ' ' + request.target);
  response.body = request.body;
  co_await responder.send(std::move(response));
}

/// A client, a server, and an event loop for both.
struct HttpClientTest : testing::Test {
  void serve(HttpHandler handler) { server.emplace(loop.context, HttpServerOptions(), std::move(handler)); }
  /// Each connection gets these bytes, and is closed.
  void serve_raw(const std::string& bytes) {
    serve([bytes](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
      co_await responder.write_raw(bytes);
    });
  }
  HttpCall call(const std::string& method = "GET", const std::string& body = {}) {
    HttpCall made;
    made.request = {method, test_url(*server, "/"), {}, body};
    return made;
  }
  HttpResponse send(HttpCall made) { return loop.run(client.send(std::move(made))); }
  Error fault_of(HttpCall made) {
    try {
      const HttpResponse response = send(std::move(made));
      ADD_FAILURE() << "answered with " << response.status << ' ' << response.body;
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorCode::internal, "none");
  }
  /// Nothing is left that would keep the loop running.
  void expect_idle_loop() {
    server.reset();
    loop.context.restart();
    loop.context.run_for(5s);
    EXPECT_TRUE(loop.context.stopped());
  }

  TestLoop loop;
  std::optional<HttpServer> server;
  HttpClient client{loop.context, {}};
};

TEST_F(HttpClientTest, GetsTheAnswerOfAServer) {
  serve(echo);
  HttpCall made = call("POST", "hello");
  made.request.target += "v1/x?y=1#z";
  const HttpResponse response = send(std::move(made));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.headers.find("seen"), "POST /v1/x?y=1");
  expect_idle_loop();
}

TEST_F(HttpClientTest, SaysWhoItIs) {
  HttpHeaders seen;
  serve([&seen](const HttpRequest& request, HttpResponder& responder) -> Awaitable<void> {
    seen = request.headers;
    co_await responder.send({});
  });
  send(call());
  EXPECT_TRUE(seen.find("User-Agent")->starts_with("coppice/0."));
  EXPECT_EQ(seen.find("Host"), "127.0.0.1:" + std::to_string(server->port()));
  EXPECT_EQ(seen.find("Accept"), "*/*");
  EXPECT_FALSE(seen.find("Content-Length"));
}

TEST_F(HttpClientTest, SendsAndTakesLongBodies) {
  serve(echo);
  std::string body;
  for (uint32_t i = 0; body.size() < 5'000'000; ++i) body += std::to_string(i * 2'654'435'761U);
  EXPECT_EQ(send(call("POST", body)).body, body);
}

TEST_F(HttpClientTest, GivesPiecesOfAStreamAsTheyCome) {
  std::vector<std::string> pieces;
  serve([&pieces](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    HttpHeaders headers{{"Content-Type", "text/event-stream"}};  // g++ 12 refuses a list of them inside co_await
    co_await responder.begin(200, std::move(headers));
    for (size_t i = 0; i < 3; ++i) {
      co_await responder.write("piece " + std::to_string(i));
      while (pieces.size() <= i) co_await pause(1ms);  // the next one is not sent before this one has come
    }
    co_await responder.end();
  });
  HttpCall made = call();
  made.on_body = [&pieces](std::string_view piece) { pieces.emplace_back(piece); };
  const HttpResponse response = send(std::move(made));
  EXPECT_EQ(pieces, (std::vector<std::string>{"piece 0", "piece 1", "piece 2"}));
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.headers.find("content-type"), "text/event-stream");
}

TEST_F(HttpClientTest, TheBodyOfAFaultDoesNotGoIntoTheStream) {
  serve([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    HttpResponse response{429, {}, "slowly"};
    co_await responder.send(std::move(response));
  });
  HttpCall made = call();
  made.on_body = [](std::string_view piece) { ADD_FAILURE() << piece; };
  EXPECT_EQ(send(std::move(made)).body, "slowly");
}

TEST_F(HttpClientTest, WhatOnBodyThrowsComesOut) {
  serve(echo);
  HttpCall made = call("POST", "hello");
  made.on_body = [](std::string_view) { throw std::domain_error("mine"); };
  EXPECT_THROW(send(std::move(made)), std::domain_error);
  made = call("POST", "hello");
  made.on_body = [](std::string_view) { throw Error(ErrorCode::data, "mine", {}, "as it is"); };
  const Error fault = fault_of(std::move(made));
  EXPECT_EQ(fault.message(), "mine\n  hint: as it is");
  EXPECT_EQ(fault.where(), "");
  expect_idle_loop();
}

TEST_F(HttpClientTest, AnswersWithoutABodyAreTaken) {
  for (const char* head : {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
                           "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    serve_raw(head);
    EXPECT_EQ(send(call()).body, "");
  }
  serve(echo);
  const HttpResponse response = send(call("HEAD"));
  EXPECT_EQ(response.headers.find("Seen"), "HEAD /");
  EXPECT_EQ(response.body, "");
}

TEST_F(HttpClientTest, RedirectionsAreNotFollowed) {
  serve([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    HttpResponse response{302, {{"Location", "http://127.0.0.1:1/"}}, {}};
    co_await responder.send(std::move(response));
  });
  EXPECT_EQ(send(call()).status, 302);
}

TEST_F(HttpClientTest, AFaultSaysWhatAndWhere) {
  serve_raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  HttpCall made = call("POST", "x");
  made.request.target += "v1?key=S3CRET";
  const Error fault = fault_of(std::move(made));
  EXPECT_EQ(fault.code(), ErrorCode::remote);
  EXPECT_EQ(fault.message(), "POST " + test_url(*server, "/v1") + ": the answer is cut off after 3 bytes of its body");
}

TEST_F(HttpClientTest, GivesUpAnswersThatAreNone) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& bytes :
       {std::string("garbage"), std::string("\x15\x03\x01\x02\x02"), head, head + "A: b\r\n", chunked + "5\r\nhel",
        chunked + "5\r\nhelloX\r\n0\r\n\r\n", chunked + "hello", chunked + "5\r\nhello\r\n0\r\n",
        head + "Content-Length: 9\r\nContent-Length: 8\r\n\r\n123456789"}) {
    serve_raw(bytes);
    EXPECT_EQ(fault_of(call()).code(), ErrorCode::remote) << bytes;
  }
  expect_idle_loop();
}

TEST_F(HttpClientTest, AnswersCutOffAtEachByteAreNone) {
  const std::string whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (size_t size = 1; size < whole.size(); ++size) {
    serve_raw(whole.substr(0, size));
    EXPECT_EQ(fault_of(call()).code(), ErrorCode::remote) << size;
  }
  serve_raw(whole);
  EXPECT_EQ(send(call()).body, "hello");
}

TEST_F(HttpClientTest, HoldsToItsLimits) {
  serve([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    co_await responder.begin(200, {});
    const std::string piece(10'000, 'x');
    while (true) co_await responder.write(piece);  // until the client hangs up
  });
  HttpCall made = call();
  made.max_body_bytes = 1'000'000;
  EXPECT_EQ(fault_of(std::move(made)).message().find("more than 1000000 bytes") == std::string::npos, false);
  size_t streamed = 0;
  made = call();
  made.max_body_bytes = 1'000'000;
  made.on_body = [&streamed](std::string_view piece) { streamed += piece.size(); };
  EXPECT_EQ(fault_of(std::move(made)).code(), ErrorCode::data);
  EXPECT_LE(streamed, 1'000'000U);

  serve_raw("HTTP/1.1 200 OK\r\nX: " + std::string(5'000, 'x') + "\r\n\r\n");
  made = call();
  made.max_header_bytes = 4'000;
  EXPECT_NE(fault_of(std::move(made)).message().find("head of more than 4000 bytes"), std::string::npos);
}

TEST_F(HttpClientTest, AResetIsAFault) {
  serve([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    co_await responder.begin(200, {});
    co_await responder.write("begun");
    responder.cut();
  });
  EXPECT_EQ(fault_of(call()).code(), ErrorCode::remote);
  serve([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    responder.cut();
    co_return;
  });
  EXPECT_EQ(fault_of(call()).code(), ErrorCode::remote);
}

TEST_F(HttpClientTest, AnEarlyAnswerToALongRequestIsSeen) {
  HttpServerOptions options;
  options.max_body_bytes = 1'000;
  server.emplace(loop.context, options, echo);
  EXPECT_EQ(send(call("POST", std::string(200'000, 'x'))).status, 413);
}

TEST_F(HttpClientTest, NobodyListensThere) {
  serve(echo);
  HttpCall made = call();
  server.reset();
  const Error fault = fault_of(std::move(made));
  EXPECT_EQ(fault.code(), ErrorCode::remote);
  EXPECT_EQ(std::string(fault.what()), "cannot connect: Connection refused");
  EXPECT_EQ(fault.hint(), "is the server running there?");
}

TEST_F(HttpClientTest, AUrlThatIsNoneIsAUsersFault) {
  serve(echo);
  for (const char* url : {"", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"}) {
    HttpCall made = call();
    made.request.target = url;
    EXPECT_EQ(fault_of(std::move(made)).code(), ErrorCode::usage) << url;
  }
  HttpCall made = call();
  made.request.headers.add("X", "a\r\nY: b");
  EXPECT_EQ(fault_of(std::move(made)).code(), ErrorCode::usage);
}

/// Answers in its own time: when the client has gone.
Awaitable<void> never(const HttpRequest&, HttpResponder& responder) {
  while (!responder.is_gone()) co_await pause(1ms);
}

TEST_F(HttpClientTest, GivesUpAtTheDeadline) {
  serve(never);
  HttpCall made = call();
  made.deadline = HttpCall::Clock::now() + 20ms;
  const Error fault = fault_of(std::move(made));
  EXPECT_EQ(fault.code(), ErrorCode::timeout);
  EXPECT_EQ(std::string(fault.what()), "no answer by the deadline");
  EXPECT_LT(HttpCall::Clock::now(), made.deadline + 10s);
  made = call();
  made.deadline = HttpCall::Clock::now() - 1s;
  EXPECT_EQ(fault_of(std::move(made)).code(), ErrorCode::timeout);
  expect_idle_loop();
}

TEST_F(HttpClientTest, GivesUpWhereNothingComesForTooLong) {
  serve([](const HttpRequest& request, HttpResponder& responder) -> Awaitable<void> {
    co_await responder.begin(200, {});
    co_await responder.write("begun");
    co_await never(request, responder);
  });
  HttpCall made = call();
  made.idle_timeout = 30ms;
  const Error fault = fault_of(std::move(made));
  EXPECT_EQ(fault.code(), ErrorCode::timeout);
  EXPECT_EQ(std::string(fault.what()), "not a byte came for 30 ms");
  expect_idle_loop();
}

TEST_F(HttpClientTest, WaitsAsLongAsSomethingComes) {
  serve([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    co_await responder.begin(200, {});
    for (int i = 0; i < 8; ++i) {
      co_await pause(60ms);
      co_await responder.write("x");
    }
    co_await responder.end();
  });
  HttpCall made = call();
  made.idle_timeout = 350ms;
  EXPECT_EQ(send(std::move(made)).body.size(), 8U);
}

TEST_F(HttpClientTest, AServerThatTakesNothingIsGivenUp) {
  boost::asio::ip::tcp::acceptor deaf(loop.context, {boost::asio::ip::make_address("127.0.0.1"), 0});
  HttpCall made;
  made.request = {
      "POST", "http://127.0.0.1:" + std::to_string(deaf.local_endpoint().port()), {}, std::string(20'000'000, 'x')};
  made.idle_timeout = 30ms;
  EXPECT_EQ(fault_of(std::move(made)).code(), ErrorCode::timeout);
}

TEST_F(HttpClientTest, StopsOnRequest) {
  Cancellation cancellation;
  serve([&cancellation](const HttpRequest& request, HttpResponder& responder) -> Awaitable<void> {
    cancellation.cancel();
    co_await never(request, responder);
  });
  HttpCall made = call();
  made.cancellation = &cancellation;
  EXPECT_EQ(fault_of(std::move(made)).code(), ErrorCode::cancelled);
  made = call();
  made.cancellation = &cancellation;  // before it began
  EXPECT_EQ(fault_of(std::move(made)).code(), ErrorCode::cancelled);
  expect_idle_loop();
}

TEST_F(HttpClientTest, StopsOnRequestInTheMiddleOfAStream) {
  serve([](const HttpRequest& request, HttpResponder& responder) -> Awaitable<void> {
    co_await responder.begin(200, {});
    co_await responder.write("begun");
    co_await never(request, responder);
  });
  Cancellation cancellation;
  HttpCall made = call();
  made.cancellation = &cancellation;
  made.on_body = [&cancellation](std::string_view) { cancellation.cancel(); };
  EXPECT_EQ(fault_of(std::move(made)).code(), ErrorCode::cancelled);
  expect_idle_loop();
}

TEST_F(HttpClientTest, NoPieceComesAfterItWasStopped) {
  serve_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  Cancellation cancellation;
  int pieces = 0;
  HttpCall made = call();
  made.cancellation = &cancellation;
  made.on_body = [&](std::string_view) {
    ++pieces;
    cancellation.cancel();
  };
  EXPECT_EQ(fault_of(std::move(made)).code(), ErrorCode::cancelled);
  EXPECT_EQ(pieces, 1);
}

TEST_F(HttpClientTest, ConnectionsAreUsedAgain) {
  serve(echo);
  for (int i = 0; i < 5; ++i) send(call());
  EXPECT_EQ(server->connections_taken(), 1U);
  HttpCall closes = call();
  closes.request.headers.add("Connection", "close");
  send(std::move(closes));
  send(call());
  EXPECT_EQ(server->connections_taken(), 2U);
}

TEST_F(HttpClientTest, IdleConnectionsAreFewAndNotOld) {
  serve(echo);
  for (const HttpClientOptions& options : {HttpClientOptions{0, 30s, "", ""}, HttpClientOptions{64, 0s, "", ""}}) {
    server.emplace(loop.context, HttpServerOptions(), echo);
    HttpClient careful(loop.context, options);
    for (int i = 0; i < 3; ++i) loop.run(careful.send(call()));
    EXPECT_EQ(server->connections_taken(), 3U);
  }
}

TEST_F(HttpClientTest, AConnectionThatWasClosedMeanwhileIsNotUsed) {
  serve_raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");  // does not say that it closes
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(call("POST", "x")).body, "ok");
  EXPECT_EQ(server->connections_taken(), 3U);
}

TEST_F(HttpClientTest, BytesAfterAnAnswerSpoilTheConnection) {
  serve_raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(send(call()).body, "ok");
}

TEST_F(HttpClientTest, IsSentOnceMoreWhereTheServerClosedBeforeAByteOfTheAnswerUnlessItMayDoSomething) {
  int requests = 0;
  serve([&requests](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    if (++requests % 2 == 0) {
      responder.cut();
    } else {
      co_await responder.send({});
    }
  });
  send(call());
  EXPECT_EQ(send(call()).status, 200);
  EXPECT_EQ(requests, 3);
  EXPECT_EQ(fault_of(call("POST", "x")).code(), ErrorCode::remote);
  EXPECT_EQ(requests, 4);
}

TEST_F(HttpClientTest, IsNotSentOnceMoreOnceAByteCame) {
  int requests = 0;
  serve([&requests](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    if (++requests == 2) {
      co_await responder.write_raw("H");
    } else {
      co_await responder.send({});
    }
  });
  send(call());
  EXPECT_EQ(fault_of(call()).code(), ErrorCode::remote);
  EXPECT_EQ(requests, 2);
}

TEST_F(HttpClientTest, IsSentOnceMoreOnlyOnce) {
  int requests = 0;
  serve([&requests](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    if (++requests > 1) {
      responder.cut();
    } else {
      co_await responder.send({});
    }
  });
  send(call());
  EXPECT_EQ(fault_of(call()).code(), ErrorCode::remote);
  EXPECT_EQ(requests, 3);
}

TEST_F(HttpClientTest, NamesAreLookedUp) {
  serve(echo);
  HttpCall made = call("POST", "x");
  made.request.target = "http://localhost:" + std::to_string(server->port());
  EXPECT_EQ(send(std::move(made)).body, "x");
  made = call();
  made.request.target = "http://no..such.name/";
  const Error fault = fault_of(std::move(made));
  EXPECT_EQ(fault.code(), ErrorCode::remote);
  EXPECT_NE(fault.message().find("the host 'no..such.name' is not known"), std::string::npos);
}

TEST_F(HttpClientTest, Ipv6IsSpoken) {
  HttpServerOptions options;
  options.address = "::1";
  try {
    server.emplace(loop.context, options, echo);
  } catch (const Error&) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  HttpCall made;
  made.request = {"POST", "http://[::1]:" + std::to_string(server->port()) + "/x", {}, "six"};
  EXPECT_EQ(send(std::move(made)).body, "six");
}

TEST_F(HttpClientTest, MayBeDestroyedWhileACallIsUnderWay) {
  serve(echo);
  auto short_lived = std::make_unique<HttpClient>(loop.context, HttpClientOptions());
  auto under_way = short_lived->send(call("POST", "x"));
  short_lived.reset();
  EXPECT_EQ(loop.run(std::move(under_way)).body, "x");
}

TEST_F(HttpClientTest, TheLoopMayEndWhileACallIsUnderWay) {
  auto short_lived = std::make_unique<TestLoop>();
  auto there = std::make_unique<HttpServer>(short_lived->context, HttpServerOptions(), never);
  auto asks = std::make_unique<HttpClient>(short_lived->context, HttpClientOptions());
  HttpCall made;
  made.request.target = test_url(*there, "/");
  boost::asio::co_spawn(short_lived->context, asks->send(std::move(made)), [](std::exception_ptr, HttpResponse) {});
  short_lived->context.run_for(20ms);
  asks.reset();
  there.reset();
  short_lived.reset();  // the sanitizers tell what is left
}

TEST_F(HttpClientTest, ManyCallsAtOnceGetTheirOwnAnswers) {
  serve(echo);
  constexpr int kCalls = 500;
  int right = 0, done = 0;
  bool all_done = false;
  for (int i = 0; i < kCalls; ++i) {
    const std::string body = std::to_string(i);
    boost::asio::co_spawn(loop.context, client.send(call("POST", body)),
                          [&, body](std::exception_ptr, const HttpResponse& response) {
                            right += response.body == body ? 1 : 0;
                            all_done = ++done == kCalls;
                          });
  }
  loop.run_until(all_done);
  EXPECT_EQ(right, kCalls);
  expect_idle_loop();
}

}  // namespace
}  // namespace coppice
