// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_faults.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "coppice/core/error.h"
#include "coppice/flow/stand_in/stand_in_fixture.h"

namespace coppice {
namespace {

using nlohmann::json;

/// A stand-in that always does this one thing wrong.
StandIn faulty(const std::string& name, const json& options = 1) {
  return StandIn(
      read_stand_in_options({{"faults", {{name, options}}}, {"answers", {{{"json", {{"title", "a"}, {"n", 5}}}}}}}));
}

json wants_json() {
  return {{"response_format", {{"type", "json_object"}}}};
}

Played faulted(const std::string& name, const json& more = json::object(), const json& options = 1) {
  StandIn stand_in = faulty(name, options);
  return answered(stand_in, chat_request(more));
}

TEST(StandInFaults, ErrorsComeInPlaceOfTheAnswer) {
  const std::map<std::string, std::pair<int, json>> expected = {{"unauthorized", {401, "invalid_api_key"}},
                                                                {"rate_limited", {429, "rate_limit_exceeded"}},
                                                                {"out_of_quota", {429, "insufficient_quota"}},
                                                                {"server_error", {500, nullptr}},
                                                                {"unavailable", {503, nullptr}},
                                                                {"echoed_key", {401, "invalid_api_key"}}};
  for (const auto& [name, status_and_code] : expected) {
    StandIn stand_in = faulty(name);
    StandInPlan plan = stand_in.answer(chat_request({}), 7);
    EXPECT_EQ(plan.headers.find("x-stand-in-fault"), name);
    EXPECT_EQ(fault_name(*plan.fault), name);
    const Played answer = played(plan);
    EXPECT_EQ(answer.status, status_and_code.first) << name;
    EXPECT_EQ(answer.json()["error"]["code"], status_and_code.second) << name;
    EXPECT_EQ(answer.last_at(), 7);
  }
}

TEST(StandInFaults, AWaitIsAskedForInTheClientsTime) {
  StandIn stand_in(
      read_stand_in_options({{"times_faster", 4}, {"faults", {{"rate_limited", {{"rate", 1}, {"seconds", 6}}}}}}));
  const StandInPlan plan = stand_in.answer(chat_request({}), 0);
  EXPECT_EQ(plan.headers.find("retry-after-ms"), "1500");
  EXPECT_EQ(plan.headers.find("retry-after"), "2");
  EXPECT_EQ(plan.headers.find("x-ratelimit-remaining-requests"), "0");
  EXPECT_EQ(plan.headers.find("x-ratelimit-reset-requests"), "2s");
}

TEST(StandInFaults, TheKeyIsRepeatedWhereThatIsTheFault) {
  StandIn stand_in = faulty("echoed_key");
  HttpRequest request = chat_request({});
  request.headers.set("Authorization", "Bearer sk-secret");
  EXPECT_NE(answered(stand_in, request).body.find("Bearer sk-secret"), std::string::npos);
  StandIn guarded = stand_in_of(R"({"key": "other"})");
  EXPECT_EQ(answered(guarded, request).body.find("sk-secret"), std::string::npos);
}

TEST(StandInFaults, ContentIsSpoiledWhereJsonWasAskedFor) {
  const auto content = [](const char* name) { return content_of(faulted(name, wants_json())); };
  EXPECT_EQ(content("invalid_json"), R"({"n":5,"title":"a",})");
  EXPECT_EQ(content("truncated_json"), R"({"n":5,"titl)");
  EXPECT_EQ(content("duplicate_keys"), R"({"n":null,"n":5,"title":"a"})");
  EXPECT_TRUE(parse_json(content("ignored_schema")).is_discarded());
  EXPECT_EQ(faulted("truncated_json", wants_json()).json()["choices"][0]["finish_reason"], "stop");
  for (const char* name : {"invalid_json", "truncated_json", "ignored_schema"}) {
    EXPECT_EQ(content_of(faulted(name)), R"({"n":5,"title":"a"})") << "nobody asked for JSON: " << name;
  }
}

TEST(StandInFaults, TheBodyHasTheSameKeyTwice) {
  const std::string body = faulted("duplicate_keys").body;
  EXPECT_TRUE(body.starts_with(R"({"usage":{"prompt_tokens":0)"));
  EXPECT_GT(parse_json(body)["usage"]["prompt_tokens"], 0) << "the last one counts";
  const Streamed stream(faulted("duplicate_keys", {{"stream", true}}).body);
  EXPECT_EQ(stream.content, R"({"n":5,"title":"a"})");
  EXPECT_TRUE(stream.events[0].starts_with(R"({"choices":[],"id")"));
}

TEST(StandInFaults, ARefusalHasNoContent) {
  const json body = faulted("refusal", wants_json()).json();
  EXPECT_TRUE(body["choices"][0]["message"]["content"].is_null());
  EXPECT_FALSE(body["choices"][0]["message"]["refusal"].get<std::string>().empty());
  EXPECT_NE(faulted("refusal", {{"stream", true}}).body.find(R"({"refusal":"I'm )"), std::string::npos);
}

TEST(StandInFaults, UsageIsMissing) {
  const json streaming = {{"stream", true}, {"stream_options", {{"include_usage", true}}}};
  EXPECT_FALSE(faulted("missing_usage").json().contains("usage"));
  EXPECT_TRUE(Streamed(faulted("missing_usage", streaming).body).usage.is_null());
  StandIn stand_in = faulty("missing_usage");
  EXPECT_FALSE(answered(stand_in, post("/v1/embeddings", {{"model", "m"}, {"input", "a"}})).json().contains("usage"));
}

TEST(StandInFaults, AnAnswerIsCutOffInTheMiddle) {
  const Played plain = faulted("cut_in_answer");
  EXPECT_TRUE(plain.is_cut);
  EXPECT_FALSE(plain.has_ended);
  const size_t said = plain.body.find("content-length: ");
  ASSERT_NE(said, std::string::npos);
  const size_t sent = plain.body.size() - plain.body.find("\r\n\r\n") - 4;
  EXPECT_LT(sent, std::stoul(plain.body.substr(said + 16)));
  EXPECT_GT(sent, 0);
  const Played stream = faulted("cut_in_answer", {{"stream", true}});
  EXPECT_TRUE(stream.is_cut);
  EXPECT_FALSE(stream.has_ended);
  const Streamed got(stream.body);
  EXPECT_FALSE(got.is_done);
  EXPECT_EQ(got.content, R"({"n":5,")");
  const Played none = faulted("cut_before_answer");
  EXPECT_TRUE(none.is_cut);
  EXPECT_EQ(none.body, "");
}

TEST(StandInFaults, AStreamOfAwkwardFormSaysTheSame) {
  StandIn sound = stand_in_of(R"({"answers": [{"json": {"title": "a", "n": 5}}]})");
  const json streaming = {{"stream", true}, {"stream_options", {{"include_usage", true}}}};
  const Streamed expected(answered(sound, chat_request(streaming)).body);
  for (const char* name : {"sse_split", "sse_crlf", "sse_comments", "slow"}) {
    const Played stream = faulted(name, streaming);
    const Streamed got(stream.body);
    EXPECT_EQ(got.content, expected.content) << name;
    EXPECT_EQ(got.usage, expected.usage) << name;
    EXPECT_EQ(got.events.size(), expected.events.size()) << name;
  }
  EXPECT_EQ(faulted("sse_split", streaming).steps[1].bytes, "data:");
  EXPECT_NE(faulted("sse_crlf", streaming).body.find("\r\n\r\ndata:"), std::string::npos);
  EXPECT_NE(faulted("sse_comments", streaming).body.find(": keep-alive"), std::string::npos);
}

TEST(StandInFaults, OneEventIsNoJson) {
  const Streamed stream(faulted("sse_malformed", {{"stream", true}}).body);
  int n_broken = 0;
  for (const std::string& event : stream.events)
    n_broken += parse_json(event).is_discarded() && event != "[DONE]" ? 1 : 0;
  EXPECT_EQ(n_broken, 1);
}

TEST(StandInFaults, ASlowAnswerComesByteByByte) {
  const Played slow = faulted("slow", {}, {{"rate", 1}, {"seconds", 0.5}});
  EXPECT_TRUE(slow.body.starts_with("HTTP/1.1 200 OK\r\n"));
  for (const StandInStep& step : slow.steps) EXPECT_EQ(step.bytes.size(), 1);
  EXPECT_DOUBLE_EQ(slow.last_at(), 0.5 * static_cast<double>(slow.steps.size() - 1));
  EXPECT_EQ(slow.body.substr(slow.body.find("\r\n\r\n") + 4).size(),
            std::stoul(slow.body.substr(slow.body.find("content-length: ") + 16)));
}

TEST(StandInFaults, AnEndlessAnswerGoesOnAndOn) {
  StandIn stand_in = faulty("endless");
  StandInPlan plan = stand_in.answer(chat_request({}), 0);
  const Played plain = played(plan, 3 << 20);
  EXPECT_GE(plain.body.size(), 3 << 20);
  EXPECT_FALSE(plain.is_cut || plain.has_ended);
  EXPECT_NE(plain.body.find(R"("content":")"), std::string::npos);
  const Played ends = faulted("endless", {{"stream", true}}, {{"rate", 1}, {"bytes", 5000}});
  EXPECT_TRUE(ends.is_cut);
  const Streamed stream(ends.body);
  EXPECT_GT(stream.events.size(), 10);
  EXPECT_FALSE(stream.is_done);
}

TEST(StandInFaults, AHugeAnswerIsWhole) {
  const Played plain = faulted("huge", {}, {{"rate", 1}, {"bytes", 1'000'000}});
  EXPECT_TRUE(plain.has_ended);
  EXPECT_EQ(content_of(plain).size(), 1'000'000);
  const Streamed stream(faulted("huge", {{"stream", true}}, {{"rate", 1}, {"bytes", 1'000'000}}).body);
  EXPECT_EQ(stream.content.size(), 1'000'000);
  EXPECT_TRUE(stream.is_done);
  StandIn stand_in = faulty("huge", {{"rate", 1}, {"bytes", 1000}});
  const Played vectors = answered(stand_in, post("/v1/embeddings", {{"model", "m"}, {"input", "a"}}));
  EXPECT_EQ(vectors.json()["filler"].get<std::string>().size(), 1000);
}

TEST(StandInFaults, WhatIsSentIsNotWhatItClaims) {
  StandIn text = faulty("wrong_content_type");
  StandInPlan plan = text.answer(chat_request({}), 0);
  EXPECT_EQ(plan.headers.find("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(content_of(played(plan)), R"({"n":5,"title":"a"})");
  StandIn page = faulty("html_page");
  plan = page.answer(chat_request({}), 0);
  EXPECT_EQ(plan.status, 200);
  EXPECT_EQ(plan.headers.find("content-type"), "text/html; charset=utf-8");
  EXPECT_TRUE(played(plan).json().is_discarded());
  EXPECT_TRUE(faulted("invalid_body").json().is_discarded());
  EXPECT_TRUE(Streamed(faulted("invalid_body", {{"stream", true}}).body).events.empty());
}

TEST(StandInFaults, EveryKindWorksOnEveryPath) {
  const json streaming = {{"stream", true}};
  for (size_t i = 0; i < kStandInFaults; ++i) {
    const std::string name(fault_name(static_cast<StandInFault>(i)));
    StandIn stand_in = faulty(name, {{"rate", 1}, {"bytes", 100'000}});
    for (const HttpRequest& request :
         {chat_request({}), chat_request(streaming), chat_request(wants_json()),
          post("/v1/embeddings", {{"model", "m"}, {"input", "a"}}),
          post("/v1/images/generations", {{"model", "m"}, {"prompt", "a"}, {"size", "8x8"}}),
          post("/v1/embeddings", {{"model", "m"}})}) {
      const Played answer = answered(stand_in, request);
      EXPECT_FALSE(answer.steps.empty()) << name;
    }
  }
}

TEST(StandInFaults, ComeAtTheirRates) {
  constexpr int kRequests = 8000;
  const std::map<std::string, double> rates = {
      {"server_error", 0.05}, {"rate_limited", 0.1}, {"refusal", 0.02}, {"", 0.83}};
  StandIn stand_in(
      read_stand_in_options({{"faults", {{"server_error", 0.05}, {"rate_limited", 0.1}, {"refusal", 0.02}}},
                             {"answers", {{{"text", "a"}}}}}));
  std::map<std::string, int> counts;
  for (int i = 0; i < kRequests; ++i) {
    const StandInPlan plan = stand_in.answer(chat_request({{"seed", i}}), 0);
    ++counts[plan.fault ? std::string(fault_name(*plan.fault)) : std::string()];
  }
  for (const auto& [name, rate] : rates) {
    const double deviation = std::sqrt(rate * (1 - rate) * kRequests);
    EXPECT_NEAR(counts[name], rate * kRequests, 5 * deviation) << name;
  }
}

TEST(StandInFaults, TheSameRequestHasAnotherFaultTheNextTime) {
  StandIn stand_in(read_stand_in_options({{"faults", {{"server_error", 0.5}}}}));
  std::string pattern, again;
  for (int i = 0; i < 40; ++i) pattern += stand_in.answer(chat_request({}), 0).status == 500 ? 'x' : '.';
  StandIn other(read_stand_in_options({{"faults", {{"server_error", 0.5}}}}));
  for (int i = 0; i < 40; ++i) again += other.answer(chat_request({{"stream", true}}), 0).status == 500 ? 'x' : '.';
  EXPECT_EQ(pattern, again);
  EXPECT_NE(pattern.find('x'), std::string::npos);
  EXPECT_NE(pattern.find('.'), std::string::npos);
}

TEST(StandInFaults, MayComeTheFirstTimesAlone) {
  StandIn stand_in = faulty("server_error", {{"rate", 1}, {"first", 2}});
  std::string statuses;
  for (int i = 0; i < 4; ++i) statuses += std::to_string(stand_in.answer(chat_request({}), 0).status) + " ";
  EXPECT_EQ(statuses, "500 500 200 200 ");
  EXPECT_EQ(stand_in.answer(chat_request({{"seed", 3}}), 0).status, 500) << "another request";
}

TEST(StandInFaults, AStormHoldsForAWhile) {
  StandIn stand_in(read_stand_in_options(
      {{"answers", {{{"text", "a"}}}}, {"faults", {{"storm", {{"rate", 0.2}, {"seconds", 2}, {"status", 500}}}}}}));
  constexpr int kPieces = 3000;
  int n_stormy = 0;
  for (int piece = 0; piece < kPieces; ++piece) {
    const int first = stand_in.answer(chat_request({{"seed", 2 * piece}}), 2 * piece + 0.1).status;
    const int second = stand_in.answer(chat_request({{"seed", 2 * piece + 1}}), 2 * piece + 1.9).status;
    EXPECT_EQ(first, second);
    n_stormy += first == 500 ? 1 : 0;
  }
  EXPECT_NEAR(n_stormy, 0.2 * kPieces, 5 * std::sqrt(0.2 * 0.8 * kPieces));
}

}  // namespace
}  // namespace coppice
