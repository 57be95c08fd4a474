// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/chunk_scanner.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/random.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/llm/llm_errors.h"
#include "coppice/flow/llm/llm_usage.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

/// What a chunk says, as one text to compare.
std::string told(const ChatChunk& chunk) {
  Json all = {chunk.model, chunk.id};
  for (const auto& [reason, piece] : chunk.choices) {
    all.push_back({reason, piece.content, piece.refusal, piece.calls_tools, piece.unseen_bytes});
  }
  return all.dump();
}

/// The same by way of a value of the whole text; nothing where that is no plain chunk.
std::optional<std::string> told_by_value(const std::string& text) {
  const Json value = parse_json(text);
  if (!value.is_object() || is_server_error(value) || read_usage(field(value, "usage"))) return {};
  ChatChunk chunk;
  chunk.model = text_field(value, "model");
  chunk.id = text_field(value, "id");
  const Json& choices = field(value, "choices");
  if (!choices.is_null() && !choices.is_array()) return {};
  for (const Json& choice : choices) {
    if (!choice.is_object()) return {};
    const Json& index = field(choice, "index");
    if (!index.is_null() && index != 0) continue;
    try {
      chunk.choices.push_back({text_field(choice, "finish_reason"), read_message(field(choice, "delta"))});
    } catch (const Error&) {
      return {};
    }
  }
  return told(chunk);
}

std::optional<std::string> scanned(const std::string& text) {
  ChatChunk chunk;
  chunk.model = "of the chunk before";
  if (!scan_chunk(text, chunk)) return {};
  return told(chunk);
}

/// Chunks as servers send them: OpenAI, vLLM, llama.cpp, Ollama, OpenRouter, DeepSeek.
const std::vector<std::string> kUsual = {
    R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1741570283,"model":"gpt-x","service_tier":"default",)"
    R"("system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},)"
    R"("logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"Qk3"})",
    R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":)"
    R"({"content":" h\u00e9llo \"you\"\n\t\\ \/"},"logprobs":null,"finish_reason":null,"token_ids":null}]})",
    R"({"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Gr\u00fc\u00dfe \u4f60 ü 你好 🙂"}}],"created":1,"id":"c",)"
    R"("model":"x.gguf","system_fingerprint":"b1","object":"chat.completion.chunk","timings":{"prompt_n":12,"prompt_ms":3.75}})",
    R"({ "id" : "c", "choices" : [ { "index" : 0, "delta" : { "reasoning_content" : "hm", "content" : null } } ] })",
    R"({"id":"gen-1","provider":"P","model":"a/b","object":"chat.completion.chunk","created":2,"choices":[{"index":0,"delta":)"
    R"({"role":"assistant","content":"x","reasoning":"so","reasoning_details":[{"type":"t","text":"so","index":0}]},)"
    R"("finish_reason":"stop","native_finish_reason":"STOP","logprobs":{"content":[{"token":"x","logprob":-0.25}]}}]})",
    R"({"id":"c","choices":[],"model":"m"})",
    R"({"object":"keepalive"})",
    R"({"choices":[{"index":1,"delta":{"content":"other"}},{"index":0,"delta":{"content":"ours","tool_calls":[]}}]})",
    R"({"choices":[{"delta":{},"finish_reason":"length"}]})"};

TEST(ChunkScanner, ReadsWhatServersUsuallySend) {
  for (const std::string& text : kUsual) {
    ASSERT_TRUE(scanned(text)) << text;
    EXPECT_EQ(*scanned(text), *told_by_value(text));
  }
}

TEST(ChunkScanner, LeavesTheRestToTheParser) {
  for (const char* text : {"",
                           "null",
                           "[]",
                           "{",
                           "{}x",
                           R"({"error":{"message":"m"}})",
                           R"({"object":"error"})",
                           R"({"error":false})",
                           R"({"usage":{"prompt_tokens":1}})",
                           R"({"choices":3})",
                           R"({"choices":[3]})",
                           R"({"id":"a","id":"b"})",
                           R"({"choices":[{"delta":{"content":[{"type":"text","text":"a"}]}}]})",
                           R"({"a":1e5})",
                           R"({"a":01})",
                           R"({"a":.5})",
                           R"({"a":1.})",
                           R"({"a":-})",
                           R"({"choices":[{"delta":{"tool_calls":[{}]}}]})",
                           R"({"a":"\ud83d\ude42"})",
                           R"({"a":"\x"})",
                           R"({"a":tru})",
                           R"({"a":1,})",
                           R"({"a" 1})",
                           R"({"choices":[{"index":0.0}]})",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"\xFF\"}",
                           "{\"\xC3\xA9\":1}",
                           R"({"\u0061":1})",
                           R"({"a":12345678901234567890})"}) {
    EXPECT_FALSE(scanned(text)) << text;
  }
  EXPECT_FALSE(scanned("{\"a\":" + std::string(100'000, '[')));
  EXPECT_FALSE(scanned("{\"a\":" + std::string(200, '[') + std::string(200, ']') + "}"));
}

/// Whatever it reads is what a value of the text says, however the text was changed.
TEST(ChunkScanner, NeverReadsAnythingElseThanTheParser) {
  Random random(23);
  const std::string bytes = "\"\\{}[]:,0123456789.-eEu \n\t\x01\x7F\xC3\xA9\xED\xA0nulltruefalse";
  const std::vector<std::string> pieces = {
      R"("content":)",    R"("index":)", "null", R"("delta":{)", R"(\u00e9)", R"(\ud83d)", R"("finish_reason":"stop",)",
      R"("error":null,)", "0,",          "-0,",  R"("id":)"};
  const auto below = [&](size_t n) { return random.below(static_cast<uint32_t>(n)); };
  size_t n_read = 0, n_refused = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = kUsual[below(kUsual.size())];
    for (uint32_t n = random.below(4); n > 0 && !text.empty(); --n) {
      const size_t place = below(text.size());
      switch (random.below(4)) {
        case 0:
          text[place] = bytes[below(bytes.size())];
          break;
        case 1:
          text.erase(place, 1 + random.below(12));
          break;
        case 2:
          text.insert(place, pieces[below(pieces.size())]);
          break;
        default:
          text.insert(place, text.substr(below(text.size()), 20));
      }
    }
    const std::optional<std::string> fast = scanned(text);
    (fast ? n_read : n_refused) += 1;
    if (!fast) continue;
    const std::optional<std::string> slow = told_by_value(text);
    ASSERT_TRUE(slow) << text;
    ASSERT_EQ(*fast, *slow) << text;
  }
  EXPECT_GT(n_read, 50'000u);
  EXPECT_GT(n_refused, 50'000u);
}

}  // namespace
}  // namespace coppice
