// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "coppice/flow/llm/llm_fixture.h"
#include "coppice/flow/llm/llm_request.h"
#include "coppice/http/base64.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

TEST(LlmClient, SendsARequestAndReadsItsAnswer) {
  LlmBench bench;
  bench.sender.answer(chat_text("Hello!"));
  const ChatAnswer answer = bench.chat(bench.request());
  EXPECT_EQ(answer.content, "Hello!");
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_EQ(answer.model, "m-2");
  EXPECT_EQ(answer.usage.input_tokens, 9u);
  EXPECT_EQ(answer.usage.output_tokens, 2u);
  EXPECT_FALSE(answer.usage.is_estimated);
  ASSERT_EQ(bench.sender.requests.size(), 1u);
  const HttpRequest& request = bench.sender.requests[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "http://127.0.0.1:1/v1/chat/completions");
  EXPECT_EQ(request.headers.find("content-type"), "application/json");
  EXPECT_FALSE(request.headers.find("authorization"));
  EXPECT_EQ(bench.sender.body(0)["max_completion_tokens"], 50);
}

TEST(LlmClient, AnnouncesTheWorstCaseAndSettlesWhatItWas) {
  LlmBench bench;
  bench.sender.answer(chat_text("Hello!"));
  bench.chat(bench.request());
  ASSERT_EQ(bench.recorder.intents.size(), 1u);
  const CallIntent& intent = bench.recorder.intents[0];
  EXPECT_EQ(intent.call, 1u);
  EXPECT_EQ(intent.attempt, 1u);
  EXPECT_EQ(intent.endpoint, "local");
  EXPECT_EQ(intent.model, "m-1");
  EXPECT_EQ(intent.request_hash, request_hash(bench.endpoint.url, kChatPath, bench.sender.body(0)));
  EXPECT_GE(intent.most_input_tokens, std::string("Say hello.").size());
  EXPECT_EQ(intent.most_output_tokens, 50u);
  EXPECT_EQ(intent.most, times(Money{100}, intent.most_input_tokens) + times(Money{1'000}, 50));
  ASSERT_EQ(bench.recorder.outcomes.size(), 1u);
  const CallOutcome& outcome = bench.recorder.outcomes[0];
  EXPECT_TRUE(outcome.was_answered);
  EXPECT_EQ(outcome.cost, (Money{9 * 100 + 2 * 1'000}));
  EXPECT_LE(outcome.cost, intent.most);
  EXPECT_EQ(parse_json(outcome.answer)["choices"][0]["message"]["content"], "Hello!");
}

TEST(LlmClient, TheWorstCaseHasTheTablesLimitOrTheCallers) {
  LlmBench bench;
  ChatRequest request = bench.request();
  request.max_output_tokens = 0;
  bench.sender.answer(chat_text("a"));
  bench.chat(request);
  bench.price->max_output_tokens = 4'096;
  bench.sender.answer(chat_text("a"));
  bench.chat(request);
  LlmCall call = bench.call();
  call.price.reset();
  call.most_output_tokens = 77;
  bench.sender.answer(chat_text("a"));
  bench.chat(request, call);
  EXPECT_EQ(bench.recorder.intents[0].most_output_tokens, 32'768u);
  EXPECT_EQ(bench.recorder.intents[1].most_output_tokens, 4'096u);
  EXPECT_EQ(bench.recorder.intents[2].most_output_tokens, 77u);
  EXPECT_EQ(bench.recorder.intents[2].most, Money{});
  EXPECT_FALSE(bench.sender.body(2).contains("max_completion_tokens"));
}

TEST(LlmClient, WhereMoneyIsShortNothingIsSent) {
  LlmBench bench;
  bench.recorder.budget = Money{10};
  EXPECT_EQ(bench.fault(bench.request()), "budget: too little is left");
  EXPECT_TRUE(bench.sender.requests.empty());
  EXPECT_TRUE(bench.recorder.outcomes.empty());
}

TEST(LlmClient, AStreamBillsAsAPlainAnswerDoes) {
  for (const char* usage :
       {R"({"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}})", "",
        R"({"prompt_tokens":-9,"completion_tokens":2})", R"({"prompt_tokens":0,"completion_tokens":0})",
        R"({"prompt_tokens":9,"completion_tokens":99999999})"}) {
    LlmBench bench;
    bench.sender.answer(chat_text("Hello, you!", "stop", usage));
    bench.sender.answer(chat_stream("Hello, you!", "stop", usage));
    ChatRequest request = bench.request();
    const ChatAnswer plain = bench.chat(request);
    request.stream = true;
    LlmCall call = bench.call();
    std::string shown;
    call.on_text = [&](std::string_view text) { shown += text; };
    const ChatAnswer streamed = bench.chat(request, call);
    EXPECT_EQ(shown, "Hello, you!");
    EXPECT_EQ(streamed.content, plain.content);
    EXPECT_EQ(bench.recorder.outcomes[0].cost, bench.recorder.outcomes[1].cost);
    EXPECT_GT(bench.recorder.outcomes[0].cost, Money{});
    EXPECT_EQ(bench.recorder.outcomes[0].usage.is_estimated, bench.recorder.outcomes[1].usage.is_estimated);
    const bool is_sound = std::string_view(usage).find("cached") != std::string_view::npos;
    EXPECT_EQ(plain.usage.is_estimated, !is_sound) << usage;
    EXPECT_EQ(bench.sender.body(1)["stream_options"]["include_usage"], true);
    EXPECT_EQ(bench.recorder.intents[0].request_hash, bench.recorder.intents[1].request_hash);
    EXPECT_GT(streamed.first_token_seconds, 0);
    EXPECT_LE(streamed.first_token_seconds, streamed.seconds);
  }
}

TEST(LlmClient, UsageThatTheServerDoesNotSayIsEstimated) {
  LlmBench bench;
  bench.sender.answer(chat_text("12345678", "stop", ""));
  const ChatAnswer answer = bench.chat(bench.request());
  EXPECT_TRUE(answer.usage.is_estimated);
  EXPECT_EQ(answer.usage.output_tokens, 2u);
  EXPECT_LT(answer.usage.input_tokens, bench.recorder.intents[0].most_input_tokens);
  EXPECT_EQ(parse_json(bench.recorder.outcomes[0].answer)["usage"]["estimated"], true);
}

TEST(LlmClient, AnAnswerThatIsRecordedIsNotAskedForAgain) {
  LlmBench bench;
  bench.sender.answer(chat_text("H\xC3\xA9llo\n\"you\"!"));
  const ChatAnswer first = bench.chat(bench.request());
  bench.recorder.keep_answers();
  const ChatAnswer second = bench.chat(bench.request());
  EXPECT_EQ(bench.sender.requests.size(), 1u);
  EXPECT_EQ(bench.recorder.intents.size(), 1u);
  EXPECT_EQ(second.content, first.content);
  EXPECT_EQ(second.finish_reason, first.finish_reason);
  EXPECT_EQ(second.usage.input_tokens, first.usage.input_tokens);
  EXPECT_EQ(second.seconds, first.seconds);
  ChatRequest as_stream = bench.request();
  as_stream.stream = true;
  EXPECT_EQ(bench.chat(as_stream).content, first.content);
  LlmCall later = bench.call();
  later.first_call = 2;  // another call of the step is another answer
  bench.sender.answer(chat_text("Hi!"));
  EXPECT_EQ(bench.chat(bench.request(), later).content, "Hi!");
  bench.recorder.answers.begin()->second = "[]";
  EXPECT_EQ(bench.fault(bench.request()).substr(0, 5), "data:");
}

TEST(LlmClient, AnAnswerThatNoStepCanUseIsBilledAndAnError) {
  LlmBench bench;
  bench.sender.answer(chat_text("", "length"));
  EXPECT_NE(bench.fault(bench.request()).find("truncated"), std::string::npos);
  bench.sender.answer(chat_text("half an ans", "length"));
  EXPECT_EQ(bench.chat(bench.request()).finish_reason, "length");
  bench.sender.answer(R"({"choices":[{"message":{"content":null,"refusal":"I cannot"},"finish_reason":"stop"}]})");
  EXPECT_EQ(bench.fault(bench.request()), "data: the model refused: I cannot");
  bench.sender.answer(chat_text("x", "content_filter"));
  EXPECT_NE(bench.fault(bench.request()).find("filter"), std::string::npos);
  bench.sender.answer(
      R"({"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"f"}}]},"finish_reason":"tool_calls"}]})");
  EXPECT_NE(bench.fault(bench.request()).find("called a tool"), std::string::npos);
  for (const CallOutcome& outcome : bench.recorder.outcomes) {
    EXPECT_TRUE(outcome.was_answered);
    EXPECT_GT(outcome.cost, Money{});
  }
}

