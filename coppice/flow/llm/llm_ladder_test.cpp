// SPDX-License-Identifier: Apache-2.0
//
// Answers that have to follow a schema, from servers that do as they like.
#include <gtest/gtest.h>

#include "coppice/flow/llm/llm_fixture.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr const char* kNoFormat = R"({"error":{"message":"response_format is not supported","code":"unsupported"}})";
constexpr const char* kGood = R"({"x":1})";

class LlmLadder : public ::testing::Test {
 protected:
  ChatRequest request() const {
    ChatRequest request = bench.request();
    request.schema = parse_json(R"({"type":"object","properties":{"x":{"type":"integer"}},"required":["x"],
                                    "additionalProperties":false})");
    return request;
  }
  /// In which way the schema was sent.
  std::string way(size_t i) const {
    const Json body = bench.sender.body(i);
    if (body.contains("grammar")) return "grammar";
    return body.contains("response_format") ? body["response_format"]["type"].get<std::string>() : "prompt";
  }

  LlmBench bench;
};

TEST_F(LlmLadder, AValidAnswerIsTaken) {
  bench.sender.answer(chat_text(kGood));
  const ChatAnswer answer = bench.chat(request());
  EXPECT_EQ(answer.value, Json({{"x", 1}}));
  EXPECT_EQ(answer.content, kGood);
  EXPECT_EQ(way(0), "json_schema");
  EXPECT_EQ(bench.recorder.outcomes.size(), 1u);
}

TEST_F(LlmLadder, AServerThatRefusesAWayGetsTheNextOne) {
  bench.sender.answer(kNoFormat, 400);
  bench.sender.answer(kNoFormat, 422);
  bench.sender.answer(R"({"error":{"message":"unknown argument: grammar"}})", 400);
  bench.sender.answer(chat_text(kGood));
  EXPECT_EQ(bench.chat(request()).value["x"], 1);
  EXPECT_EQ(way(0) + way(1) + way(2) + way(3), "json_schemajson_objectgrammarprompt");
  ASSERT_EQ(bench.recorder.intents.size(), 4u);
  for (uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(bench.recorder.intents[i].call, 1u);
    EXPECT_EQ(bench.recorder.intents[i].attempt, i + 1);  // no two have the same number
    EXPECT_EQ(bench.recorder.intents[i].request_hash, bench.recorder.intents[0].request_hash);
    EXPECT_EQ(bench.recorder.outcomes[i].cost > Money{}, i == 3);
  }
  bench.sender.answer(chat_text(kGood));
  bench.chat(request());  // has learned
  EXPECT_EQ(way(4), "prompt");
  ChatRequest other = request();
  other.schema["properties"]["x"]["type"] = "number";  // the fault may have been that schema's
  bench.sender.answer(chat_text(kGood));
  bench.chat(other);
  EXPECT_EQ(way(5), "json_schema");
}

TEST_F(LlmLadder, RefusalsForOtherReasonsEndIt) {
  bench.sender.answer(R"({"error":{"message":"maximum context length is 10 tokens"}})", 400);
  EXPECT_NE(bench.fault(request()).find("maximum context"), std::string::npos);
  bench.sender.answer(kNoFormat, 401);
  EXPECT_NE(bench.fault(request()), "");
  bench.endpoint.structured_output = StructuredOutput::prompt;
  bench.sender.answer(kNoFormat, 400);
  EXPECT_NE(bench.fault(request()).find("response_format is not supported"), std::string::npos);
  EXPECT_EQ(bench.sender.requests.size(), 3u);
}

TEST_F(LlmLadder, TheEndpointSaysWhereItBegins) {
  for (const auto& [from, expected] :
       std::vector<std::pair<StructuredOutput, std::string>>{{StructuredOutput::json_schema, "json_schema"},
                                                             {StructuredOutput::json_object, "json_object"},
                                                             {StructuredOutput::grammar, "grammar"},
                                                             {StructuredOutput::prompt, "prompt"}}) {
    bench.endpoint.structured_output = from;
    bench.sender.answer(chat_text(kGood));
    bench.chat(request());
    EXPECT_EQ(way(bench.sender.requests.size() - 1), expected);
  }
  ChatRequest other = request();
  other.schema["not"] = {{"type", "string"}};
  bench.endpoint.structured_output = StructuredOutput::grammar;  // which cannot say that
  bench.sender.answer(chat_text(kGood));
  bench.chat(other);
  EXPECT_EQ(way(bench.sender.requests.size() - 1), "prompt");
}

TEST_F(LlmLadder, AnInvalidAnswerIsRepairedOnceWithItsFaultsNamed) {
  bench.sender.answer(chat_text(R"({"x":"one"})"));
  bench.sender.answer(chat_text(kGood));
  const ChatAnswer answer = bench.chat(request());
  EXPECT_EQ(answer.value["x"], 1);
  EXPECT_EQ(answer.usage.output_tokens, 4u);  // of both
  ASSERT_EQ(bench.recorder.intents.size(), 2u);
  EXPECT_EQ(bench.recorder.intents[1].call, 2u);
  EXPECT_EQ(bench.recorder.intents[1].attempt, 1u);
  const Json messages = bench.sender.body(1)["messages"];
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[1]["content"], R"({"x":"one"})");
  EXPECT_NE(messages[2]["content"].get<std::string>().find("/x"), std::string::npos);
  EXPECT_EQ(way(1), "json_schema");  // it was kept to, if badly
  EXPECT_TRUE(bench.recorder.outcomes[0].was_answered);
}

