// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coppice/flow/llm/llm_answer.h"

namespace coppice {

/// What a chunk of a streamed answer says.
struct ChatChunk {
  struct Choice {
    std::string finish_reason;  ///< "" = none
    MessageText piece;
  };
  std::string model, id;        ///< "" = none
  std::vector<Choice> choices;  ///< those with the index 0, or none
};

/// Reads a chunk of the usual kind in one pass, without making a value of each part of it: a stream consists of
/// hundreds of them, which differ in a word.
///
/// False, and `chunk` is not to be used, where a value of the JSON text has to be made to know: usage, an error, calls
/// of tools, content in parts, a key that stands twice, rare forms of numbers and texts, and what is no JSON. What is
/// true is what the value would say.
bool scan_chunk(std::string_view text, ChatChunk& chunk);

}  // namespace coppice
