// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <openssl/evp.h>

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/stand_in/stand_in_content.h"
#include "coppice/flow/stand_in/stand_in_picture.h"
#include "coppice/flow/stand_in/stand_in_reply.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t kMostInputs = 2048;
constexpr uint64_t kMostDimensions = 4096;

[[noreturn]] void refuse(const char* param, const std::string& message) {
  throw StandInRefusal{400, message, "invalid_request_error", param, ""};
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a zero
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::string text_or(const json& body, const char* key, const char* otherwise) {
  const auto found = body.find(key);
  if (found == body.end() || found->is_null()) return otherwise;
  if (!found->is_string()) refuse(key, fmt::format("Invalid type for '{}': expected a string.", key));
  return found->get<std::string>();
}

/// Numbers of tokens stand for words.
std::string token_words(const json& tokens) {
  std::string words;
  for (const json& token : tokens) {
    if (!token.is_number_integer()) refuse("input", "Invalid 'input': expected strings, or arrays of token numbers.");
    words += token.dump() + " ";
  }
  return words;
}

/// The texts to embed, and how many tokens they have.
struct Inputs {
  std::vector<std::string> texts;
  uint64_t tokens = 0;

  void add(const json& input) {
    if (!input.is_string() && !input.is_array()) refuse("input", "Invalid type for 'input'.");
    if (input.empty() || input == "") refuse("input", "Invalid 'input': expected no empty text.");
    texts.push_back(input.is_string() ? input.get<std::string>() : token_words(input));
    tokens += input.is_string() ? stand_in_tokens(texts.back()) : input.size();
  }
};

Inputs inputs_of(const json& body) {
  const auto given = body.find("input");
  if (given == body.end() || given->is_null()) refuse("input", "Missing required parameter: 'input'.");
  Inputs inputs;
  const bool is_list = given->is_array() && !given->empty() && !(*given)[0].is_number();
  if (!is_list) {
    inputs.add(*given);
    return inputs;
  }
  if (given->size() > kMostInputs)
    refuse("input", fmt::format("Invalid 'input': expected at most {} texts.", kMostInputs));
  for (const json& input : *given) inputs.add(input);
  return inputs;
}

ordered_json vector_json(const std::vector<float>& vector, const std::string& encoding) {
  if (encoding == "float") return vector;
  static_assert(std::endian::native == std::endian::little, "base64 vectors are little-endian");
  return base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
}

uint32_t dimensions_of(const StandInAsk& ask) {
  const auto given = ask.body.find("dimensions");
  if (given == ask.body.end() || given->is_null()) return ask.model.dimensions;
  const bool is_valid = given->is_number_unsigned() && *given >= 1 && *given <= kMostDimensions;
  if (!is_valid) refuse("dimensions", "Invalid value for 'dimensions': expected an integer from 1 to 4096.");
  return given->get<uint32_t>();
}

/// What the first rule for this path makes of the prompt.
StandInText drawn_prompt(const StandInAsk& ask, const std::string& prompt) {
  StandInQuestion question;
  question.path = ask.path;
  question.model = ask.model_name;
  question.prompt = question.text = prompt;
  question.draw = ask.draws.content(StandInDraws::Of::templates).uniform();
  return content_by_rule(ask, question).value_or(StandInText{prompt, ""});
}

}  // namespace

StandInReply embedding_reply(const StandInAsk& ask) {
  const Inputs inputs = inputs_of(ask.body);
  const std::string encoding = text_or(ask.body, "encoding_format", "float");
  if (encoding != "float" && encoding != "base64") {
    refuse("encoding_format", "Invalid value for 'encoding_format': expected 'float' or 'base64'.");
  }
  const uint32_t dimensions = dimensions_of(ask);
  ordered_json data = ordered_json::array();
  for (const std::string& text : inputs.texts) {
    const auto vector = stand_in_embedding(text, dimensions, ask.options.seed);
    data.push_back({{"object", "embedding"}, {"index", data.size()}, {"embedding", vector_json(vector, encoding)}});
  }
  StandInReply reply;
  reply.usage.input_tokens = inputs.tokens;
  ordered_json body = {{"object", "list"}, {"data", std::move(data)}, {"model", ask.model_name}};
  if (!ask.has(StandInFault::missing_usage)) {
    body["usage"] = {{"prompt_tokens", inputs.tokens}, {"total_tokens", inputs.tokens}};
  }
  reply.body = body.dump();
  return reply;
}

StandInReply image_reply(const StandInAsk& ask) {
  const std::string prompt = text_or(ask.body, "prompt", "");
  if (prompt.empty()) refuse("prompt", "Missing required parameter: 'prompt'.");
  const auto size = picture_size(text_or(ask.body, "size", ""));
  if (!size) {
    refuse("size", fmt::format("Invalid value for 'size': expected WIDTHxHEIGHT, at most {0}x{0}.", kMostPictureSide));
  }
  if (const auto n = ask.body.find("n"); n != ask.body.end() && !n->is_null() && *n != 1) {
    refuse("n", "The stand-in draws one image: expected n = 1.");
  }
  const StandInText drawn = drawn_prompt(ask, prompt);
  const uint64_t key = ask.draws.content(StandInDraws::Of::picture).next();
  const std::string picture = base64(stand_in_picture(drawn.text, *size, key));
  ordered_json image = {{"revised_prompt", drawn.text}};
  if (text_or(ask.body, "response_format", "b64_json") == "url") {
    image["url"] = "data:image/png;base64," + picture;
  } else {
    image["b64_json"] = picture;
  }
  StandInReply reply;
  reply.flaw = drawn.flaw;
  reply.usage.input_tokens = stand_in_tokens(prompt);
  reply.usage.images = 1;
  const uint64_t tokens = reply.usage.input_tokens;
  ordered_json body = {{"created", kStandInCreated}, {"data", ordered_json::array({std::move(image)})}};
  if (!ask.has(StandInFault::missing_usage)) {
    body["usage"] = {{"input_tokens", tokens},
                     {"output_tokens", 0},
                     {"total_tokens", tokens},
                     {"input_tokens_details", {{"text_tokens", tokens}, {"image_tokens", 0}}}};
  }
  reply.body = compact_text(body);
  return reply;
}

}  // namespace coppice