TEST_F(LlmLadder, WhatIsStillInvalidFails) {
  bench.sender.answer(chat_text("hello"));
  bench.sender.answer(chat_text(R"({"y":2})"));
  const std::string fault = bench.fault(request());
  EXPECT_EQ(fault.substr(0, 5), "data:");
  EXPECT_EQ(fault.find("truncated"), std::string::npos);
  EXPECT_NE(fault.find("'x' is missing"), std::string::npos) << fault;
  EXPECT_EQ(bench.sender.requests.size(), 2u);
}

TEST_F(LlmLadder, AServerThatPassesOverAWayInSilenceGetsTheNextOneForTheRepair) {
  bench.sender.answer(chat_text("Hello there!"));
  bench.sender.answer(chat_text(kGood));
  EXPECT_EQ(bench.chat(request()).value["x"], 1);
  EXPECT_EQ(way(0) + way(1), "json_schemajson_object");
  bench.sender.answer(chat_text(kGood));
  bench.chat(request());
  EXPECT_EQ(way(2), "json_object");
}

TEST_F(LlmLadder, WhatIsCutAtItsLimitIsTruncatedAndNotRepaired) {
  bench.sender.answer(chat_text(R"({"x":)", "length"));
  const std::string fault = bench.fault(request());
  EXPECT_EQ(fault.substr(0, 5), "data:");
  EXPECT_NE(fault.find("truncated after 2 tokens"), std::string::npos);
  EXPECT_NE(fault.find("max_output_tokens"), std::string::npos);
  EXPECT_EQ(bench.sender.requests.size(), 1u);
  bench.sender.answer(chat_text("{}"));
  bench.sender.answer(chat_text(R"({"x":)", "length"));
  EXPECT_NE(bench.fault(request()).find("truncated"), std::string::npos);
}

TEST_F(LlmLadder, ARefusalIsNotRepaired) {
  bench.sender.answer(R"({"choices":[{"message":{"content":null,"refusal":"I cannot"},"finish_reason":"stop"}]})");
  EXPECT_EQ(bench.fault(request()), "data: the model refused: I cannot");
  EXPECT_EQ(bench.sender.requests.size(), 1u);
}

TEST_F(LlmLadder, ASchemaThatIsNoneCostsNothing) {
  ChatRequest bad = request();
  bad.schema = 3;
  EXPECT_EQ(bench.fault(bad).substr(0, 6), "usage:");
  EXPECT_TRUE(bench.recorder.intents.empty());
}

TEST_F(LlmLadder, AStreamedAnswerIsHeldToItToo) {
  ChatRequest streamed = request();
  streamed.stream = true;
  LlmCall call = bench.call();
  std::string shown;
  call.on_text = [&](std::string_view text) { shown += text; };
  bench.sender.answer(chat_stream("{}"));
  bench.sender.answer(chat_stream(kGood));
  EXPECT_EQ(bench.chat(streamed, call).value["x"], 1);
  EXPECT_EQ(shown, "{}");  // of the repair nothing: it would stand behind what it replaces
}

TEST_F(LlmLadder, IsReplayedWholeFromWhatIsRecorded) {
  bench.sender.answer(kNoFormat, 400);
  bench.sender.answer(chat_text("hello"));
  bench.sender.answer(kNoFormat, 400);
  bench.sender.answer(chat_text(kGood));
  const ChatAnswer first = bench.chat(request());
  const size_t sent = bench.sender.requests.size();
  bench.recorder.keep_answers();
  LlmClient another(bench.sender);  // has learned nothing
  const ChatAnswer again = bench.loop.run(another.chat(request(), bench.call()));
  EXPECT_EQ(bench.sender.requests.size(), sent);
  EXPECT_EQ(again.value, first.value);
  EXPECT_EQ(again.content, first.content);
  EXPECT_EQ(again.usage.output_tokens, first.usage.output_tokens);
}

TEST_F(LlmLadder, CallsSideBySideGoDownOneStepTogether) {
  // Both fail on the first way before either has learned.
  LlmClient client(bench.sender);
  for (int i = 0; i < 2; ++i) bench.sender.answer(kNoFormat, 400);
  for (int i = 0; i < 2; ++i) bench.sender.answer(chat_text(kGood));
  int done = 0;
  bool is_done = false;
  for (int i = 0; i < 2; ++i) {
    boost::asio::co_spawn(bench.loop.context, client.chat(request(), bench.call()),
                          [&](std::exception_ptr error, ChatAnswer) {
                            EXPECT_FALSE(error);
                            is_done = ++done == 2;
                          });
  }
  bench.loop.run_until(is_done);
  for (size_t i = 2; i < 4; ++i) EXPECT_EQ(way(i), "json_object");
}

}  // namespace
}  // namespace coppice
