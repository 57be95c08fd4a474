// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_answer.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/random.h"
#include "coppice/http/base64.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr const char* kWhole =
    R"({"id":"c-1","object":"chat.completion","model":"m-2","choices":[{"index":0,"message":{"role":"assistant",
        "content":"Hello!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}})";

std::string message_of(const char* message, const char* reason = "\"stop\"") {
  return std::string(R"({"choices":[{"message":)") + message + R"(,"finish_reason":)" + reason + "}]}";
}

ChatAnswer read(const std::string& text) {
  return read_chat(parse_json(text)).answer;
}

ErrorCode code_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(LlmAnswer, IsReadAndComesBackAsItWasWritten) {
  Said<ChatAnswer> said = read_chat(parse_json(kWhole));
  EXPECT_EQ(said.answer.content, "Hello!");
  EXPECT_EQ(said.answer.finish_reason, "stop");
  EXPECT_EQ(said.answer.model, "m-2");
  EXPECT_EQ(said.answer.id, "c-1");
  ASSERT_TRUE(said.usage);
  EXPECT_EQ(said.usage->output_tokens, 2u);
  EXPECT_EQ(said.likely_output_tokens, 2u);
  said.answer.usage = *said.usage;
  said.answer.seconds = 0.125;
  said.answer.refusal = "no";
  const Json kept = chat_json(said.answer);
  const Said<ChatAnswer> back = read_chat(kept);
  EXPECT_EQ(back.answer.seconds, 0.125);
  EXPECT_EQ(back.answer.refusal, "no");
  Said<ChatAnswer> again = back;
  again.answer.usage = *back.usage;
  EXPECT_EQ(chat_json(again.answer).dump(), kept.dump());
}

TEST(LlmAnswer, ContentMayBeNullOrAListOfParts) {
  EXPECT_EQ(read(message_of(R"({"content":null})")).content, "");
  EXPECT_EQ(read(message_of(R"({"role":"assistant"})")).content, "");
  EXPECT_EQ(read(message_of(R"({"content":[{"type":"thinking","text":"hm"},{"type":"text","text":"a"},
                              {"type":"text","text":"b"}, 3]})"))
                .content,
            "ab");
  EXPECT_EQ(code_of([] { read(message_of(R"({"content":{"a":1}})")); }), ErrorCode::remote);
}

TEST(LlmAnswer, TheFirstChoiceIsTheOneWithIndexZero) {
  EXPECT_EQ(
      read(R"({"choices":[{"index":1,"message":{"content":"b"}},{"index":0,"message":{"content":"a"}}]})").content,
      "a");
}

TEST(LlmAnswer, WhatIsNoneIsRemote) {
  for (const char* text : {"[]", "{}", "3", R"({"choices":null})", R"({"choices":[]})", R"({"choices":[3]})",
                           R"({"choices":[{"index":1,"message":{}}]})", R"({"choices":[{"index":0}]})",
                           R"({"choices":[{"message":"hello"}]})"}) {
    EXPECT_EQ(code_of([&] { read(text); }), ErrorCode::remote) << text;
  }
}

TEST(LlmAnswer, CutAtEachByteOrChangedItIsReadOrRefused) {
  const std::string whole = kWhole;
  Random random(3);
  for (size_t i = 0; i < 4 * whole.size(); ++i) {
    std::string text = whole.substr(0, i < whole.size() ? i : whole.size());
    if (i >= whole.size())
      text[random.below(static_cast<uint32_t>(text.size()))] = static_cast<char>(random.below(256));
    const Json body = parse_json(text);
    if (body.is_discarded()) continue;
    try {
      const Said<ChatAnswer> said = read_chat(body);
      EXPECT_EQ(read_chat(chat_json(said.answer)).answer.content, said.answer.content);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::remote);
    }
  }
}

TEST(LlmAnswer, OneThatNoStepCanUseIsAnErrorOfData) {
  const auto code = [](const std::string& text) { return code_of([&] { expect_text(read(text)); }); };
  EXPECT_EQ(code(message_of(R"({"content":"x"})")), ErrorCode::internal);  // none
  EXPECT_EQ(code(message_of(R"({"content":"x"})", "null")), ErrorCode::internal);
  EXPECT_EQ(code(message_of(R"({"content":"x"})", "\"length\"")), ErrorCode::internal);
  EXPECT_EQ(code(message_of(R"({"content":""})", "\"length\"")), ErrorCode::data);
  EXPECT_EQ(code(message_of(R"({"content":null,"refusal":"I cannot"})")), ErrorCode::data);
  EXPECT_EQ(code(message_of(R"({"content":"x"})", "\"content_filter\"")), ErrorCode::data);
  EXPECT_EQ(code(message_of(R"({"content":"x"})", "\"tool_calls\"")), ErrorCode::data);
  EXPECT_EQ(code(message_of(R"({"content":null,"tool_calls":[{"function":{"name":"f"}}]})")), ErrorCode::data);
  try {
    expect_whole_text(read(message_of(R"({"content":"x"})", "\"length\"")));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_NE(std::string(error.what()).find("truncated"), std::string::npos);
  }
}

