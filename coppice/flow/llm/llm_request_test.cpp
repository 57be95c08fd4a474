// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_request.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/llm/token_estimate.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

ChatRequest small_request() {
  ChatRequest request;
  request.model = "small-1";
  request.messages = {{"system", "Be short."}, {"user", "Say hello."}};
  return request;
}

Json body_of(const ChatRequest& request, StructuredOutput how = StructuredOutput::prompt) {
  return chat_body(request, Endpoint{}, how);
}

ErrorCode code_of(const ChatRequest& request) {
  try {
    body_of(request);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(LlmRequest, SaysWhatWasAskedForAndNoMore) {
  EXPECT_EQ(body_of(small_request()),
            parse_json(R"({"model":"small-1","messages":[{"role":"system","content":"Be short."},
                           {"role":"user","content":"Say hello."}]})"));
  ChatRequest request = small_request();
  request.max_output_tokens = 7;
  request.temperature = 0.0;
  request.top_p = 0.5;
  request.seed = 3;
  request.reasoning_effort = "low";
  request.stream = true;
  request.extra = {{"logit_bias", {{"5", -1}}}};
  const Json body = body_of(request);
  EXPECT_EQ(body["max_completion_tokens"], 7);
  EXPECT_EQ(body["temperature"], 0.0);
  EXPECT_EQ(body["top_p"], 0.5);
  EXPECT_EQ(body["seed"], 3);
  EXPECT_EQ(body["reasoning_effort"], "low");
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_EQ(body["logit_bias"]["5"], -1);
}

TEST(LlmRequest, TheEndpointNamesTheLimitAndWhetherStreamsSayUsage) {
  ChatRequest request = small_request();
  request.max_output_tokens = 7;
  request.stream = true;
  Endpoint endpoint;
  endpoint.max_tokens_name = "max_tokens";
  endpoint.usage_in_stream = false;
  const Json body = chat_body(request, endpoint, StructuredOutput::prompt);
  EXPECT_EQ(body["max_tokens"], 7);
  EXPECT_FALSE(body.contains("max_completion_tokens"));
  EXPECT_FALSE(body.contains("stream_options"));
}

TEST(LlmRequest, ExtraKeysSetNothingThatTheRequestOrItsBoundsRestOn) {
  for (const char* key :
       {"model", "messages", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens"}) {
    ChatRequest request = small_request();
    request.extra = {{key, 4}};
    EXPECT_EQ(code_of(request), ErrorCode::usage) << key;
  }
  ChatRequest request = small_request();
  request.extra = {{"temperature", 1}};
  EXPECT_EQ(body_of(request)["temperature"], 1);
  request.temperature = 0.5;
  EXPECT_EQ(code_of(request), ErrorCode::usage);
  request.extra = Json::array({1});
  EXPECT_EQ(code_of(request), ErrorCode::usage);
}

TEST(LlmRequest, OneWithoutModelOrMessagesIsRefused) {
  ChatRequest request = small_request();
  request.model.clear();
  EXPECT_EQ(code_of(request), ErrorCode::usage);
  request = small_request();
  request.messages.clear();
  EXPECT_EQ(code_of(request), ErrorCode::usage);
  EXPECT_THROW(embedding_body({}), Error);
  EXPECT_THROW(image_body({"m", ""}), Error);
}

TEST(LlmRequest, ASchemaIsSentInFourWays) {
  ChatRequest request = small_request();
  request.schema = {{"type", "object"}, {"properties", {{"a", {{"type", "integer"}}}}}};
  request.schema_name = "the answer's form";
  const Json strict = body_of(request, StructuredOutput::json_schema);
  EXPECT_EQ(strict["response_format"]["type"], "json_schema");
  EXPECT_EQ(strict["response_format"]["json_schema"]["strict"], true);
  EXPECT_EQ(strict["response_format"]["json_schema"]["name"], "the_answer_s_form");
  EXPECT_EQ(strict["response_format"]["json_schema"]["schema"], request.schema);
  EXPECT_EQ(strict["messages"].back()["content"], "Say hello.");

  const Json object = body_of(request, StructuredOutput::json_object);
  EXPECT_EQ(object["response_format"], (Json{{"type", "json_object"}, {"schema", request.schema}}));
  const Json grammar = body_of(request, StructuredOutput::grammar);
  EXPECT_TRUE(grammar["grammar"].get<std::string>().starts_with("root ::= "));
  const Json prompt = body_of(request, StructuredOutput::prompt);
  EXPECT_FALSE(prompt.contains("response_format"));
  for (const Json& body : {object, grammar, prompt}) {
    const auto text = body["messages"].back()["content"].get<std::string>();
    EXPECT_TRUE(text.starts_with("Say hello.\n\n")) << text;
    EXPECT_NE(text.find(request.schema.dump()), text.npos);
    EXPECT_NE(text.find("JSON"), text.npos);
  }
}

TEST(LlmRequest, TheHashIsOfAllThatDecidesTheAnswer) {
  ChatRequest request = small_request();
  const auto hash = [](const ChatRequest& of, const char* url = "http://a/v1", std::string_view path = kChatPath) {
    return request_hash(url, path, body_of(of));
  };
  const std::string first = hash(request);
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(first, hash(request));
  request.stream = true;
  EXPECT_EQ(first, hash(request));
  EXPECT_NE(first, hash(request, "http://b/v1"));
  EXPECT_NE(first, hash(request, "http://a/v1", kEmbeddingPath));
  request.seed = 1;
  EXPECT_NE(first, hash(request));
  request = small_request();
  request.messages[1].content += " ";
  EXPECT_NE(first, hash(request));
  EXPECT_EQ(request_hash("u", "p", parse_json(R"({"a":1,"b":2})")),
            request_hash("u", "p", parse_json(R"({"b":2,"a":1})")));
  // Journals hold these: a change of the hash makes runs pay again for what they have.
  EXPECT_EQ(request_hash("http://a/v1", "chat/completions", parse_json(R"({"model":"m"})")),
            "ff40ebbf6795cecd3bba50af453b0091");
}

TEST(LlmRequest, TextThatIsNoUtf8IsNamed) {
  ChatRequest request = small_request();
  request.messages[1].content = "caf\xE9";
  try {
    body_text(body_of(request));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_NE(std::string(error.what()).find("/messages/1/content"), std::string::npos) << error.what();
  }
}

TEST(LlmRequest, TheMostTokensBoundWhateverIsSent) {
  ChatRequest request = small_request();
  const uint64_t plain = most_input_tokens(body_of(request));
  EXPECT_GE(plain, most_tokens(request.messages));
  EXPECT_GE(plain, likely_input_tokens(body_of(request)));
  request.messages[1].content.append(1000, 'x');
  EXPECT_EQ(most_input_tokens(body_of(request)), plain + 1000);
  request.extra = {{"tools", Json::array({{{"type", "function"}, {"description", std::string(500, 'y')}}})}};
  EXPECT_GE(most_input_tokens(body_of(request)), plain + 1500);
  EXPECT_EQ(most_tokens("h\xC3\xA9"), 3u);
  EXPECT_EQ(likely_tokens(""), 0u);
  EXPECT_EQ(likely_tokens("a"), 1u);
  EXPECT_EQ(likely_tokens("abcdefgh"), 2u);
}

}  // namespace
}  // namespace coppice