TEST(LlmClient, GetsEmbeddings) {
  LlmBench bench;
  bench.sender.answer(R"({"data":[{"index":0,"embedding":[0.25,-1]},{"index":1,"embedding":[1,2]}],
                          "usage":{"prompt_tokens":4,"total_tokens":4}})");
  EmbeddingRequest request("e-1", {"one", "two"});
  request.dimensions = 2;
  const EmbeddingAnswer answer = bench.loop.run(bench.client.embed(request, bench.call()));
  EXPECT_EQ(answer.vectors, (std::vector<std::vector<float>>{{0.25, -1}, {1, 2}}));
  EXPECT_EQ(answer.usage.input_tokens, 4u);
  EXPECT_EQ(bench.sender.requests[0].target, "http://127.0.0.1:1/v1/embeddings");
  EXPECT_EQ(bench.sender.body(0)["dimensions"], 2);
  EXPECT_EQ(bench.recorder.intents[0].most_output_tokens, 0u);
  EXPECT_EQ(bench.recorder.outcomes[0].cost, Money{400});
  bench.recorder.keep_answers();
  EXPECT_EQ(bench.loop.run(bench.client.embed(request, bench.call())).vectors, answer.vectors);
  EXPECT_EQ(bench.sender.requests.size(), 1u);
  request.inputs.clear();
  EXPECT_TRUE(bench.loop.run(bench.client.embed(request, bench.call())).vectors.empty());
  request.inputs = {"one"};
  bench.sender.answer(R"({"data":[]})");
  EXPECT_THROW(bench.loop.run(bench.client.embed(request, bench.call())), Error);
  EXPECT_GT(bench.recorder.outcomes[1].cost, Money{});
  EXPECT_FALSE(bench.recorder.outcomes[1].was_answered);
}

