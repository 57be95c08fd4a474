// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/token_estimate.h"

namespace coppice {

uint64_t most_tokens(std::string_view text) noexcept {
  return text.size();
}

uint64_t most_tokens(const std::vector<ChatMessage>& messages) noexcept {
  uint64_t tokens = kMostTemplateTokens;
  for (const ChatMessage& message : messages) tokens += message.role.size() + message.content.size() + kMostFrameTokens;
  return tokens;
}

uint64_t likely_tokens_of_bytes(uint64_t n_bytes) noexcept {
  constexpr uint64_t kBytesPerToken = 4;
  return n_bytes / kBytesPerToken + (n_bytes % kBytesPerToken > 0 ? 1 : 0);
}

uint64_t likely_tokens(std::string_view text) noexcept {
  return likely_tokens_of_bytes(text.size());
}

uint64_t likely_tokens(const std::vector<ChatMessage>& messages) noexcept {
  constexpr uint64_t kFrameTokens = 4;
  uint64_t tokens = 0;
  for (const ChatMessage& message : messages) tokens += likely_tokens(message.content) + kFrameTokens;
  return tokens;
}

}  // namespace coppice
