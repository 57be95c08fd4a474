// SPDX-License-Identifier: Apache-2.0
//
// What comes of calls that fail: what is tried again, what is charged, and what is said.
#include <gtest/gtest.h>

#include "coppice/flow/llm/llm_fixture.h"

namespace coppice {
namespace {

const Error kCutOff(ErrorCode::remote, "the connection broke before the end of the answer");
const Error kTimedOut(ErrorCode::timeout, "no answer by the deadline");
const RequestNotSent kRefused(ErrorCode::remote, "cannot connect: Connection refused");
constexpr const char* kBusy = R"({"error":{"message":"overloaded","code":"busy"}})";

Money worst(const ListingRecorder& recorder, size_t i) {
  return recorder.intents.at(i).most;
}

TEST(LlmFailures, AreTriedAgainAsTheOfficialClientsDo) {
  for (const int status : {408, 409, 429, 500, 502, 503}) {
    LlmBench bench;
    bench.sender.answer(kBusy, status);
    bench.sender.answer(kBusy, status);
    bench.sender.answer(chat_text("Hello!"));
    EXPECT_EQ(bench.chat(bench.request()).content, "Hello!") << status;
    ASSERT_EQ(bench.recorder.intents.size(), 3u);
    for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(bench.recorder.intents[i].attempt, i + 1);
    EXPECT_EQ(bench.recorder.outcomes[0].cost, Money{});
    EXPECT_FALSE(bench.recorder.outcomes[0].was_answered);
    EXPECT_EQ(parse_json(bench.recorder.outcomes[0].answer)["error"]["status"], status);
  }
}

TEST(LlmFailures, EndAfterTwoRetries) {
  LlmBench bench;
  for (int i = 0; i < 3; ++i) bench.sender.answer(kBusy, 503);
  EXPECT_EQ(bench.fault(bench.request()), "remote: got status 503 from 'local': overloaded (busy), after 3 tries");
  EXPECT_EQ(bench.recorder.outcomes.size(), 3u);
  EXPECT_TRUE(bench.sender.acts.empty());
}

TEST(LlmFailures, TellHowLongTheServerAsksToWait) {
  LlmBench bench;
  for (int i = 0; i < 3; ++i) bench.sender.answer(kBusy, 429, {{"retry-after-ms", "1"}});
  const std::string told = bench.fault(bench.request());
  EXPECT_NE(told.find("(busy), after 3 tries; the server asks for a wait of 0.1 seconds"), std::string::npos) << told;
  bench.endpoint.retry.max_retries = 0;
  for (const auto& [asked, words] : std::vector<std::pair<std::string, std::string>>{
           {"300", "(busy); the server asks for a wait of 300 seconds"}, {"soon", "(busy)"}, {"-1", "(busy)"}}) {
    bench.sender.answer(kBusy, 503, {{"Retry-After", asked}});
    EXPECT_EQ(bench.fault(bench.request()), "remote: got status 503 from 'local': overloaded " + words);
  }
}

TEST(LlmFailures, OfTheFormatAreKnownAsSuchAfterAllTries) {
  LlmBench bench;
  for (int i = 0; i < 3; ++i) bench.sender.answer(R"({"error":{"message":"no json schema here"}})", 500);
  bench.sender.answer(chat_text("{\"n\": 1}"));
  ChatRequest request = bench.request();
  request.schema = parse_json(R"({"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}})");
  EXPECT_EQ(bench.chat(request).value, parse_json(R"({"n":1})"));
}

