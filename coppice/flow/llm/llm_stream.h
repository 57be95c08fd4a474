// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "coppice/flow/llm/chunk_scanner.h"
#include "coppice/flow/llm/llm_answer.h"
#include "coppice/http/secrets.h"
#include "coppice/http/sse.h"

namespace coppice {

/// Puts a streamed chat completion together: server-sent events of chunks, the last "[DONE]".
///
/// A server that does not know `stream` and answers with one JSON text is understood, too. Usage is that of the last
/// chunk that has some. Comments, other events and unknown keys are passed over, and what follows [DONE].
class ChatStream {
 public:
  using OnText = std::function<void(std::string_view text)>;

  /// What messages name, and what they never show.
  struct Names {
    std::string endpoint;
    Secrets secrets;
  };
  explicit ChatStream(Names names) : names_(std::move(names)) {}

  /// Calls `on_text` (may be empty) for each piece of text. Throws `ErrorCode::remote` for a chunk that is no JSON or
  /// no chunk, and `RefusedByServer` for an error in the place of one.
  void feed(std::string_view piece, const OnText& on_text);

  /// The answer, once all has come. Throws `ErrorCode::remote` where the stream ended before the answer did: neither
  /// [DONE] nor a finish_reason has come.
  Said<ChatAnswer> finish(const OnText& on_text);

  /// What came so far.
  bool has_text() const noexcept { return !text_.content.empty(); }
  /// Of all kinds: also what is no part of the answer, such as a model's reasoning.
  uint64_t text_bytes() const noexcept { return text_.content.size() + text_.refusal.size() + text_.unseen_bytes; }
  /// Has the answer come to its end, even if the stream has not?
  bool is_complete() const noexcept { return has_choice_ && (is_done_ || !finish_reason_.empty()); }
  const std::optional<Usage>& usage() const noexcept { return usage_; }
  uint64_t likely_output() const noexcept;

 private:
  void take_event(const SseEvent& event, const OnText& on_text);
  void take_document(const SseEvent& event, const OnText& on_text);
  void take_choice(const std::string& finish_reason, const MessageText& piece, const OnText& on_text);
  Said<ChatAnswer> finish_whole(const OnText& on_text);
  [[noreturn]] void refuse(const std::string& data) const;

  Names names_;
  SseParser events_;
  std::string whole_;  ///< of a body that is no stream
  bool is_stream_ = false, is_whole_ = false, is_done_ = false, has_choice_ = false;
  ChatChunk chunk_;  ///< the last one; kept for its memory
  MessageText text_;
  std::string finish_reason_, model_, id_;
  std::optional<Usage> usage_;
};

}  // namespace coppice
