// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/llm/llm.h"
#include "coppice/http/loop_fixture.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coppice {

/// A server in memory: each request has its act. Calls side by side take turns, as they do with a real one.
class ScriptedSender : public HttpSender {
 public:
  using Act = std::function<HttpResponse(HttpCall&)>;

  Awaitable<HttpResponse> send(HttpCall call) override {
    co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    requests.push_back(call.request);
    if (acts.empty()) throw std::logic_error("the test expects no more requests");
    const Act act = std::move(acts.front());
    acts.pop_front();
    HttpResponse response = act(call);
    const bool is_streamed = call.on_body && response.status / 100 == 2;
    if (is_streamed) call.on_body(std::exchange(response.body, ""));
    co_return response;
  }

  void answer(std::string body, int status = 200, HttpHeaders headers = {}) {
    acts.push_back([=](HttpCall&) { return HttpResponse{status, headers, body}; });
  }
  /// What `thrown` is, after that much of a body.
  template <class Thrown>
  void fail(Thrown thrown, std::string body = {}) {
    acts.push_back([=](HttpCall& call) -> HttpResponse {
      if (!body.empty() && call.on_body) call.on_body(body);
      throw thrown;
    });
  }

  nlohmann::json body(size_t i) const { return parse_json(requests.at(i).body); }

  std::deque<Act> acts;
  std::vector<HttpRequest> requests;
};

/// Writes all down, and knows nothing of earlier runs but what it is told.
class ListingRecorder : public CallRecorder {
 public:
  std::optional<std::string> recorded(uint32_t call, const std::string& request_hash) override {
    const auto found = answers.find({call, request_hash});
    return found == answers.end() ? std::nullopt : std::optional(found->second);
  }
  Awaitable<void> intend(const CallIntent& intent) override {
    if (budget < intent.most) throw Error(ErrorCode::budget, "too little is left");
    intents.push_back(intent);
    co_return;
  }
  Awaitable<void> settle(const CallIntent& intent, const CallOutcome& outcome) override {
    settled.push_back(intent);
    outcomes.push_back(outcome);
    co_return;
  }
  /// As a later process of the run would find it.
  void keep_answers() {
    for (size_t i = 0; i < outcomes.size(); ++i) {
      if (outcomes[i].was_answered) answers[{settled[i].call, settled[i].request_hash}] = outcomes[i].answer;
    }
  }

  std::map<std::pair<uint32_t, std::string>, std::string> answers;
  std::vector<CallIntent> intents, settled;
  std::vector<CallOutcome> outcomes;
  Money budget = Money::of_dollars(1'000'000);
};

/// A chat completion's body.
inline std::string chat_text(const std::string& content, const std::string& reason = "stop",
                             const std::string& usage = R"({"prompt_tokens":9,"completion_tokens":2})") {
  const nlohmann::json message{{"role", "assistant"}, {"content", content}};
  const nlohmann::json choice{{"index", 0}, {"message", message}, {"finish_reason", reason}};
  nlohmann::json body{{"id", "c-1"}, {"model", "m-2"}, {"choices", nlohmann::json::array({choice})}};
  if (!usage.empty()) body["usage"] = parse_json(usage);
  return body.dump();
}

/// The same as a stream; `end` is what follows the text.
inline std::string chat_stream(const std::string& content, const std::string& reason = "stop",
                               const std::string& usage = R"({"prompt_tokens":9,"completion_tokens":2})") {
  std::string text;
  const auto chunk = [&](const nlohmann::json& delta, const nlohmann::json& finish) {
    const nlohmann::json choice{{"index", 0}, {"delta", delta}, {"finish_reason", finish}};
    const nlohmann::json body{{"id", "c-1"}, {"model", "m-2"}, {"choices", nlohmann::json::array({choice})}};
    text += "data: " + body.dump() + "\n\n";
  };
  for (const char c : content) chunk({{"content", std::string(1, c)}}, nullptr);
  chunk(nlohmann::json::object(), reason);
  if (!usage.empty()) text += R"(data: {"choices":[],"usage":)" + usage + "}\n\n";
  return text + "data: [DONE]\n\n";
}

/// An endpoint, a client of it and a recorder, on a loop.
struct LlmBench {
  LlmBench() {
    endpoint.name = "local";
    endpoint.url = "http://127.0.0.1:1/v1";
    endpoint.retry.first_delay = std::chrono::milliseconds(0);
    price.emplace();
    price->input = Money{100};
    price->output = Money{1'000};
  }

  LlmCall call() { return {endpoint, price, recorder}; }
  ChatRequest request() const {
    ChatRequest chat;
    chat.model = "m-1";
    chat.messages = {{"user", "Say hello."}};
    chat.max_output_tokens = 50;
    return chat;
  }
  ChatAnswer chat(ChatRequest request) { return chat(std::move(request), call()); }
  ChatAnswer chat(ChatRequest request, LlmCall with) {
    return loop.run(client.chat(std::move(request), std::move(with)));
  }
  /// The code and the words of what is thrown; "" = nothing is.
  std::string fault(ChatRequest request) { return fault(std::move(request), call()); }
  std::string fault(ChatRequest request, LlmCall with) {
    try {
      chat(std::move(request), std::move(with));
    } catch (const Error& error) {
      return std::string(name(error.code())) + ": " + error.message();
    }
    return {};
  }

  TestLoop loop;
  Endpoint endpoint;
  std::optional<ModelPrice> price;
  ScriptedSender sender;
  ListingRecorder recorder;
  LlmClient client{sender};
};

}  // namespace coppice
