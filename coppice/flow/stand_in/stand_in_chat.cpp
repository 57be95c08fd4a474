// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/stand_in/stand_in_chat_request.h"
#include "coppice/flow/stand_in/stand_in_content.h"
#include "coppice/flow/stand_in/stand_in_reply.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kRefusal = "I'm sorry, I can't help with that.";
constexpr const char* kContentHere = "<the content stands here>";  // < and > need no escape in JSON

/// What the model says, cut to what the request allows.
struct Said {
  std::string content, refusal, finish_reason = "stop", flaw;
  uint64_t tokens() const noexcept { return stand_in_tokens(refusal.empty() ? content : refusal); }
};

void stop_before(Said& said, const std::vector<std::string>& stops) {
  size_t end = said.content.size();
  for (const std::string& stop : stops) end = std::min(end, said.content.find(stop));
  said.content.resize(end);
}

Said say(const StandInAsk& ask, const StandInChat& chat) {
  Said said;
  if (ask.has(StandInFault::refusal)) {
    said.refusal = kRefusal;
    return said;
  }
  StandInText text = stand_in_content(ask, chat);
  said.content = std::move(text.text);
  said.flaw = std::move(text.flaw);
  if (ask.fault && chat.wants_json) said.content = spoiled(said.content, *ask.fault);
  stop_before(said, chat.stops);
  if (chat.most_output_tokens > 0 && said.tokens() > chat.most_output_tokens) {
    said.content.resize(stand_in_token_begin(said.content, chat.most_output_tokens));
    said.finish_reason = "length";
  }
  return said;
}

Usage usage_of(const StandInAsk& ask, const StandInChat& chat, const Said& said) {
  Usage usage;
  usage.input_tokens = chat.input_tokens;
  usage.cached_input_tokens =
      static_cast<uint64_t>(std::floor(ask.model.cached_share * static_cast<double>(chat.input_tokens)));
  usage.output_tokens = said.tokens();
  return usage;
}

ordered_json usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.input_tokens},
          {"completion_tokens", usage.output_tokens},
          {"total_tokens", usage.input_tokens + usage.output_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_input_tokens}, {"audio_tokens", 0}}},
          {"completion_tokens_details",
           {{"reasoning_tokens", 0},
            {"audio_tokens", 0},
            {"accepted_prediction_tokens", 0},
            {"rejected_prediction_tokens", 0}}}};
}

std::string fingerprint(const StandInAsk& ask) {
  const uint64_t hash = XXH3_64bits_withSeed(ask.model_name.data(), ask.model_name.size(), ask.options.seed);
  return fmt::format("fp_{:010x}", hash >> 24);
}

ordered_json head(const StandInAsk& ask, const char* object) {
  return {{"id", reply_id("chatcmpl-", ask.draws)},
          {"object", object},
          {"created", kStandInCreated},
          {"model", ask.model_name},
          {"system_fingerprint", fingerprint(ask)}};
}

std::string body_text(const StandInAsk& ask, const Said& said, const Usage& usage) {
  ordered_json message = {{"role", "assistant"}, {"content", said.content}, {"refusal", nullptr}};
  if (!said.refusal.empty()) {
    message["content"] = nullptr;
    message["refusal"] = said.refusal;
  }
  ordered_json body = head(ask, "chat.completion");
  body["choices"] = ordered_json::array();
  body["choices"].push_back(
      {{"index", 0}, {"message", message}, {"logprobs", nullptr}, {"finish_reason", said.finish_reason}});
  if (!ask.has(StandInFault::missing_usage)) body["usage"] = usage_json(usage);
  return compact_text(body);
}

/// The chunks' JSON in three parts, between which the delta and the reason of the end stand.
StandInStream stream_of(const StandInAsk& ask, const StandInChat& chat, const Said& said, const Usage& usage) {
  const bool has_usage = chat.usage_in_stream && !ask.has(StandInFault::missing_usage);
  ordered_json chunk = head(ask, "chat.completion.chunk");
  std::string opened = compact_text(chunk);
  opened.pop_back();
  StandInStream stream;
  stream.before_delta = opened + R"(,"choices":[{"index":0,"delta":)";
  stream.after_delta = R"(,"logprobs":null,"finish_reason":)";
  stream.after_finish = chat.usage_in_stream ? R"(}],"usage":null})" : "}]}";
  stream.content = said.content;
  stream.refusal = said.refusal;
  stream.finish_reason = said.finish_reason;
  stream.tokens_per_event = ask.options.tokens_per_event;
  if (has_usage) {
    chunk["choices"] = ordered_json::array();
    chunk["usage"] = usage_json(usage);
    stream.usage_event = compact_text(chunk);
  }
  return stream;
}

/// The body with the content cut out.
void set_flood_frame(const StandInAsk& ask, Said said, StandInReply& reply) {
  said.refusal.clear();
  said.content = kContentHere;
  const std::string body = body_text(ask, said, reply.usage);
  const size_t at = body.find(kContentHere);
  reply.flood_head = body.substr(0, at);
  reply.flood_tail = body.substr(at + std::string_view(kContentHere).size());
}

/// A repeated key with another value before the one that counts: whoever keeps the first of two gets it wrong.
void repeat_keys(const StandInChat& chat, StandInReply& reply) {
  if (chat.wants_json) return;  // it stands in the content then
  if (reply.stream) {
    reply.stream->before_delta.insert(1, R"("choices":[],)");
  } else {
    reply.body.insert(1, R"("usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},)");
  }
}

}  // namespace

StandInReply chat_reply(const StandInAsk& ask) {
  const StandInChat chat = read_chat(ask);
  const Said said = say(ask, chat);
  StandInReply reply;
  reply.usage = usage_of(ask, chat, said);
  reply.later_tokens = said.tokens() > 0 ? said.tokens() - 1 : 0;
  reply.flaw = said.flaw;
  if (chat.is_stream) reply.stream = stream_of(ask, chat, said, reply.usage);
  if (!chat.is_stream || ask.has(StandInFault::invalid_body)) reply.body = body_text(ask, said, reply.usage);
  if (ask.has(StandInFault::duplicate_keys)) repeat_keys(chat, reply);
  if (ask.has(StandInFault::endless) || ask.has(StandInFault::huge)) set_flood_frame(ask, said, reply);
  return reply;
}

}  // namespace coppice