TEST(LlmAnswer, WhatIsNotPassedOnCountsForTheEstimate) {
  const auto likely = [](const std::string& text) { return read_chat(parse_json(text)).likely_output_tokens; };
  EXPECT_EQ(likely(message_of(R"({"content":"12345678"})")), 2u);
  EXPECT_EQ(likely(message_of(R"({"content":"12345678","reasoning_content":"1234"})")), 3u);
  EXPECT_EQ(likely(message_of(R"({"content":null,"tool_calls":[{"function":{"name":"1234","arguments":"5678"}}]})")),
            2u);
}

TEST(Embeddings, ComeInTheOrderOfTheInputs) {
  const Json answer = parse_json(R"({"data":[{"index":1,"embedding":[3,4.5]},{"index":0,"embedding":[1,-2]}],
                                     "usage":{"prompt_tokens":7,"total_tokens":7}})");
  Said<EmbeddingAnswer> said = read_embeddings(answer, 2, 0);
  EXPECT_EQ(said.answer.vectors, (std::vector<std::vector<float>>{{1, -2}, {3, 4.5}}));
  EXPECT_EQ(said.usage->input_tokens, 7u);
  said.answer.usage = *said.usage;
  said.answer.vectors[0][0] = 0.1f;
  const Json kept = embeddings_json(said.answer);
  EXPECT_EQ(read_embeddings(kept, 2, 2).answer.vectors, said.answer.vectors);
}

TEST(Embeddings, ThatAreNotWhatWasAskedForAreRefused) {
  const auto code = [](const char* data, size_t n, size_t dimensions) {
    return code_of([&] { read_embeddings(parse_json(std::string(R"({"data":)") + data + "}"), n, dimensions); });
  };
  EXPECT_EQ(code("[]", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code("3", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"embedding":[1]}])", 1, 2), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"embedding":[]}])", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"embedding":[1]},{"embedding":[1,2]}])", 2, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}])", 2, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"index":5,"embedding":[1]}])", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"index":-1,"embedding":[1]}])", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"index":"a","embedding":[1]}])", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"embedding":["a"]}])", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"embedding":[1e300]}])", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"embedding":"AAAAf"}])", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"embedding":"AAAAfwAA"}])", 1, 0), ErrorCode::remote);
  EXPECT_EQ(code(R"([{"embedding":"AACAfw=="}])", 1, 0), ErrorCode::remote);  // infinity
  EXPECT_EQ(code(R"([{"embedding":"AACAPw=="}])", 1, 0), ErrorCode::internal);
}

TEST(Images, AreTakenAsBytesOrByTheirPlace) {
  const std::string png = std::string("\x89PNG\r\n\x1A\n", 8) + "rest";
  const Said<ImageSource> here = read_image({{"data", {{{"b64_json", base64(png)}}}}});
  EXPECT_EQ(here.answer.image.bytes, png);
  EXPECT_EQ(here.answer.image.media_type, "image/png");
  EXPECT_EQ(read_image(image_json(here.answer.image)).answer.image.bytes, png);
  EXPECT_EQ(read_image({{"data", {{{"url", "http://x/y.png"}}}}}).answer.url, "http://x/y.png");
  for (const char* text : {"{}", R"({"data":[]})", R"({"data":[3]})", R"({"data":[{"b64_json":"*"}]})",
                           R"({"data":[{"b64_json":"AAAA"}]})", R"({"data":[{"url":""}]})"}) {
    EXPECT_EQ(code_of([&] { read_image(parse_json(text)); }), ErrorCode::remote) << text;
  }
}

TEST(Images, AreKnownByTheirFirstBytes) {
  EXPECT_EQ(image_media_type("\xFF\xD8\xFF\xE0"), "image/jpeg");
  EXPECT_EQ(image_media_type("GIF89a..."), "image/gif");
  EXPECT_EQ(image_media_type("RIFF????WEBPVP8 "), "image/webp");
  EXPECT_EQ(image_media_type("RIFF"), "");
  EXPECT_EQ(image_media_type("\n<svg xmlns='x'/>"), "image/svg+xml");
  EXPECT_EQ(image_media_type("<?xml version='1.0'?>\n<svg/>"), "image/svg+xml");
  EXPECT_EQ(image_media_type("<?xml version='1.0'?><html/>"), "");
  EXPECT_EQ(image_media_type(""), "");
}

TEST(Base64, ComesBackAsItWasWritten) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_decoded("Zg"), "f");
  EXPECT_EQ(base64_decoded("Zm9v\r\nYmFy"), "foobar");
  Random random(5);
  for (size_t size = 0; size < 100; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(random.below(256));
    EXPECT_EQ(base64_decoded(base64(bytes)), bytes);
  }
  for (const char* text : {"A", "A===", "Zg=", "Zg===", "=Zg=", "Z g=", "Zm9v====", "Zg==Zg=="}) {
    EXPECT_FALSE(base64_decoded(text)) << text;
  }
}

}  // namespace
}  // namespace coppice
