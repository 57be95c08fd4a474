// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "coppice/flow/llm/chat.h"

namespace coppice {

// Answers as servers give them, and as they are written down: one form for both, so that what is read back is what was
// there. All readers throw `ErrorCode::remote` for what is no such answer; unknown keys are passed over.

/// An answer with what its server said of usage, if it did.
template <class Answer>
struct Said {
  Answer answer;
  std::optional<Usage> usage;
  uint64_t likely_output_tokens = 0;  ///< by its length, with what is not passed on (reasoning, calls of tools)
};

/// Of a chat completion: content may be a text, null, or a list of parts, of which the texts count. finish_reason is
/// "tool_calls" where the model called tools and said nothing.
Said<ChatAnswer> read_chat(const nlohmann::json& answer);
nlohmann::json chat_json(const ChatAnswer& answer);

/// A message, or a piece of one in a stream.
struct MessageText {
  std::string content, refusal;
  bool calls_tools = false;
  uint64_t unseen_bytes = 0;  ///< of reasoning and calls of tools, which we do not read but pay for
};
MessageText read_message(const nlohmann::json& message);

uint64_t likely_output_tokens(const MessageText& message) noexcept;

/// `n_inputs` vectors, each once, in the order of the inputs, finite, of one length (`dimensions`, if not 0).
Said<EmbeddingAnswer> read_embeddings(const nlohmann::json& answer, size_t n_inputs, size_t dimensions);
nlohmann::json embeddings_json(const EmbeddingAnswer& answer);

/// The first image: its bytes, or where they are.
struct ImageSource {
  ImageAnswer image;
  std::string url;  ///< "" = the bytes are there
};
Said<ImageSource> read_image(const nlohmann::json& answer);
nlohmann::json image_json(const ImageAnswer& answer);

/// "image/png" by the first bytes of a file; "" for what is no image that we know (PNG, JPEG, GIF, WebP, SVG).
std::string image_media_type(std::string_view bytes);

/// Throws `ErrorCode::data` where the answer of a model is none that a step can use: refused, kept back by a filter, a
/// call of tools, or cut off before any text came.
void expect_text(const ChatAnswer& answer);

/// The same, and where it was cut off at all: what follows is "truncated", and no invalid JSON.
void expect_whole_text(const ChatAnswer& answer);

}  // namespace coppice
