// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_structured.h"

#include <gtest/gtest.h>

#include <chrono>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/json_schema.h"

namespace coppice {
namespace {

using Json = nlohmann::json;
using enum StructuredOutput;

Json point_schema() {
  return parse_json(R"({"type":"object","properties":{"x":{"type":"integer"}},"required":["x"],
                        "additionalProperties":false})");
}

StructuredReading read(const std::string& answer) {
  return read_structured(answer, JsonSchema(point_schema()));
}

TEST(StructuredAnswer, IsFoundWhereverModelsPutIt) {
  for (const char* answer :
       {R"({"x":1})", " \n{\"x\":1}\r\n", "```json\n{\"x\":1}\n```",
        "Here you are:\n```\n{\"x\": 1}\n```\nAnything else?", R"(The answer is {"x":1}. Bye {now}!)",
        "<think>{\"x\":7} or {\"x\":8}?</think>\n{\"x\":1}", "so {\"x\":7}, no</think>{\"x\":1}",
        R"(As in [1] and [2], {"x":1})", R"({"x":1} {"x":1})", "```json\n{\"x\":1}\n```\n```json\n{\"y\":1}\n```",
        R"({{"x":1}})"}) {
    const StructuredReading reading = read(answer);
    ASSERT_TRUE(reading.value) << answer << ": " << reading.fault;
    EXPECT_EQ(*reading.value, Json({{"x", 1}})) << answer;
    EXPECT_EQ(reading.fault, "");
  }
}

TEST(StructuredAnswer, WhatIsNotOneValidValueIsNone) {
  for (const char* answer : {"", "   ", "hello", R"({"x":"a"})", R"({"y":1})", R"({"x":1)", R"({"x":1}{"x":2})",
                             R"({"x":1,"x":2})", R"([{"x":1}])", "```json\n{\"x\":1}\n```\n```\n{\"x\":2}\n```", "null",
                             "<think>{\"x\":1}</think>", R"("{\"x\":1}")", "{\"x\":1\xFF}"}) {
    const StructuredReading reading = read(answer);
    EXPECT_FALSE(reading.value) << answer;
    EXPECT_FALSE(reading.fault.empty()) << answer;
  }
}

TEST(StructuredAnswer, SaysWhetherAnythingInItWasJson) {
  EXPECT_FALSE(read("hello").has_json);
  EXPECT_FALSE(read("").has_json);
  EXPECT_TRUE(read(R"({"y":1})").has_json);
}

TEST(StructuredAnswer, IsReadInLinearTime) {
  const auto begin = std::chrono::steady_clock::now();
  for (const char* piece : {"{", "[", "{\"a\":", "```\n", "``` ", "{}", "\"{", "{x ", "</think>{"}) {
    std::string answer;
    while (answer.size() < 200'000) answer += piece;
    EXPECT_FALSE(read(answer).value);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Ladder, GoesDownFromWhereItBegins) {
  const Json schema = point_schema();
  EXPECT_EQ(ladder(automatic, schema), (std::vector{json_schema, json_object, grammar, prompt}));
  EXPECT_EQ(ladder(json_object, schema), (std::vector{json_object, grammar, prompt}));
  EXPECT_EQ(ladder(prompt, schema), (std::vector{prompt}));
  const Json no_grammar = parse_json(R"({"not":{"type":"string"}})");
  EXPECT_EQ(ladder(automatic, no_grammar), (std::vector{json_schema, json_object, prompt}));
  EXPECT_EQ(ladder(grammar, no_grammar), (std::vector{prompt}));
}

TEST(RepairRequest, ShowsTheAnswerItsFaultsAndTheSchema) {
  ChatRequest request;
  request.messages = {{"user", "Where?"}};
  request.schema = point_schema();
  const ChatRequest repair = repair_request(request, R"({"y":1})", "'x' is missing");
  ASSERT_EQ(repair.messages.size(), 3u);
  EXPECT_EQ(repair.messages[1].role, "assistant");
  EXPECT_EQ(repair.messages[1].content, R"({"y":1})");
  EXPECT_EQ(repair.messages[2].role, "user");
  EXPECT_NE(repair.messages[2].content.find("'x' is missing"), std::string::npos);
  EXPECT_NE(repair.messages[2].content.find(request.schema.dump()), std::string::npos);
  EXPECT_EQ(repair_request(request, " ", "empty").messages[1].content, "(nothing)");
  const std::string huge = std::string((16 << 10) - 1, 'a') + "\xC3\xA9 and more";
  EXPECT_EQ(repair_request(request, huge, "long").messages[1].content, std::string((16 << 10) - 1, 'a'));
}

}  // namespace
}  // namespace coppice
