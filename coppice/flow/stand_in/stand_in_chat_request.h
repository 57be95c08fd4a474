// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/stand_in/stand_in_reply.h"
#include "coppice/flow/stand_in/stand_in_rules.h"

namespace coppice {

/// A chat completion that is asked for.
struct StandInChat {
  StandInQuestion question;  ///< its schema is the one that is followed, wherever it stood
  bool wants_json = false;   ///< any JSON, or that of the schema
  uint64_t input_tokens = 0;
  uint64_t most_output_tokens = 0;  ///< 0 = any number
  std::vector<std::string> stops;
  bool is_stream = false;
  bool usage_in_stream = false;
};

/// Throws `StandInRefusal` for what OpenAI's servers refuse, too, and for more than one choice.
StandInChat read_chat(const StandInAsk& ask);

/// A JSON Schema of an object that stands in a text, or null.
nlohmann::json schema_in_text(const std::string& text);

}  // namespace coppice