TEST(LlmFailures, ThatWillNotPassAreNotTriedAgain) {
  for (const int status : {400, 401, 403, 404, 422, 302}) {
    LlmBench bench;
    bench.sender.answer(R"({"error":{"message":"no"}})", status);
    const std::string expected = "remote: got status " + std::to_string(status) + " from 'local': no";
    EXPECT_TRUE(bench.fault(bench.request()).starts_with(expected)) << status;
    EXPECT_EQ(bench.recorder.outcomes.size(), 1u);
    EXPECT_EQ(bench.recorder.outcomes[0].cost, Money{});
  }
  LlmBench bench;
  bench.sender.answer(R"({"error":{"message":"pay","code":"insufficient_quota"}})", 429);
  EXPECT_NE(bench.fault(bench.request()).find("no money left"), std::string::npos);
  bench.sender.answer(kBusy, 503, {{"x-should-retry", "false"}});
  EXPECT_NE(bench.fault(bench.request()), "");
  EXPECT_EQ(bench.recorder.outcomes.size(), 2u);
}

TEST(LlmFailures, WhatWasNotSentCostsNothing) {
  LlmBench bench;
  bench.sender.fail(kRefused);
  bench.sender.fail(RequestNotSent(ErrorCode::timeout, "no connection within 10 s"));
  bench.sender.fail(kRefused);
  EXPECT_EQ(bench.fault(bench.request()), "remote: cannot connect: Connection refused, after 3 tries");
  ASSERT_EQ(bench.recorder.outcomes.size(), 3u);
  for (const CallOutcome& outcome : bench.recorder.outcomes) {
    EXPECT_EQ(outcome.cost, Money{});
    EXPECT_EQ(outcome.usage.input_tokens, 0u);
    EXPECT_FALSE(outcome.was_answered);
  }
  bench.sender.fail(Error(ErrorCode::usage, "no URL"));
  EXPECT_EQ(bench.fault(bench.request()), "usage: no URL");
  bench.sender.fail(RequestNotSent(ErrorCode::data, "not in the cassette"));
  EXPECT_EQ(bench.fault(bench.request()), "data: not in the cassette");
  for (size_t i = 3; i < 5; ++i) EXPECT_EQ(bench.recorder.outcomes[i].cost, Money{});
}

TEST(LlmFailures, AnAnswerThatIsTooLongIsNotAskedForAgainAndMayHaveCostTheMost) {
  LlmBench bench;
  bench.sender.fail(Error(ErrorCode::data, "more than 64 MiB"));
  EXPECT_EQ(bench.fault(bench.request()), "data: more than 64 MiB");
  ASSERT_EQ(bench.recorder.outcomes.size(), 1u);
  EXPECT_EQ(bench.recorder.outcomes[0].cost, bench.recorder.intents[0].most);
  EXPECT_GT(bench.recorder.outcomes[0].cost, Money{});
}

TEST(LlmFailures, WhatWasSentAndNeverAnsweredCostsTheWorstCase) {
  LlmBench bench;
  bench.sender.fail(kCutOff);
  bench.sender.fail(kTimedOut);
  bench.sender.answer(chat_text("Hello!"));
  EXPECT_EQ(bench.chat(bench.request()).content, "Hello!");
  ASSERT_EQ(bench.recorder.outcomes.size(), 3u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(bench.recorder.outcomes[i].cost, worst(bench.recorder, i));
    EXPECT_GT(worst(bench.recorder, i), Money{});
    EXPECT_TRUE(bench.recorder.outcomes[i].usage.is_estimated);
  }
}

