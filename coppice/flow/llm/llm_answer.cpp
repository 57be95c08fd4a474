// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_answer.h"

#include <fmt/core.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/llm/llm_errors.h"
#include "coppice/flow/llm/llm_usage.h"
#include "coppice/flow/llm/token_estimate.h"
#include "coppice/http/base64.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::remote, what);
}

double seconds_at(const Json& answer, const char* name) {
  const Json& value = field(answer, name);
  return value.is_number() ? value.get<double>() : 0;
}

/// The element of a list that has the index 0, or says none.
const Json& first_choice(const Json& answer) {
  const Json& choices = field(answer, "choices");
  if (!choices.is_array()) refuse("got an answer without 'choices', expected a chat completion");
  for (const Json& choice : choices) {
    const Json& index = field(choice, "index");
    if (choice.is_object() && (index.is_null() || index == 0)) return choice;
  }
  refuse("got an answer without a choice, expected one");
}

std::vector<float> floats_of_base64(const std::string& text) {
  static_assert(std::endian::native == std::endian::little);
  const auto bytes = base64_decoded(text);
  if (!bytes || bytes->size() % sizeof(float) != 0) refuse("got an embedding that is no base64 of numbers");
  std::vector<float> vector(bytes->size() / sizeof(float));
  if (!vector.empty()) std::memcpy(vector.data(), bytes->data(), bytes->size());
  return vector;
}

std::vector<float> vector_of(const Json& embedding) {
  std::vector<float> vector;
  if (embedding.is_string()) {
    vector = floats_of_base64(embedding.get_ref<const std::string&>());
  } else {
    if (!embedding.is_array()) refuse("got an embedding that is no list of numbers");
    vector.reserve(embedding.size());
    for (const Json& number : embedding) {
      const bool is_one = number.is_number() && std::abs(number.get<double>()) <= std::numeric_limits<float>::max();
      if (!is_one) refuse(fmt::format("got {} in an embedding, expected a number", json_value_text(number)));
      vector.push_back(number.get<float>());
    }
  }
  for (const float number : vector) {
    if (!std::isfinite(number)) refuse("got an embedding with a number that is not finite");
  }
  return vector;
}

/// Which input a vector is of: servers that say no index keep to the order.
size_t index_of(const Json& item, size_t place, size_t n_inputs) {
  const Json& index = field(item, "index");
  if (index.is_null()) return place;
  const bool is_one = index.is_number_integer() && index >= 0 && index < n_inputs;
  if (!is_one)
    refuse(fmt::format("got an embedding of input {}, expected 0 to {}", json_value_text(index), n_inputs - 1));
  return index.get<size_t>();
}

/// The texts of a content, which may be one, or a list of parts.
std::string text_of_content(const Json& content) {
  if (content.is_null()) return {};
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) refuse(fmt::format("got {} as content, expected a text", json_value_text(content)));
  std::string text;
  for (const Json& part : content) {
    const Json& type = field(part, "type");
    if (type.is_null() || type == "text" || type == "output_text") text += text_field(part, "text");
  }
  return text;
}

/// Bytes of the names and arguments in calls of tools.
uint64_t bytes_of_calls(const Json& calls) {
  uint64_t bytes = 0;
  for (const Json& call : calls) {
    for (const char* name : {"name", "arguments"}) bytes += text_field(field(call, "function"), name).size();
  }
  return bytes;
}

}  // namespace

MessageText read_message(const Json& message) {
  MessageText text;
  text.content = text_of_content(field(message, "content"));
  text.refusal = text_field(message, "refusal");
  for (const char* name : {"reasoning_content", "reasoning"}) text.unseen_bytes += text_field(message, name).size();
  const Json& calls = field(message, "tool_calls");
  text.calls_tools = calls.is_array() && !calls.empty();
  if (text.calls_tools) text.unseen_bytes += bytes_of_calls(calls);
  return text;
}

uint64_t likely_output_tokens(const MessageText& message) noexcept {
  return likely_tokens_of_bytes(message.content.size() + message.refusal.size() + message.unseen_bytes);
}

Said<ChatAnswer> read_chat(const Json& answer) {
  const Json& choice = first_choice(answer);
  const Json& message = field(choice, "message");
  if (!message.is_object()) refuse("got a choice without a message");
  Said<ChatAnswer> said;
  ChatAnswer& result = said.answer;
  MessageText text = read_message(message);
  said.likely_output_tokens = likely_output_tokens(text);
  result.content = std::move(text.content);
  result.refusal = std::move(text.refusal);
  result.finish_reason = text_field(choice, "finish_reason");
  if (result.content.empty() && text.calls_tools) result.finish_reason = "tool_calls";
  result.model = text_field(answer, "model");
  result.id = text_field(answer, "id");
  result.seconds = seconds_at(answer, "seconds");
  result.first_token_seconds = seconds_at(answer, "first_token_seconds");
  said.usage = read_usage(field(answer, "usage"));
  return said;
}

