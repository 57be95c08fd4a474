// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_probe.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/llm/llm_errors.h"
#include "coppice/flow/llm/llm_exchange.h"
#include "coppice/flow/llm/llm_gbnf.h"
#include "coppice/flow/llm/llm_request.h"
#include "coppice/flow/llm/llm_structured.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

/// Statuses with which a server says that it does not take a question as it stands; 0 = an error in its answer.
constexpr std::array kRefusals{0, 400, 422, 500, 501};
constexpr uint32_t kFewTokens = 16, kEnoughTokens = 512;  ///< some models think before they answer

Json odd_schema() {
  return {{"type", "object"},
          {"properties", {{"kestrel", {{"type", "string"}, {"enum", {"k7q2"}}}}}},
          {"required", {"kestrel"}},
          {"additionalProperties", false}};
}

Json strict_format() {
  const Json named{{"name", "answer"}, {"strict", true}, {"schema", odd_schema()}};
  return {{"type", "json_schema"}, {"json_schema", named}};
}

Json object_format() {
  return {{"type", "json_object"}, {"schema", odd_schema()}};
}

class Probe {
 public:
  Probe(HttpSender& sender, std::string model, const LlmCall& call)
      : exchange_(sender, call), model_(std::move(model)), next_call_(call.first_call) {}

  Awaitable<EndpointProfile> run(std::string max_tokens_name) {
    const std::string other = max_tokens_name == "max_tokens" ? "max_completion_tokens" : "max_tokens";
    if (co_await holds_to_limit(max_tokens_name)) {
      profile_.max_tokens_name = max_tokens_name;
    } else if (co_await holds_to_limit(other)) {
      profile_.max_tokens_name = other;
    }
    profile_.usage_in_stream = co_await says_usage_in_stream();
    profile_.json_schema = co_await holds_to("response_format", strict_format());
    profile_.json_object = co_await holds_to("response_format", object_format());
    profile_.grammar = co_await holds_to("grammar", make_gbnf(odd_schema()));
    co_return profile_;
  }

 private:
  Awaitable<bool> holds_to_limit(std::string name) {
    Json body = question("Count from 1 to 200, in figures.");
    body[name] = kFewTokens;
    const auto answer = co_await ask(std::move(body));
    co_return answer && (answer->finish_reason == "length" || answer->usage.output_tokens <= kFewTokens);
  }

  Awaitable<bool> says_usage_in_stream() {
    Json body = question("Say hello in one word.");
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
    const auto answer = co_await ask(std::move(body));
    co_return answer && !answer->usage.is_estimated;
  }

  Awaitable<bool> holds_to(std::string key, Json value) {
    // OpenAI's servers want the word JSON in a message where the format is json_object.
    Json body = question("Say hello in one word. No JSON is needed.");
    body[key] = std::move(value);
    const auto answer = co_await ask(std::move(body));
    co_return answer&& read_structured(answer->content, schema_).value.has_value();
  }

  Json question(const std::string& text) const {
    const Json message{{"role", "user"}, {"content", text}};
    Json body{{"model", model_}, {"messages", Json::array({message})}};
    if (!profile_.max_tokens_name.empty()) body[profile_.max_tokens_name] = kEnoughTokens;
    return body;
  }

  /// Nothing where the server refuses the question as it stands.
  Awaitable<std::optional<ChatAnswer>> ask(Json body) {
    const LlmAsk wanted = exchange_.ask_of(kChatPath, std::move(body), next_call_++);
    try {
      ChatAnswer answer = chat_answer(co_await exchange_.recorded_or_sent(wanted));
      profile_.usage += answer.usage;
      co_return answer;
    } catch (const RefusedByServer& error) {
      if (std::find(kRefusals.begin(), kRefusals.end(), error.status()) == kRefusals.end()) throw;
    }
    co_return std::nullopt;
  }

  LlmExchange exchange_;
  std::string model_;
  uint32_t next_call_;
  JsonSchema schema_{odd_schema()};
  EndpointProfile profile_;
};

}  // namespace

Awaitable<EndpointProfile> probe_endpoint(HttpSender& sender, std::string model, LlmCall call) {
  Probe probe(sender, std::move(model), call);
  co_return co_await probe.run(call.endpoint.max_tokens_name);
}

Endpoint with_profile(Endpoint endpoint, const EndpointProfile& profile) {
  using enum StructuredOutput;
  if (endpoint.structured_output == automatic) {
    endpoint.structured_output = profile.json_schema   ? json_schema
                                 : profile.json_object ? json_object
                                 : profile.grammar     ? grammar
                                                       : prompt;
  }
  if (!profile.max_tokens_name.empty()) endpoint.max_tokens_name = profile.max_tokens_name;
  endpoint.usage_in_stream = profile.usage_in_stream;
  return endpoint;
}

}  // namespace coppice