TEST(LlmFailures, AStreamThatBrokeOffCostsWhatCameAndIsNotTriedAgain) {
  const std::string whole = chat_stream("12345678");
  const std::string part = whole.substr(0, whole.find("finish_reason\":\"stop"));
  LlmBench bench;
  ChatRequest request = bench.request();
  request.stream = true;
  std::string shown;
  LlmCall call = bench.call();
  call.on_text = [&](std::string_view text) { shown += text; };
  bench.sender.fail(kCutOff, part);
  EXPECT_NE(bench.fault(request, call), "");
  EXPECT_EQ(shown, "12345678");
  ASSERT_EQ(bench.recorder.outcomes.size(), 1u);
  const CallOutcome& outcome = bench.recorder.outcomes[0];
  EXPECT_FALSE(outcome.was_answered);
  EXPECT_TRUE(outcome.usage.is_estimated);
  EXPECT_EQ(outcome.usage.output_tokens, 2u);
  EXPECT_GT(outcome.cost, Money{2'000});
  EXPECT_LT(outcome.cost, worst(bench.recorder, 0));

  bench.sender.answer(part);  // ends as if it were whole
  EXPECT_EQ(bench.fault(request), "remote: the stream ended before the answer did");
  bench.sender.fail(kCutOff, ": waiting\n\n");  // began, if without text
  EXPECT_NE(bench.fault(request), "");
  EXPECT_EQ(bench.recorder.outcomes.size(), 3u);
}

TEST(LlmFailures, AStreamThatHadNotBegunIsTriedAgain) {
  LlmBench bench;
  ChatRequest request = bench.request();
  request.stream = true;
  bench.sender.fail(kRefused);
  bench.sender.answer(kBusy, 503);
  bench.sender.answer(chat_stream("Hello!"));
  EXPECT_EQ(bench.chat(request).content, "Hello!");
}

TEST(LlmFailures, AnAnswerThatCameWholeIsKeptThoughTheConnectionBrokeAfterIt) {
  LlmBench bench;
  ChatRequest request = bench.request();
  request.stream = true;
  bench.sender.fail(kCutOff, chat_stream("Hello!"));
  EXPECT_EQ(bench.chat(request).content, "Hello!");
  EXPECT_TRUE(bench.recorder.outcomes[0].was_answered);
  bench.sender.fail(Error(ErrorCode::cancelled, "stopped on request"), chat_stream("Hello!"));
  EXPECT_EQ(bench.fault(request), "cancelled: stopped on request");
  EXPECT_EQ(bench.recorder.outcomes[1].cost, bench.recorder.outcomes[0].cost);  // the server had said its usage
}

TEST(LlmFailures, AnErrorInAStreamCostsWhatCameBeforeIt) {
  LlmBench bench;
  ChatRequest request = bench.request();
  request.stream = true;
  const std::string error = "data: " + std::string(kBusy) + "\n\n";
  bench.sender.answer(error);
  EXPECT_EQ(bench.fault(request), "remote: got an error in its answer from 'local': overloaded (busy)");
  EXPECT_EQ(bench.recorder.outcomes[0].cost, Money{});
  const std::string whole = chat_stream("12345678");
  bench.sender.answer(whole.substr(0, whole.find("\n\n") + 2) + error);
  EXPECT_NE(bench.fault(request), "");
  EXPECT_EQ(bench.recorder.outcomes[1].usage.output_tokens, 1u);
  bench.sender.answer("data: what?\n\n");
  EXPECT_NE(bench.fault(request).find("'what?'"), std::string::npos);
  EXPECT_EQ(bench.recorder.outcomes.size(), 3u);
}

TEST(LlmFailures, AnAnswerThatCannotBeReadIsChargedByItsLengthAndNotTriedAgain) {
  for (const char* body : {"<html>hello</html>", "{\"choices\":[]}", "[]", "", "{\"choices\":[{\"message\""}) {
    LlmBench bench;
    bench.sender.answer(body);
    EXPECT_EQ(bench.fault(bench.request()).substr(0, 7), "remote:") << body;
    ASSERT_EQ(bench.recorder.outcomes.size(), 1u);
    EXPECT_TRUE(bench.recorder.outcomes[0].usage.is_estimated || std::string(body) == "[]");
    EXPECT_LT(bench.recorder.outcomes[0].cost, worst(bench.recorder, 0));
  }
  LlmBench bench;
  bench.sender.answer(kBusy);  // with status 200
  EXPECT_NE(bench.fault(bench.request()).find("overloaded"), std::string::npos);
  ChatRequest streamed = bench.request();
  streamed.stream = true;
  bench.sender.answer(kBusy);  // in the place of a stream
  EXPECT_NE(bench.fault(streamed).find("overloaded"), std::string::npos);
  ASSERT_EQ(bench.recorder.outcomes.size(), 2u);
  for (const CallOutcome& outcome : bench.recorder.outcomes) EXPECT_EQ(outcome.cost, Money{});
}

TEST(LlmFailures, APageInThePlaceOfAStreamSaysToSeeToTheUrl) {
  LlmBench bench;
  ChatRequest request = bench.request();
  request.stream = true;
  bench.sender.answer("\n<!doctype html><p>hello");
  EXPECT_NE(bench.fault(request).find("that is no JSON\n  hint: see to the endpoint's URL"), std::string::npos);
  ASSERT_EQ(bench.recorder.outcomes.size(), 1u);
  EXPECT_TRUE(bench.recorder.outcomes[0].usage.is_estimated);
  EXPECT_LT(bench.recorder.outcomes[0].cost, worst(bench.recorder, 0));
}

TEST(LlmFailures, WhatACallerThrowsWhileTextIsShownIsSettledAndComesOut) {
  LlmBench bench;
  ChatRequest request = bench.request();
  request.stream = true;
  LlmCall call = bench.call();
  call.on_text = [](std::string_view) { throw std::runtime_error("no room"); };
  bench.sender.answer(chat_stream("Hello!"));
  EXPECT_THROW(bench.chat(request, call), std::runtime_error);
  ASSERT_EQ(bench.recorder.outcomes.size(), 1u);
  EXPECT_GT(bench.recorder.outcomes[0].cost, Money{});
}

TEST(LlmFailures, AreNotTriedAgainPastTheDeadlineOrACancellation) {
  LlmBench bench;
  bench.endpoint.retry.first_delay = std::chrono::hours(1);
  bench.endpoint.retry.longest_delay = std::chrono::hours(1);
  LlmCall call = bench.call();
  call.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  bench.sender.answer(kBusy, 503);
  EXPECT_NE(bench.fault(bench.request(), call).find("503"), std::string::npos);

  Cancellation cancellation;
  call.deadline = std::chrono::steady_clock::time_point::max();
  call.cancellation = &cancellation;
  bench.sender.acts.push_back([&](HttpCall&) {
    bench.loop.context.post([&] { cancellation.cancel(); });  // while it waits for its retry
    return HttpResponse{503, {}, kBusy};
  });
  EXPECT_EQ(bench.fault(bench.request(), call), "cancelled: stopped on request");
  EXPECT_EQ(bench.fault(bench.request(), call), "cancelled: stopped on request");
  EXPECT_EQ(bench.recorder.intents.size(), 2u);
}

TEST(LlmFailures, TheDeadlineOfAnAttemptIsTheEarlierOfTwo) {
  LlmBench bench;
  bench.endpoint.timeout = std::chrono::milliseconds::max();
  LlmCall call = bench.call();
  std::vector<std::chrono::steady_clock::time_point> deadlines;
  const auto look = [&](HttpCall& sent) {
    deadlines.push_back(sent.deadline);
    return HttpResponse{200, {}, chat_text("a")};
  };
  bench.sender.acts = {look, look, look};
  const auto now = std::chrono::steady_clock::now();
  bench.chat(bench.request(), call);
  call.deadline = now + std::chrono::minutes(5);
  bench.chat(bench.request(), call);
  bench.endpoint.timeout = std::chrono::milliseconds(60'000);
  bench.chat(bench.request(), call);
  EXPECT_EQ(deadlines[0], std::chrono::steady_clock::time_point::max());
  EXPECT_EQ(deadlines[1], call.deadline);
  EXPECT_LT(deadlines[2], now + std::chrono::minutes(2));
}

class LlmKey : public ::testing::Test {
 protected:
  LlmKey() {
    ::setenv("COPPICE_TEST_KEY", (kKey + "\n").c_str(), 1);
    bench.endpoint.key_variable = "COPPICE_TEST_KEY";
  }
  /// Is it anywhere in what is kept or said?
  void expect_hidden(const std::string& said) const {
    EXPECT_EQ(said.find(kKey), std::string::npos) << said;
    EXPECT_EQ(said.find(kKey.substr(0, 12)), std::string::npos) << said;
    for (const CallOutcome& outcome : bench.recorder.outcomes) {
      EXPECT_EQ(outcome.answer.find(kKey.substr(0, 12)), std::string::npos) << outcome.answer;
    }
  }

  const std::string kKey = "sk-0123456789abcdef";
  LlmBench bench;
};

TEST_F(LlmKey, GoesIntoTheHeaderAndNowhereElse) {
  bench.sender.answer(chat_text("Hello!"));
  bench.chat(bench.request());
  EXPECT_EQ(bench.sender.requests[0].headers.find("authorization"), "Bearer " + kKey);
  EXPECT_EQ(bench.sender.requests[0].body.find(kKey), std::string::npos);
  EXPECT_EQ(bench.sender.requests[0].target.find(kKey), std::string::npos);
}

TEST_F(LlmKey, IsReadWhenACallIsMade) {
  ::setenv("COPPICE_TEST_KEY", "another", 1);
  bench.sender.answer(chat_text("Hello!"));
  bench.chat(bench.request());
  EXPECT_EQ(bench.sender.requests[0].headers.find("authorization"), "Bearer another");
  ::unsetenv("COPPICE_TEST_KEY");
  EXPECT_TRUE(
      bench.fault(bench.request()).starts_with("usage: the environment variable 'COPPICE_TEST_KEY' is not set"));
  ::setenv("COPPICE_TEST_KEY", " \n", 1);
  EXPECT_NE(bench.fault(bench.request()).find("is not set"), std::string::npos);
  ::setenv("COPPICE_TEST_KEY", "a\r\nX-Evil: 1", 1);
  const std::string fault = bench.fault(bench.request());
  EXPECT_EQ(fault.substr(0, 6), "usage:");
  EXPECT_EQ(fault.find("Evil"), std::string::npos);
  EXPECT_EQ(bench.sender.requests.size(), 1u);
}

TEST_F(LlmKey, IsCutOutOfWhatAServerEchoes) {
  bench.endpoint.retry.max_retries = 0;
  const std::string echo = "Incorrect API key provided: " + kKey + ". See " + kKey;
  bench.sender.answer(R"({"error":{"message":")" + echo + "\"}}", 401);
  expect_hidden(bench.fault(bench.request()));
  bench.sender.answer(std::string(490, 'x') + kKey, 500);  // is cut in the middle of it
  expect_hidden(bench.fault(bench.request()));
  bench.sender.answer(R"({"error":")" + echo + "\"}");
  expect_hidden(bench.fault(bench.request()));
  bench.sender.fail(Error(ErrorCode::remote, echo, kKey, kKey));
  expect_hidden(bench.fault(bench.request()));
  ChatRequest request = bench.request();
  request.stream = true;
  bench.sender.answer("data: " + echo + "\n\n");
  expect_hidden(bench.fault(request));
  bench.sender.answer("data: {\"error\":\"" + echo + "\"}\n\n");
  expect_hidden(bench.fault(request));
  EXPECT_EQ(bench.recorder.outcomes.size(), 6u);
}

TEST_F(LlmKey, IsCutOutOfAnswersWhereItIsLongEnoughToBeOne) {
  bench.sender.answer(chat_text("Your key is " + kKey));
  expect_hidden(bench.chat(bench.request()).content);
  ::setenv("COPPICE_TEST_KEY", "none", 1);
  bench.sender.answer(chat_text("I have none."));
  EXPECT_EQ(bench.chat(bench.request()).content, "I have none.");
}

}  // namespace
}  // namespace coppice