const std::string kPng("\x89PNG\r\n\x1A\n and so on", 18);

TEST(LlmClient, GetsImages) {
  LlmBench bench;
  bench.price->image = Money{40'000};
  bench.sender.answer(Json{{"data", {{{"b64_json", base64(kPng)}}}}}.dump());
  const ImageRequest request("i-1", "a fox", "64x64");
  const ImageAnswer answer = bench.loop.run(bench.client.image(request, bench.call()));
  EXPECT_EQ(answer.bytes, kPng);
  EXPECT_EQ(answer.media_type, "image/png");
  EXPECT_EQ(answer.usage.images, 1u);
  EXPECT_EQ(bench.sender.requests[0].target, "http://127.0.0.1:1/v1/images/generations");
  EXPECT_GE(bench.recorder.intents[0].most, Money{40'000});
  EXPECT_EQ(bench.recorder.intents[0].most_output_tokens, 0u);
  EXPECT_GE(bench.recorder.outcomes[0].cost, Money{40'000});
  EXPECT_LE(bench.recorder.outcomes[0].cost, bench.recorder.intents[0].most);
  bench.recorder.keep_answers();
  EXPECT_EQ(bench.loop.run(bench.client.image(request, bench.call())).bytes, kPng);
  EXPECT_EQ(bench.sender.requests.size(), 1u);
}

TEST(LlmClient, AnImageBehindAUrlIsFetchedWithoutTheKey) {
  LlmBench bench;
  ::setenv("COPPICE_TEST_KEY", "sk-0123456789abcdef", 1);
  bench.endpoint.key_variable = "COPPICE_TEST_KEY";
  bench.sender.answer(R"({"data":[{"url":"http://127.0.0.1:2/a.png"}]})");
  bench.sender.answer("busy", 503);
  bench.sender.answer(kPng);
  const ImageRequest request("i-1", "a fox");
  EXPECT_EQ(bench.loop.run(bench.client.image(request, bench.call())).bytes, kPng);
  ASSERT_EQ(bench.sender.requests.size(), 3u);
  EXPECT_TRUE(bench.sender.requests[0].headers.find("authorization"));
  EXPECT_EQ(bench.sender.requests[2].method, "GET");
  EXPECT_EQ(bench.sender.requests[2].target, "http://127.0.0.1:2/a.png");
  EXPECT_FALSE(bench.sender.requests[2].headers.find("authorization"));
  bench.recorder.keep_answers();  // with the bytes: the URL does not last
  EXPECT_EQ(bench.loop.run(bench.client.image(request, bench.call())).bytes, kPng);

  bench.recorder.answers.clear();
  bench.sender.answer(R"({"data":[{"url":"data:image/png;base64,)" + base64(kPng) + "\"}]}");
  EXPECT_EQ(bench.loop.run(bench.client.image(request, bench.call())).bytes, kPng);
  bench.sender.answer(R"({"data":[{"url":"http://127.0.0.1:2/a.png"}]})");
  bench.sender.answer("gone", 404);
  EXPECT_THROW(bench.loop.run(bench.client.image(request, bench.call())), Error);
  EXPECT_FALSE(bench.recorder.outcomes.back().was_answered);
  EXPECT_EQ(bench.recorder.outcomes.back().usage.images, 1u);  // it has been made, and is billed
}

TEST(LlmClient, WhatIsFetchedInThePlaceOfAnImageIsRefused) {
  LlmBench bench;
  bench.sender.answer(R"({"data":[{"url":"http://127.0.0.1:2/a.png"}]})");
  bench.sender.answer("<html>");
  EXPECT_THROW(bench.loop.run(bench.client.image({"i-1", "a fox"}, bench.call())), Error);
  EXPECT_FALSE(bench.recorder.outcomes.back().was_answered);
}

}  // namespace
}  // namespace coppice
