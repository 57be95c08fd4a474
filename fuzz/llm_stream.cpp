// SPDX-License-Identifier: Apache-2.0
//
// A streamed chat completion: the same answer whether it comes at once or in pieces, whose sizes the first byte tells;
// what is shown is what is answered; an answer comes back as it is written down.
#include "coppice/flow/llm/llm_stream.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "coppice/core/error.h"
#include "fuzz/examples_target.h"

namespace {

using coppice::require;

/// The answer as it is written down, with what was shown; or what was shown before the error.
std::string answer_of(std::string_view text, size_t piece_bytes) {
  std::string shown;
  const auto show = [&](std::string_view piece) { shown += piece; };
  coppice::ChatStream stream({"local", coppice::Secrets("secret")});
  try {
    for (; !text.empty(); text.remove_prefix(std::min(piece_bytes, text.size()))) {
      stream.feed(text.substr(0, piece_bytes), show);
    }
    const auto said = stream.finish(show);
    require(said.answer.content == shown);
    require(said.likely_output_tokens >= shown.size() / 4);
    const nlohmann::json kept = coppice::chat_json(said.answer);
    const auto back = coppice::read_chat(kept);
    require(back.answer.content == shown && back.answer.refusal == said.answer.refusal);
    return kept.dump() + shown;
  } catch (const coppice::Error& error) {
    require(error.code() == coppice::ErrorCode::remote);
    require(std::string_view(error.what()).find("secret") == std::string_view::npos);
    require(stream.likely_output() >= shown.size() / 4);
    return "failed after " + shown;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const std::string whole = answer_of(text, std::max<size_t>(text.size(), 1));
  require(answer_of(text, 1 + bytes[0] % 32) == whole);
  return 0;
}
