// SPDX-License-Identifier: Apache-2.0
//
// The client over a real connection, to servers that misbehave as real ones do.
#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/flow/llm/endpoint_gate.h"
#include "coppice/flow/llm/llm_fixture.h"
#include "coppice/flow/temporary_folder.h"
#include "coppice/http/cassette.h"
#include "coppice/http/client.h"
#include "coppice/http/server.h"

#include <boost/asio/steady_timer.hpp>

namespace coppice {
namespace {

/// A server and a client of it, on one loop.
struct Wired : LlmBench {
  explicit Wired(HttpHandler handler)
      : server(loop.context, HttpServerOptions{}, std::move(handler)),
        http(loop.context, HttpClientOptions{}),
        wired(http) {
    endpoint.url = test_url(server, "/v1");
  }
  std::string wired_fault(ChatRequest chat) {
    try {
      loop.run(wired.chat(std::move(chat), call()));
    } catch (const Error& error) {
      return std::string(name(error.code())) + ": " + error.what();
    }
    return {};
  }
  ChatRequest streamed() const {
    ChatRequest chat = request();
    chat.stream = true;
    return chat;
  }

  HttpServer server;
  HttpClient http;
  LlmClient wired;
};

Awaitable<void> begin_stream(HttpResponder& responder) {
  HttpHeaders headers{{"Content-Type", "text/event-stream"}};
  co_await responder.begin(200, std::move(headers));
}

TEST(LlmLoopback, AnswersComeOverTheWirePlainAndStreamed) {
  std::vector<HttpRequest> requests;
  Wired bench([&](const HttpRequest& request, HttpResponder& responder) -> Awaitable<void> {
    requests.push_back(request);
    if (!parse_json(request.body).contains("stream")) {
      HttpResponse response(200, {}, chat_text("H\xC3\xA9llo!"));
      co_await responder.send(std::move(response));
      co_return;
    }
    co_await begin_stream(responder);
    const std::string whole = chat_stream("Hello!");
    for (size_t i = 0; i < whole.size(); i += 7) co_await responder.write(std::string_view(whole).substr(i, 7));
    co_await responder.end();
  });
  EXPECT_EQ(bench.loop.run(bench.wired.chat(bench.request(), bench.call())).content, "H\xC3\xA9llo!");
  std::string shown;
  LlmCall call = bench.call();
  call.on_text = [&](std::string_view text) { shown += text; };
  const ChatAnswer answer = bench.loop.run(bench.wired.chat(bench.streamed(), call));
  EXPECT_EQ(answer.content, "Hello!");
  EXPECT_EQ(shown, "Hello!");
  EXPECT_EQ(answer.usage.output_tokens, 2u);
  EXPECT_EQ(requests[0].target, "/v1/chat/completions");
  EXPECT_EQ(requests[0].headers.find("content-type"), "application/json");
  EXPECT_EQ(bench.recorder.outcomes[0].cost, bench.recorder.outcomes[1].cost);
}

/// Where nobody listens.
std::string refused_url() {
  static const std::string url = [] {
    boost::asio::io_context loop;
    const HttpServer gone(loop, HttpServerOptions{}, {});
    return test_url(gone, "/v1");
  }();
  return url;
}

TEST(LlmLoopback, AConnectionThatIsRefusedCostsNothing) {
  Wired bench([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    responder.cut();
    co_return;
  });
  const std::string url = std::exchange(bench.endpoint.url, refused_url());
  EXPECT_EQ(bench.wired_fault(bench.request()).substr(0, 7), "remote:");
  ASSERT_EQ(bench.recorder.outcomes.size(), 3u);
  for (const CallOutcome& outcome : bench.recorder.outcomes) EXPECT_EQ(outcome.cost, Money{});
  bench.endpoint.url = url;  // there is one, and it hangs up
  EXPECT_EQ(bench.wired_fault(bench.request()).substr(0, 7), "remote:");
  ASSERT_EQ(bench.recorder.outcomes.size(), 6u);
  for (size_t i = 3; i < 6; ++i) EXPECT_EQ(bench.recorder.outcomes[i].cost, bench.recorder.intents[i].most);
}

TEST(LlmLoopback, AStreamThatIsCutCostsWhatCame) {
  Wired bench([](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    co_await begin_stream(responder);
    const std::string whole = chat_stream("12345678");
    co_await responder.write(std::string_view(whole).substr(0, whole.find("stop")));
    responder.cut();
  });
  EXPECT_EQ(bench.wired_fault(bench.streamed()).substr(0, 7), "remote:");
  ASSERT_EQ(bench.recorder.outcomes.size(), 1u);
  EXPECT_LT(bench.recorder.outcomes[0].cost, bench.recorder.intents[0].most);
}

TEST(LlmLoopback, ATimeoutAfterSendingCostsTheWorstCase) {
  Wired bench([](const HttpRequest&, HttpResponder&) -> Awaitable<void> {
    boost::asio::steady_timer never(co_await boost::asio::this_coro::executor, std::chrono::hours(1));
    co_await never.async_wait(boost::asio::use_awaitable);
  });
  bench.endpoint.timeout = std::chrono::milliseconds(20);
  bench.endpoint.retry.max_retries = 0;
  EXPECT_EQ(bench.wired_fault(bench.request()).substr(0, 8), "timeout:");
  ASSERT_EQ(bench.recorder.outcomes.size(), 1u);
  EXPECT_EQ(bench.recorder.outcomes[0].cost, bench.recorder.intents[0].most);
}

TEST(LlmLoopback, CancellingEndsACallInTheMiddleOfItsStream) {
  Cancellation cancellation;
  Wired bench([&](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    co_await begin_stream(responder);
    const std::string whole = chat_stream("12345678");
    co_await responder.write(std::string_view(whole).substr(0, whole.find("stop")));
    boost::asio::steady_timer never(co_await boost::asio::this_coro::executor, std::chrono::hours(1));
    co_await never.async_wait(boost::asio::use_awaitable);
  });
  LlmCall call = bench.call();
  call.cancellation = &cancellation;
  std::string shown;
  call.on_text = [&](std::string_view text) {
    shown += text;
    if (shown.size() == 4) boost::asio::post(bench.loop.context, [&] { cancellation.cancel(); });
  };
  try {
    bench.loop.run(bench.wired.chat(bench.streamed(), call));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  ASSERT_EQ(bench.recorder.outcomes.size(), 1u);
  EXPECT_GT(bench.recorder.outcomes[0].cost, Money{});
}

TEST(LlmLoopback, ACassetteBillsAsTheServerDid) {
  int n_requests = 0;
  Wired bench([&](const HttpRequest& request, HttpResponder& responder) -> Awaitable<void> {
    if (++n_requests == 1) {
      responder.cut();
    } else if (n_requests == 2) {
      HttpResponse response(503, {{"retry-after-ms", "1"}}, "busy");
      co_await responder.send(std::move(response));
    } else if (parse_json(request.body).contains("stream")) {
      co_await begin_stream(responder);
      co_await responder.write(chat_stream("Hello!", "stop", ""));
      co_await responder.end();
    } else {
      HttpResponse response(200, {}, chat_text("Hello!"));
      co_await responder.send(std::move(response));
    }
  });
  const TemporaryFolder folder;
  const std::string path = folder.path() / "tape.jsonl";
  const auto run = [&](CassetteMode mode, HttpSender* to) {
    Cassette cassette(path, mode, to);
    LlmClient client(cassette);
    std::string all;
    for (const ChatRequest& request : {bench.request(), bench.streamed()}) {
      all += bench.loop.run(client.chat(request, bench.call())).content;
    }
    bench.endpoint.retry.max_retries = 0;
    const std::string url = std::exchange(bench.endpoint.url, refused_url());
    EXPECT_THROW(bench.loop.run(client.chat(bench.request(), bench.call())), Error);
    bench.endpoint.url = url;
    bench.endpoint.retry.max_retries = 2;
    for (const CallOutcome& outcome : std::exchange(bench.recorder.outcomes, {})) all += " " + money_text(outcome.cost);
    return all;
  };
  const std::string recorded = run(CassetteMode::record, &bench.http);
  EXPECT_EQ(run(CassetteMode::replay, nullptr), recorded);
  EXPECT_EQ(n_requests, 4);
}

TEST(LlmLoopback, ManyCallsShareAGate) {
  constexpr size_t kCalls = 60, kAtOnce = 5;
  size_t in_flight = 0, most_in_flight = 0, finished = 0;
  Wired bench([&](const HttpRequest& request, HttpResponder& responder) -> Awaitable<void> {
    most_in_flight = std::max(most_in_flight, ++in_flight);
    while (in_flight < kAtOnce && in_flight + finished < kCalls) {
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    }
    const nlohmann::json body = parse_json(request.body);
    HttpResponse response(200, {}, chat_text(body["messages"][0]["content"].get<std::string>()));
    --in_flight;
    ++finished;
    co_await responder.send(std::move(response));
  });
  bench.endpoint.concurrency = kAtOnce;
  EndpointGate gate(bench.loop.context, bench.endpoint);
  size_t done = 0, right = 0;
  bool is_done = false;
  for (size_t i = 0; i < kCalls; ++i) {
    ChatRequest request = bench.request();
    request.messages[0].content = "echo " + std::to_string(i);
    LlmCall call = bench.call();
    call.gate = &gate;
    call.step = i % 2 == 0 ? "a" : "b";
    boost::asio::co_spawn(bench.loop.context, bench.wired.chat(request, call),
                          [&, i](std::exception_ptr error, const ChatAnswer& answer) {
                            EXPECT_FALSE(error);
                            right += answer.content == "echo " + std::to_string(i);
                            is_done = ++done == kCalls;
                          });
  }
  bench.loop.run_until(is_done);
  EXPECT_EQ(right, kCalls);
  EXPECT_EQ(most_in_flight, kAtOnce);
  EXPECT_EQ(gate.in_flight() + gate.waiting(), 0u);
}

}  // namespace
}  // namespace coppice
