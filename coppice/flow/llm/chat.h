// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coppice/flow/llm/prices.h"

namespace coppice {

// Requests have constructors: g++ 12 destroys an aggregate twice that is made inside a co_await expression.

struct ChatMessage {
  std::string role, content;
};

struct ChatRequest {
  ChatRequest() {}

  std::string model;
  std::vector<ChatMessage> messages;
  uint32_t max_output_tokens = 0;  ///< 0 = the model's own limit
  std::optional<double> temperature, top_p;
  std::optional<uint64_t> seed;
  std::string reasoning_effort;  ///< "" = not sent
  nlohmann::json schema;         ///< null = any text
  std::string schema_name = "answer";
  bool stream = false;
  nlohmann::json extra;  ///< an object of further keys of the request, sent as they are
};

struct ChatAnswer {
  std::string content;
  nlohmann::json value;  ///< of a request with a schema: the answer, valid by it
  std::string finish_reason, refusal, model, id;
  Usage usage;
  double seconds = 0, first_token_seconds = 0;
};

struct EmbeddingRequest {
  EmbeddingRequest() {}
  EmbeddingRequest(std::string model_, std::vector<std::string> inputs_)
      : model(std::move(model_)), inputs(std::move(inputs_)) {}

  std::string model;
  std::vector<std::string> inputs;
  uint32_t dimensions = 0;  ///< 0 = the model's own
  nlohmann::json extra;
};
struct EmbeddingAnswer {
  std::vector<std::vector<float>> vectors;
  Usage usage;
  double seconds = 0;
};

struct ImageRequest {
  ImageRequest() {}
  ImageRequest(std::string model_, std::string prompt_, std::string size_ = {})
      : model(std::move(model_)), prompt(std::move(prompt_)), size(std::move(size_)) {}

  std::string model, prompt, size;  ///< size: "1024x1024"; "" = the server's own
  nlohmann::json extra;
};
struct ImageAnswer {
  std::string bytes;       ///< the file itself
  std::string media_type;  ///< "image/png", by its first bytes
  Usage usage;
  double seconds = 0;
};

}  // namespace coppice
