// SPDX-License-Identifier: Apache-2.0
//
// Bodies of answers: of a chat completion, of embeddings, of an image, of an error. What is read comes back as it is
// written down, and nothing but errors of the server is thrown.
#include "coppice/flow/llm/llm_answer.h"

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/llm/llm_errors.h"
#include "coppice/flow/llm/llm_usage.h"
#include "coppice/http/secrets.h"
#include "fuzz/examples_target.h"

namespace {

using coppice::require;
using Json = nlohmann::json;

void refused_or(const std::function<void()>& act) {
  try {
    act();
  } catch (const coppice::Error& error) {
    require(error.code() == coppice::ErrorCode::remote);
  }
}

void chat(const Json& body) {
  auto said = coppice::read_chat(body);
  if (said.usage) said.answer.usage = coppice::believed(said.usage, {10, 40, said.likely_output_tokens, 100});
  require(said.answer.usage.input_tokens <= 200'000 && said.answer.usage.output_tokens <= 200'000);
  require(said.answer.usage.cached_input_tokens <= said.answer.usage.input_tokens);
  require(said.answer.usage.reasoning_tokens <= said.answer.usage.output_tokens);
  const Json kept = coppice::chat_json(said.answer);
  auto back = coppice::read_chat(coppice::parse_json(kept.dump()));
  if (back.usage) back.answer.usage = *back.usage;
  require(coppice::chat_json(back.answer).dump() == kept.dump());
}

void embeddings(const Json& body) {
  const auto said = coppice::read_embeddings(body, 2, 0);
  require(said.answer.vectors.size() == 2 && said.answer.vectors[0].size() == said.answer.vectors[1].size());
  const auto back = coppice::read_embeddings(coppice::embeddings_json(said.answer), 2, 0);
  require(back.answer.vectors == said.answer.vectors);
}

void image(const Json& body) {
  const auto said = coppice::read_image(body);
  if (!said.answer.url.empty()) return;
  require(!said.answer.image.media_type.empty());
  require(coppice::read_image(coppice::image_json(said.answer.image)).answer.image.bytes == said.answer.image.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const std::string shown = coppice::Secrets("sk-secret").without(text);
  require(shown.find("sk-secret") == std::string::npos);
  for (const std::string& part : {coppice::read_server_error(shown).message, coppice::read_server_error(text).code}) {
    require(part.size() <= 2'000 && part.find('\n') == std::string::npos);
    require(!coppice::parse_json(Json(part).dump()).is_discarded());  // UTF-8
  }
  const Json body = coppice::parse_json(text);
  if (body.is_discarded() || coppice::is_server_error(body)) return 0;
  refused_or([&] { chat(body); });
  refused_or([&] { embeddings(body); });
  refused_or([&] { image(body); });
  return 0;
}
