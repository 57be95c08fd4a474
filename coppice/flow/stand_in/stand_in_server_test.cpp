// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_server.h"

#include "coppice/http/awaitable.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <vector>

#include "coppice/flow/stand_in/stand_in_fixture.h"
#include "coppice/http/loop_fixture.h"

namespace coppice {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using nlohmann::json;

/// All that a client gets on a connection of its own.
struct Received {
  std::string bytes;
  boost::system::error_code end;

  bool is_reset() const { return end == asio::error::connection_reset; }
  std::string body() const { return bytes.substr(std::min(bytes.size(), bytes.find("\r\n\r\n") + 4)); }
};

std::string raw_request(const HttpRequest& request) {
  return request.method + " " + request.target +
         " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + std::to_string(request.body.size()) +
         "\r\n\r\n" + request.body;
}

Awaitable<Received> ask(asio::io_context& loop, uint16_t port, const HttpRequest& request, size_t most_bytes) {
  const std::string bytes = raw_request(request);
  tcp::socket socket(loop);
  const tcp::endpoint place(asio::ip::address_v4::loopback(), port);
  co_await socket.async_connect(place, asio::use_awaitable);
  co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
  Received received;
  std::vector<char> piece(65'536);
  while (!received.end && received.bytes.size() < most_bytes) {
    const size_t size =
        co_await socket.async_read_some(asio::buffer(piece), asio::redirect_error(asio::use_awaitable, received.end));
    received.bytes.append(piece.data(), size);
  }
  co_return received;
}

struct Stage {
  TestLoop loop;
  StandInServer server;

  explicit Stage(const json& settings) : server(loop.context, read_stand_in_options(settings), {}) {}

  Received get(const HttpRequest& request, size_t most_bytes = size_t{1} << 30) {
    return loop.run(ask(loop.context, server.port(), request, most_bytes));
  }
};

Received faulted(const std::string& name, const json& more = json::object(), const json& options = 1) {
  const json settings = {{"faults", {{name, options}}}, {"answers", {{{"text", "twelve bytes"}}}}};
  Stage stage(settings);
  return stage.get(chat_request(more));
}

/// The body of chunks, joined.
std::string unchunked(const std::string& body) {
  std::string all;
  for (size_t at = 0; at < body.size();) {
    const size_t line = body.find("\r\n", at);
    if (line == std::string::npos) break;
    const size_t size = std::stoul(body.substr(at, line - at), nullptr, 16);
    if (size == 0) break;
    all += body.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  return all;
}

TEST(StandInServer, SendsPlainAnswersAndStreams) {
  const json settings = {{"answers", {{{"text", "twelve bytes"}}}}};
  Stage stage(settings);
  const Received plain = stage.get(chat_request({}));
  EXPECT_TRUE(plain.bytes.starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(parse_json(plain.body())["choices"][0]["message"]["content"], "twelve bytes");
  const Received stream = stage.get(chat_request({{"stream", true}}));
  EXPECT_NE(stream.bytes.find("text/event-stream"), std::string::npos);
  EXPECT_EQ(Streamed(unchunked(stream.body())).content, "twelve bytes");
  EXPECT_TRUE(Streamed(unchunked(stream.body())).is_done);
}

TEST(StandInServer, KeepsItsTimesAndPlaysThemFaster) {
  const json speed = {{"first_token_seconds", 6}, {"output_token_seconds", 2}};
  Stage stage(
      {{"times_faster", 200}, {"answers", {{{"text", "twelve bytes"}}}}, {"models", {{"m", {{"speed", speed}}}}}});
  for (const json& more : {json::object(), json{{"stream", true}}}) {
    const auto began = std::chrono::steady_clock::now();
    stage.get(chat_request(more));
    const auto took = std::chrono::steady_clock::now() - began;
    EXPECT_GE(took, 50ms) << "6 + 2 * 2 seconds, played 200 times faster";
    EXPECT_LT(took, 1s);
  }
}

TEST(StandInServer, CutsConnectionsWhereThatIsTheFault) {
  const Received none = faulted("cut_before_answer");
  EXPECT_TRUE(none.is_reset());
  EXPECT_EQ(none.bytes, "");
  const Received plain = faulted("cut_in_answer");
  EXPECT_TRUE(plain.is_reset());
  EXPECT_LT(plain.body().size(), std::stoul(plain.bytes.substr(plain.bytes.find("content-length: ") + 16)));
  const Received stream = faulted("cut_in_answer", {{"stream", true}});
  EXPECT_TRUE(stream.is_reset());
  EXPECT_EQ(Streamed(unchunked(stream.body())).content, "twel");
  const Received ended = faulted("endless", {{"stream", true}}, {{"rate", 1}, {"bytes", 5000}});
  EXPECT_TRUE(ended.is_reset());
  EXPECT_EQ(ended.bytes.find("[DONE]"), std::string::npos);
}

TEST(StandInServer, SendsErrorsAsTheyAre) {
  EXPECT_TRUE(faulted("unauthorized").bytes.starts_with("HTTP/1.1 401 "));
  const Received limited = faulted("rate_limited");
  EXPECT_TRUE(limited.bytes.starts_with("HTTP/1.1 429 "));
  EXPECT_NE(limited.bytes.find("retry-after: 1\r\n"), std::string::npos);
  EXPECT_NE(limited.bytes.find("x-ratelimit-remaining-requests: 0\r\n"), std::string::npos);
  EXPECT_TRUE(faulted("out_of_quota").bytes.starts_with("HTTP/1.1 429 "));
  EXPECT_TRUE(faulted("server_error").bytes.starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(faulted("unavailable").bytes.starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(faulted("echoed_key").bytes.starts_with("HTTP/1.1 401 "));
  EXPECT_NE(faulted("html_page").bytes.find("text/html"), std::string::npos);
  EXPECT_NE(faulted("wrong_content_type").bytes.find("text/plain"), std::string::npos);
  EXPECT_TRUE(parse_json(faulted("invalid_body").body()).is_discarded());
}

TEST(StandInServer, SendsByteByByteAndInOddPieces) {
  const Received slow = faulted("slow", {}, {{"rate", 1}, {"seconds", 1e-5}});
  EXPECT_EQ(parse_json(slow.body())["choices"][0]["message"]["content"], "twelve bytes");
  const Received slow_stream = faulted("slow", {{"stream", true}}, {{"rate", 1}, {"seconds", 0}});
  EXPECT_TRUE(slow_stream.body().starts_with("1\r\nd\r\n1\r\na\r\n"));
  for (const char* name : {"sse_split", "sse_crlf", "sse_comments"}) {
    EXPECT_EQ(Streamed(unchunked(faulted(name, {{"stream", true}}).body())).content, "twelve bytes") << name;
  }
  EXPECT_TRUE(faulted("sse_split", {{"stream", true}}).body().starts_with("5\r\ndata:\r\n"));
  EXPECT_NE(faulted("sse_malformed", {{"stream", true}}).body().find("data: {\"id\":\"chatcmpl-\n"), std::string::npos);
}

TEST(StandInServer, SendsWithoutEndUntilTheClientGoes) {
  const json settings = {{"faults", {{"endless", 1}}}, {"answers", {{{"text", "a"}}}}};
  Stage stage(settings);
  EXPECT_GE(stage.get(chat_request({}), 3 << 20).bytes.size(), 3 << 20);
  EXPECT_GE(stage.get(chat_request({{"stream", true}}), 1 << 20).bytes.size(), 1 << 20);
  HttpRequest health;
  health.target = "/health";
  EXPECT_NE(stage.get(health).body().find("ok"), std::string::npos) << "and serves the next one";
}

TEST(StandInServer, SendsAHugeAnswerWhole) {
  const Received huge = faulted("huge", {}, {{"rate", 1}, {"bytes", 5'000'000}});
  EXPECT_EQ(parse_json(unchunked(huge.body()))["choices"][0]["message"]["content"].get<std::string>().size(),
            5'000'000);
}

TEST(StandInServer, StopsWithinItsPatience) {
  const json settings = {{"models", {{"m", {{"speed", {{"first_token_seconds", 3600}}}}}}}};
  Stage stage(settings);
  bool is_done = false;
  Received received;
  const HttpRequest request = chat_request({});
  asio::co_spawn(stage.loop.context, ask(stage.loop.context, stage.server.port(), request, 1 << 20),
                 [&](std::exception_ptr, Received got) {
                   received = std::move(got);
                   is_done = true;
                 });
  stage.loop.context.run_for(20ms);
  EXPECT_FALSE(is_done);
  stage.server.stop(1ms);
  stage.loop.run_until(is_done);
  EXPECT_EQ(received.bytes, "");
}

TEST(StandInServer, EndsWhileAnswersAreUnderWay) {
  TestLoop loop;
  bool is_done = false;
  const HttpRequest request = chat_request({});
  {
    StandInServer server(
        loop.context, read_stand_in_options({{"models", {{"m", {{"speed", {{"first_token_seconds", 3600}}}}}}}}), {});
    asio::co_spawn(loop.context, ask(loop.context, server.port(), request, 1 << 20),
                   [&](std::exception_ptr, const Received&) { is_done = true; });
    loop.context.run_for(20ms);
  }
  loop.run_until(is_done);
}

/// Two descriptors for each connection.
void expect_descriptors(rlim_t count) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur >= count) return;
  limit.rlim_cur = std::min(count, limit.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < count) GTEST_SKIP() << "too few file descriptors";
}

TEST(StandInServer, ServesAThousandConnectionsAtATime) {
  constexpr int kClients = 1000;
  expect_descriptors(2 * kClients + 100);
  if (IsSkipped()) return;
  // Each takes longer than all need to come: they are all there at the same time.
  Stage stage(
      {{"answers", {{{"text", "twelve bytes"}}}}, {"models", {{"m", {{"speed", {{"first_token_seconds", 0.4}}}}}}}});
  std::vector<HttpRequest> requests;
  for (int i = 0; i < kClients; ++i) requests.push_back(chat_request({{"seed", i}, {"stream", i % 2 == 0}}));
  int n_done = 0, n_right = 0;
  bool is_done = false;
  for (const HttpRequest& request : requests) {
    asio::co_spawn(stage.loop.context, ask(stage.loop.context, stage.server.port(), request, 1 << 20),
                   [&](std::exception_ptr, const Received& got) {
                     const bool is_plain = got.body().find("\"twelve bytes\"") != std::string::npos;
                     n_right += is_plain || got.body().find("[DONE]") != std::string::npos ? 1 : 0;
                     is_done = ++n_done == kClients;
                   });
  }
  stage.loop.run_until(is_done);
  EXPECT_EQ(n_right, kClients);
}

}  // namespace
}  // namespace coppice
