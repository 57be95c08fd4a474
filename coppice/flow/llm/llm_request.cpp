// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_request.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/llm/llm_gbnf.h"
#include "coppice/flow/llm/llm_structured.h"
#include "coppice/flow/llm/token_estimate.h"
#include "coppice/http/characters.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

/// Keys that decide how the answer is read, or what it can cost at most.
constexpr std::array<std::string_view, 9> kOurs{
    "model",   "messages",         "stream", "stream_options", "n", "max_tokens", "max_completion_tokens",
    "best_of", "max_output_tokens"};

void add_extra(Json& body, const Json& extra) {
  if (extra.is_null()) return;
  if (!extra.is_object()) throw Error(ErrorCode::usage, "'extra' is no object, expected keys of the request");
  for (const auto& [key, value] : extra.items()) {
    const bool is_ours = std::find(kOurs.begin(), kOurs.end(), key) != kOurs.end();
    if (is_ours || body.contains(key)) {
      throw Error(ErrorCode::usage, fmt::format("'extra' sets '{}', which the request sets itself", key), {},
                  "leave it out of 'extra'");
    }
    body[key] = value;
  }
}

void expect_model(const std::string& model) {
  if (model.empty()) throw Error(ErrorCode::usage, "the request names no model");
}

/// Of the characters that OpenAI allows in it, and 64 at most.
std::string schema_name(const std::string& name) {
  constexpr size_t kMost = 64;
  std::string result = name.substr(0, kMost);
  for (char& c : result) {
    if (!is_letter(c) && !is_digit(c) && c != '-') c = '_';
  }
  return result.empty() ? "answer" : result;
}

void add_schema(Json& body, const ChatRequest& request, StructuredOutput how) {
  if (request.schema.is_null()) return;
  if (how == StructuredOutput::json_schema) {
    const Json named{{"name", schema_name(request.schema_name)}, {"strict", true}, {"schema", request.schema}};
    body["response_format"] = {{"type", "json_schema"}, {"json_schema", named}};
    return;
  }
  if (how == StructuredOutput::json_object) {
    body["response_format"] = {{"type", "json_object"}, {"schema", request.schema}};
  } else if (how == StructuredOutput::grammar) {
    body["grammar"] = make_gbnf(request.schema);
  }
  // In words as well: servers that take a grammar do not show the schema to the model, and OpenAI's wants the word
  // JSON in a message where the format is json_object.
  auto& last = body["messages"].back()["content"].get_ref<std::string&>();
  last += "\n\n" + schema_in_words(request.schema);
}

/// The first text in it that is no UTF-8, as a JSON pointer.
std::string place_of_bad_text(const Json& value) {
  if (value.is_string()) {
    try {
      [[maybe_unused]] const std::string text = value.dump();
    } catch (const Json::exception&) {
      return "/";
    }
    return {};
  }
  if (!value.is_structured()) return {};
  for (const auto& [key, item] : value.items()) {
    const std::string inner = place_of_bad_text(item);
    if (!inner.empty()) return inner == "/" ? "/" + key : "/" + key + inner;
  }
  return {};
}

/// Of all texts in it.
uint64_t text_bytes(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().size();
  uint64_t bytes = 0;
  if (!value.is_structured()) return 0;
  for (const Json& item : value) bytes += text_bytes(item);
  return bytes;
}

uint64_t written_bytes(const Json& value) {
  return compact_text(value).size();
}

}  // namespace

Json chat_body(const ChatRequest& request, const Endpoint& endpoint, StructuredOutput how) {
  expect_model(request.model);
  if (request.messages.empty()) throw Error(ErrorCode::usage, "the request has no messages");
  Json messages = Json::array();
  for (const ChatMessage& message : request.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  Json body{{"model", request.model}, {"messages", std::move(messages)}};
  if (request.max_output_tokens > 0) body[endpoint.max_tokens_name] = request.max_output_tokens;
  if (request.temperature) body["temperature"] = *request.temperature;
  if (request.top_p) body["top_p"] = *request.top_p;
  if (request.seed) body["seed"] = *request.seed;
  if (!request.reasoning_effort.empty()) body["reasoning_effort"] = request.reasoning_effort;
  if (request.stream) body["stream"] = true;
  if (request.stream && endpoint.usage_in_stream) body["stream_options"] = {{"include_usage", true}};
  add_schema(body, request, how);
  add_extra(body, request.extra);
  return body;
}

Json embedding_body(const EmbeddingRequest& request) {
  expect_model(request.model);
  Json body{{"model", request.model}, {"input", request.inputs}, {"encoding_format", "float"}};
  if (request.dimensions > 0) body["dimensions"] = request.dimensions;
  add_extra(body, request.extra);
  return body;
}

Json image_body(const ImageRequest& request) {
  expect_model(request.model);
  if (request.prompt.empty()) throw Error(ErrorCode::usage, "the request for an image has no prompt");
  Json body{{"model", request.model}, {"prompt", request.prompt}};
  if (!request.size.empty()) body["size"] = request.size;
  add_extra(body, request.extra);
  return body;
}

std::string body_text(const Json& body) {
  try {
    return body.dump();
  } catch (const Json::type_error&) {  // the only one that dump throws
    throw Error(ErrorCode::data,
                fmt::format("got text that is no UTF-8 in '{}' of a request", place_of_bad_text(body)));
  }
}

std::string request_hash(std::string_view url, std::string_view path, const Json& body) {
  std::string text = body_text(Json::array({url, path}));
  if (body.is_object() && body.contains("stream")) {
    Json deciding = body;
    deciding.erase("stream");
    deciding.erase("stream_options");
    text += body_text(deciding);
  } else {
    text += body_text(body);
  }
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(text.data(), text.size()));
  std::string result;
  for (const unsigned char byte : digest.digest) result += fmt::format("{:02x}", byte);
  return result;
}

uint64_t most_input_tokens(const Json& body) {
  uint64_t tokens = kMostTemplateTokens;
  for (const auto& [key, value] : body.items()) {
    if (key == "messages") {
      for (const Json& message : value) tokens += text_bytes(message) + kMostFrameTokens;
    } else {
      tokens += written_bytes(value);
    }
  }
  return tokens;
}

uint64_t likely_input_tokens(const Json& body) {
  constexpr uint64_t kFrameTokens = 4;
  uint64_t tokens = 0;
  for (const auto& [key, value] : body.items()) {
    if (key == "messages") {
      for (const Json& message : value) tokens += likely_tokens_of_bytes(text_bytes(message["content"])) + kFrameTokens;
    } else if (key == "input" || key == "prompt") {
      tokens += likely_tokens_of_bytes(text_bytes(value));
    } else if (key == "response_format" || key == "tools") {
      tokens += likely_tokens_of_bytes(written_bytes(value));
    }
  }
  return tokens;
}

}  // namespace coppice
