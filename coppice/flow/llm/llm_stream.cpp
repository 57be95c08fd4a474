// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_stream.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/held_json.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/llm/llm_errors.h"
#include "coppice/flow/llm/llm_usage.h"
#include "coppice/flow/llm/token_estimate.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

void keep_first(std::string& text, const std::string& found) {
  if (text.empty()) text = found;
}

}  // namespace

void ChatStream::feed(std::string_view piece, const OnText& on_text) {
  if (!is_stream_ && !is_whole_) {
    // An event stream has no line that begins so: it would be a field without a meaning.
    const size_t begin = piece.find_first_not_of(" \t\r\n");
    if (begin == piece.npos) return;
    (piece[begin] == '{' || piece[begin] == '<' ? is_whole_ : is_stream_) = true;  // JSON, or a page
  }
  if (is_whole_) {
    whole_ += piece;
    return;
  }
  events_.feed(piece, [&](const SseEvent& event) { take_event(event, on_text); });
}

void ChatStream::take_event(const SseEvent& event, const OnText& on_text) {
  if (is_done_) return;
  if (event.data == "[DONE]") {
    is_done_ = true;
    return;
  }
  const bool is_error = event.event == "error";
  if (!is_error && !event.event.empty() && event.event != "message") return;
  if (is_error || !scan_chunk(event.data, chunk_)) return take_document(event, on_text);
  keep_first(model_, chunk_.model);
  keep_first(id_, chunk_.id);
  for (const ChatChunk::Choice& choice : chunk_.choices) take_choice(choice.finish_reason, choice.piece, on_text);
}

/// A chunk that is not of the usual kind.
void ChatStream::take_document(const SseEvent& event, const OnText& on_text) {
  const HeldJson chunk = parse_held_json(event.data);
  if (event.event == "error" || (chunk.value.is_object() && is_server_error(chunk.value))) {
    throw RefusedByServer(names_.endpoint, 0, read_server_error(names_.secrets.without(event.data)));
  }
  if (!chunk.value.is_object()) refuse(event.data);
  if (auto usage = read_usage(field(chunk.value, "usage"))) usage_ = std::move(usage);
  keep_first(model_, text_field(chunk.value, "model"));
  keep_first(id_, text_field(chunk.value, "id"));
  const Json& choices = field(chunk.value, "choices");
  if (choices.is_null()) return;
  if (!choices.is_array()) refuse(event.data);
  for (const Json& choice : choices) {
    if (!choice.is_object()) refuse(event.data);
    const Json& index = field(choice, "index");
    if (!index.is_null() && index != 0) continue;
    // Even of one whose message cannot be read.
    has_choice_ = true;
    if (std::string reason = text_field(choice, "finish_reason"); !reason.empty()) finish_reason_ = std::move(reason);
    take_choice({}, read_message(field(choice, "delta")), on_text);
  }
}

void ChatStream::take_choice(const std::string& finish_reason, const MessageText& piece, const OnText& on_text) {
  has_choice_ = true;
  if (!finish_reason.empty()) finish_reason_ = finish_reason;
  text_.refusal += piece.refusal;
  text_.calls_tools = text_.calls_tools || piece.calls_tools;
  text_.unseen_bytes += piece.unseen_bytes;
  if (piece.content.empty()) return;
  text_.content += piece.content;  // first: where `on_text` throws, it has been billed all the same
  if (on_text) on_text(piece.content);
}

Said<ChatAnswer> ChatStream::finish(const OnText& on_text) {
  if (is_whole_) return finish_whole(on_text);
  if (!is_done_ && finish_reason_.empty()) throw Error(ErrorCode::remote, "the stream ended before the answer did");
  if (!has_choice_) throw Error(ErrorCode::remote, "got a stream without a choice, expected one");
  Said<ChatAnswer> said{{}, usage_, likely_output()};
  said.answer.content = text_.content;
  said.answer.refusal = text_.refusal;
  said.answer.finish_reason = text_.content.empty() && text_.calls_tools ? "tool_calls" : finish_reason_;
  said.answer.model = model_;
  said.answer.id = id_;
  return said;
}

Said<ChatAnswer> ChatStream::finish_whole(const OnText& on_text) {
  const HeldJson body = parse_held_json(whole_);
  if (body.value.is_discarded()) {
    throw Error(ErrorCode::remote, fmt::format("got an answer from '{}' that is no JSON", names_.endpoint), {},
                "see to the endpoint's URL");
  }
  if (is_server_error(body.value)) {
    const std::string said = std::exchange(whole_, {});  // nothing of it is an answer
    throw RefusedByServer(names_.endpoint, 0, read_server_error(names_.secrets.without(said)));
  }
  Said<ChatAnswer> said = read_chat(body.value);
  if (!said.answer.content.empty() && on_text) on_text(said.answer.content);
  return said;
}

void ChatStream::refuse(const std::string& data) const {
  const std::string shown = one_line(names_.secrets.without(data));
  throw Error(ErrorCode::remote, fmt::format("got '{}' in a stream, expected a chunk of an answer", shown));
}

uint64_t ChatStream::likely_output() const noexcept {
  return is_whole_ ? likely_tokens(whole_) : likely_output_tokens(text_);
}

}  // namespace coppice
