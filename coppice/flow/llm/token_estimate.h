// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "coppice/flow/llm/chat.h"

namespace coppice {

/// The most tokens that a text can be, whatever the tokenizer: its bytes (a byte-level tokenizer has no token of none).
/// Of messages: with the frame of each, and with what a chat template says of its own.
uint64_t most_tokens(std::string_view text) noexcept;
uint64_t most_tokens(const std::vector<ChatMessage>& messages) noexcept;

inline constexpr uint64_t kMostFrameTokens = 16;     ///< around a message: role, begin, end
inline constexpr uint64_t kMostTemplateTokens = 64;  ///< of a whole request: a date, a default system message

/// What a text is likely to be: four bytes a token.
uint64_t likely_tokens(std::string_view text) noexcept;
uint64_t likely_tokens_of_bytes(uint64_t n_bytes) noexcept;
uint64_t likely_tokens(const std::vector<ChatMessage>& messages) noexcept;

}  // namespace coppice
