// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/llm/llm_answer.h"
#include "coppice/flow/llm/llm_errors.h"
#include "coppice/flow/llm/llm_exchange.h"
#include "coppice/flow/llm/llm_request.h"
#include "coppice/flow/llm/llm_structured.h"
#include "coppice/http/base64.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

/// The bytes behind the URL in a server's answer; "data:image/png;base64,..." holds them itself.
Awaitable<std::string> image_bytes(LlmExchange& exchange, const std::string& url) {
  constexpr std::string_view kCoded = ";base64,";
  if (!url.starts_with("data:")) co_return co_await exchange.fetch(url);
  const size_t comma = url.find(kCoded);
  auto bytes = comma == url.npos ? std::nullopt : base64_decoded(std::string_view(url).substr(comma + kCoded.size()));
  if (!bytes) throw Error(ErrorCode::remote, "got an image that is no base64");
  co_return std::move(*bytes);
}

/// A request with a schema: down the ladder where the server refuses, and one repair.
class StructuredChat {
 public:
  using Known = std::map<std::string, StructuredOutput, std::less<>>;

  StructuredChat(LlmExchange& exchange, const LlmCall& call, ChatRequest request, Known& known)
      : exchange_(exchange), call_(call), request_(std::move(request)), schema_(request_.schema), known_(known) {}

  Awaitable<ChatAnswer> run() {
    ChatAnswer first = co_await ask(request_, call_.first_call);
    expect_whole_text(first);
    StructuredReading reading = read_structured(first.content, schema_);
    if (reading.value) co_return with_value(std::move(first), reading);
    if (!reading.has_json) go_down_from(way());  // the server has passed over the format
    const ChatRequest again = repair_request(request_, first.content, reading.fault);
    ChatAnswer second = co_await ask(again, call_.first_call + 1);
    second.usage += first.usage;
    second.seconds += first.seconds;
    second.first_token_seconds = first.first_token_seconds;
    expect_whole_text(second);
    reading = read_structured(second.content, schema_);
    if (reading.value) co_return with_value(std::move(second), reading);
    throw Error(ErrorCode::data, "the answer does not follow its schema, nor does its repair: " + reading.fault, {},
                "a simpler schema, or another model, may do");
  }

 private:
  static ChatAnswer with_value(ChatAnswer answer, StructuredReading& reading) {
    answer.value = std::move(*reading.value);
    return answer;
  }

  /// Its hash is that of the request with its schema, in whichever way that is sent: which of them a server takes is
  /// learned anew in each process, and what has been answered is not asked for again.
  Awaitable<ChatAnswer> ask(const ChatRequest& request, uint32_t call) {
    const LlmAsk plain = ask_of(request, StructuredOutput::json_schema, call);
    if (const auto kept = exchange_.recorded(plain)) co_return chat_answer(*kept);
    for (;;) {
      const StructuredOutput sent_as = way();
      LlmAsk wanted = sent_as == StructuredOutput::json_schema ? plain : ask_of(request, sent_as, call);
      wanted.hash = plain.hash;
      try {
        co_return chat_answer(co_await exchange_.send(wanted));
      } catch (const RefusedByServer& error) {
        if (!error.is_about_format() || sent_as == StructuredOutput::prompt) throw;
      }
      go_down_from(sent_as);
    }
  }

  LlmAsk ask_of(const ChatRequest& request, StructuredOutput sent_as, uint32_t call) const {
    return exchange_.ask_of(kChatPath, chat_body(request, call_.endpoint, sent_as), call);
  }

  const std::string& known_as() {
    if (known_as_.empty()) known_as_ = request_hash(call_.endpoint.url, request_.model, request_.schema);
    return known_as_;
  }

  /// The surest way that the endpoint allows, and that has not failed yet.
  StructuredOutput way() {
    StructuredOutput first = std::max(call_.endpoint.structured_output, StructuredOutput::json_schema);
    if (!known_.empty()) {
      const auto known = known_.find(known_as());
      if (known != known_.end()) first = std::max(first, known->second);
    }
    return first == StructuredOutput::grammar ? ladder(first, request_.schema).front() : first;
  }

  /// Calls that run side by side learn the same: none undoes what another one has learned.
  void go_down_from(StructuredOutput sent_as) {
    const std::vector<StructuredOutput> ways = ladder(sent_as, request_.schema);
    if (ways.size() < 2) return;
    auto& known = known_.try_emplace(known_as(), ways[1]).first->second;
    known = std::max(known, ways[1]);
  }

  LlmExchange& exchange_;
  const LlmCall& call_;
  ChatRequest request_;
  JsonSchema schema_;
  Known& known_;
  std::string known_as_;
};

}  // namespace

Awaitable<ChatAnswer> LlmClient::chat(ChatRequest request, LlmCall call) {
  LlmExchange exchange(sender_, call);
  if (!request.schema.is_null()) {
    StructuredChat structured(exchange, call, std::move(request), known_);
    co_return co_await structured.run();
  }
  nlohmann::json body = chat_body(request, call.endpoint, StructuredOutput::prompt);
  const LlmAsk ask = exchange.ask_of(kChatPath, std::move(body), call.first_call);
  ChatAnswer answer = chat_answer(co_await exchange.recorded_or_sent(ask));
  expect_text(answer);
  co_return answer;
}

Awaitable<EmbeddingAnswer> LlmClient::embed(EmbeddingRequest request, LlmCall call) {
  if (request.inputs.empty()) co_return EmbeddingAnswer{};
  LlmExchange exchange(sender_, call);
  const size_t n_inputs = request.inputs.size(), dimensions = request.dimensions;
  LlmAsk ask = exchange.ask_of(kEmbeddingPath, embedding_body(request), call.first_call);
  ask.read = [n_inputs, dimensions](const Json& body) {
    const Said<EmbeddingAnswer> said = read_embeddings(body, n_inputs, dimensions);
    return LlmReading{embeddings_json(said.answer), said.usage, 0};
  };
  const Json kept = co_await exchange.recorded_or_sent(ask);
  Said<EmbeddingAnswer> said = read_embeddings(kept, n_inputs, dimensions);
  if (said.usage) said.answer.usage = *said.usage;
  co_return std::move(said.answer);
}

Awaitable<ImageAnswer> LlmClient::image(ImageRequest request, LlmCall call) {
  LlmExchange exchange(sender_, call);
  LlmAsk ask = exchange.ask_of(kImagePath, image_body(request), call.first_call);
  std::string url;
  ask.read = [&url](const Json& body) {
    const Said<ImageSource> said = read_image(body);
    url = said.answer.url;
    return LlmReading{image_json(said.answer.image), said.usage, 0};
  };
  ask.complete = [&url, &exchange](Json& answer) -> Awaitable<void> {
    if (url.empty()) co_return;
    ImageAnswer fetched;
    fetched.bytes = co_await image_bytes(exchange, url);
    answer = image_json(fetched);
    read_image(answer);  // what is no image is not kept as one
  };
  const Json kept = co_await exchange.recorded_or_sent(ask);
  Said<ImageSource> said = read_image(kept);
  if (said.usage) said.answer.image.usage = *said.usage;
  said.answer.image.usage.images = 1;
  co_return std::move(said.answer.image);
}

}  // namespace coppice
