// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "coppice/flow/llm/chat.h"
#include "coppice/flow/llm/endpoint.h"

namespace coppice {

inline constexpr std::string_view kChatPath = "chat/completions", kEmbeddingPath = "embeddings",
                                  kImagePath = "images/generations";

/// The body of a chat completion; `how` says in which way a schema is sent, and is not `automatic`.
///
/// Throws `ErrorCode::usage` for a request without model or messages, and where `extra` says again what the request
/// says, or asks for what would be passed over or break a bound (n, stream, a limit); `unsupported` where no grammar
/// can be made of the schema.
nlohmann::json chat_body(const ChatRequest& request, const Endpoint& endpoint, StructuredOutput how);
nlohmann::json embedding_body(const EmbeddingRequest& request);
nlohmann::json image_body(const ImageRequest& request);

/// The text to send. Throws `ErrorCode::data` naming the field whose text is no UTF-8.
std::string body_text(const nlohmann::json& body);

/// XXH3-128 of URL, path and canonical JSON (sorted keys, no blanks) of the body, in hexadecimal. `stream` and
/// `stream_options` are left out: they do not decide the answer, and a run that is resumed without a terminal to show
/// its text on asks for the same. Of a request with a schema it is the hash of the body for `json_schema`, in whichever
/// way the schema is sent. Source: xxHash 0.8, XXH3_128bits, canonical form.
std::string request_hash(std::string_view url, std::string_view path, const nlohmann::json& body);

/// The most tokens that a server can count as input: those of the messages, and of whatever else it may put before the
/// model (a schema, a grammar, tools).
uint64_t most_input_tokens(const nlohmann::json& body);
/// By its length; a grammar is not counted, since it is not put before the model.
uint64_t likely_input_tokens(const nlohmann::json& body);

}  // namespace coppice
