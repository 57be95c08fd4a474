// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/flow/llm/chat.h"
#include "coppice/flow/llm/endpoint.h"

namespace coppice {

class JsonSchema;

/// The ways to send a schema from `from` on, downwards; `automatic` stands for the first. Without `grammar` where none
/// can be made of the schema. Never empty.
std::vector<StructuredOutput> ladder(StructuredOutput from, const nlohmann::json& schema);

/// What a model is told to do.
std::string schema_in_words(const nlohmann::json& schema);

/// The JSON texts in an answer of a model that was asked for one: all of it, else what stands in code fences, else the
/// lists and objects in the text; what stands before a last </think> is passed over. Only what is JSON without repeated
/// keys, each value once, in the order of the answer. Cost: linear in the text.
std::vector<nlohmann::json> json_in(std::string_view answer);

/// An answer that was held against its schema.
struct StructuredReading {
  std::optional<nlohmann::json> value;  ///< where it is valid
  std::string fault;                    ///< where it is not: a sentence
  bool has_json = false;                ///< something in it was JSON: the server did not ignore the format altogether
};

/// Fails closed: of several values that the schema allows, none is taken.
StructuredReading read_structured(std::string_view answer, const JsonSchema& schema);

/// The request again, with the answer and what is wrong with it.
ChatRequest repair_request(ChatRequest request, const std::string& answer, const std::string& fault);

}  // namespace coppice