Json chat_json(const ChatAnswer& answer) {
  Json message{{"role", "assistant"}, {"content", answer.content}};
  if (!answer.refusal.empty()) message["refusal"] = answer.refusal;
  const Json choice{{"index", 0}, {"message", message}, {"finish_reason", answer.finish_reason}};
  return {{"id", answer.id},
          {"model", answer.model},
          {"choices", Json::array({choice})},
          {"usage", usage_json(answer.usage)},
          {"seconds", answer.seconds},
          {"first_token_seconds", answer.first_token_seconds}};
}

Said<EmbeddingAnswer> read_embeddings(const Json& answer, size_t n_inputs, size_t dimensions) {
  const Json& data = field(answer, "data");
  if (!data.is_array() || data.size() != n_inputs) {
    refuse(fmt::format("got {} embeddings, expected {}", data.is_array() ? data.size() : 0, n_inputs));
  }
  Said<EmbeddingAnswer> said;
  auto& vectors = said.answer.vectors;
  vectors.resize(n_inputs);
  for (size_t place = 0; place < data.size(); ++place) {
    const size_t index = index_of(data[place], place, n_inputs);
    if (!vectors[index].empty()) refuse(fmt::format("got the embedding of input {} twice", index));
    vectors[index] = vector_of(field(data[place], "embedding"));
    const size_t expected = dimensions > 0 ? dimensions : vectors[index].size();
    if (expected == 0 || vectors[index].size() != expected) {
      refuse(fmt::format("got an embedding of {} numbers, expected {}", vectors[index].size(),
                         dimensions > 0 ? std::to_string(dimensions) : "some"));
    }
    dimensions = expected;
  }
  said.answer.seconds = seconds_at(answer, "seconds");
  said.usage = read_usage(field(answer, "usage"));
  return said;
}

Json embeddings_json(const EmbeddingAnswer& answer) {
  Json data = Json::array();
  for (const std::vector<float>& vector : answer.vectors) {
    const std::string_view bytes(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float));
    data.push_back({{"index", data.size()}, {"embedding", base64(bytes)}});
  }
  return {{"data", std::move(data)}, {"usage", usage_json(answer.usage)}, {"seconds", answer.seconds}};
}

Said<ImageSource> read_image(const Json& answer) {
  const Json& data = field(answer, "data");
  if (!data.is_array() || data.empty()) refuse("got an answer without 'data', expected an image");
  Said<ImageSource> said;
  ImageSource& source = said.answer;
  const std::string coded = text_field(data.front(), "b64_json");
  source.url = text_field(data.front(), "url");
  if (!coded.empty()) {
    auto bytes = base64_decoded(coded);
    if (!bytes) refuse("got an image that is no base64");
    source.image.bytes = std::move(*bytes);
    source.image.media_type = image_media_type(source.image.bytes);
    source.url.clear();
    if (source.image.media_type.empty())
      refuse("got an image of an unknown kind, expected PNG, JPEG, GIF, WebP or SVG");
  } else if (source.url.empty()) {
    refuse("got an image without 'b64_json' and 'url'");
  }
  source.image.seconds = seconds_at(answer, "seconds");
  said.usage = read_usage(field(answer, "usage"));
  return said;
}

Json image_json(const ImageAnswer& answer) {
  const Json image{{"b64_json", base64(answer.bytes)}};
  return {{"data", Json::array({image})}, {"usage", usage_json(answer.usage)}, {"seconds", answer.seconds}};
}

std::string image_media_type(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (bytes.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") return "image/webp";
  const size_t begin = bytes.find_first_not_of(" \t\r\n");
  const std::string_view text = bytes.substr(begin == bytes.npos ? bytes.size() : begin, 1'000);
  const bool is_svg = text.starts_with("<svg") || (text.starts_with("<?xml") && text.find("<svg") != text.npos);
  return is_svg ? "image/svg+xml" : "";
}

void expect_text(const ChatAnswer& answer) {
  const std::string& reason = answer.finish_reason;
  if (!answer.refusal.empty()) {
    throw Error(ErrorCode::data, "the model refused: " + one_line(answer.refusal));
  }
  if (reason == "content_filter") {
    throw Error(ErrorCode::data, "the server's content filter kept the answer back");
  }
  if (reason == "tool_calls" || reason == "function_call") {
    throw Error(ErrorCode::data, "the model called a tool, expected an answer", {},
                "calls of tools are not answered: use steps of the workflow");
  }
  if (reason == "length" && answer.content.empty()) expect_whole_text(answer);
}

void expect_whole_text(const ChatAnswer& answer) {
  if (answer.finish_reason == "length") {
    throw Error(ErrorCode::data, fmt::format("the answer was truncated after {} tokens", answer.usage.output_tokens),
                {}, "raise max_output_tokens");
  }
  expect_text(answer);
}

}  // namespace coppice
