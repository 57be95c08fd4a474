// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coppice/flow/stand_in/stand_in_fixture.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

using nlohmann::json;

const json kSchema = json::parse(R"({"type": "object", "properties": {"title": {"type": "string"},
    "pages": {"type": "integer", "minimum": 2, "maximum": 4}}, "required": ["title", "pages"],
    "additionalProperties": false})");

json schema_format() {
  return {{"type", "json_schema"}, {"json_schema", {{"name", "page"}, {"schema", kSchema}}}};
}

bool follows_schema(const std::string& content) {
  const json value = parse_json(content);
  if (!value.is_object() || value.size() != 2 || !value.contains("title") || !value.contains("pages")) return false;
  return value["title"].is_string() && value["pages"].is_number_integer() && value["pages"] >= 2 && value["pages"] <= 4;
}

TEST(StandIn, SaysTheSameToTheSameRequest) {
  StandIn one = stand_in_of("{}"), other = stand_in_of("{}"), third = stand_in_of(R"({"seed": 2})");
  const HttpRequest request = chat_request({});
  const std::string body = answered(one, request).body;
  EXPECT_EQ(body, answered(other, request).body);
  EXPECT_NE(content_of(answered(third, request)), content_of(answered(one, request)));
  EXPECT_NE(answered(one, request).body, body) << "each answer has an id of its own";
  EXPECT_EQ(content_of(answered(one, request)), json::parse(body)["choices"][0]["message"]["content"]);
  EXPECT_NE(content_of(answered(one, chat_request({{"seed", 5}}))), content_of(answered(one, request)));
}

TEST(StandIn, StreamsWhatItSaysPlainly) {
  StandIn stand_in = stand_in_of("{}");
  for (const json& more : {json::object(), json{{"max_tokens", 7}}, json{{"response_format", schema_format()}},
                           json{{"messages", {{{"role", "user"}, {"content", "größe 日本語 😀😀😀 überall"}}}}}}) {
    const json plain = answered(stand_in, chat_request(more)).json();
    json streaming = more;
    streaming.update({{"stream", true}, {"stream_options", {{"include_usage", true}}}});
    const Streamed streamed(answered(stand_in, chat_request(streaming)).body);
    EXPECT_EQ(streamed.content, plain["choices"][0]["message"]["content"]);
    EXPECT_EQ(streamed.finish_reason, plain["choices"][0]["finish_reason"]);
    EXPECT_EQ(streamed.usage, plain["usage"]);
    EXPECT_TRUE(streamed.is_done);
    streaming.erase("stream_options");
    EXPECT_TRUE(Streamed(answered(stand_in, chat_request(streaming)).body).usage.is_null());
  }
}

TEST(StandIn, CountsTokensByItsRule) {
  StandIn stand_in = stand_in_of(R"({"models": {"m": {"cached_share": 0.5,
      "price": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "cache_read_input_token_cost": 0}}}})");
  StandInPlan plan = stand_in.answer(
      chat_request({{"messages",
                     {{{"role", "system"}, {"content", "12345"}},
                      {{"role", "user"}, {"content", {{{"type", "text"}, {"text", "1234"}}, {{"type", "image_url"}}}}},
                      {{"role", "assistant"}, {"content", nullptr}}}}}),
      0);
  const json body = played(plan).json();
  EXPECT_EQ(body["usage"]["prompt_tokens"], (2 + 3) + (1 + 3) + (0 + 3));
  EXPECT_EQ(body["usage"]["prompt_tokens_details"]["cached_tokens"], 6);
  const uint64_t output = stand_in_tokens(body["choices"][0]["message"]["content"].get<std::string>());
  EXPECT_EQ(body["usage"]["completion_tokens"], output);
  EXPECT_EQ(body["usage"]["total_tokens"], 12 + output);
  EXPECT_EQ(plan.usage.output_tokens, output);
  EXPECT_EQ(plan.cost, times(Money::of_dollars(1e-6), 6) + times(Money::of_dollars(2e-6), output));
}

TEST(StandIn, CutsAnAnswerAtItsLimit) {
  StandIn stand_in =
      stand_in_of(R"({"models": {"m": {"max_output_tokens": 20}, "old": {"ignores": "max_completion_tokens"}}})");
  const std::string whole = content_of(answered(stand_in, chat_request({})));
  EXPECT_EQ(stand_in_tokens(whole), 20);
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    const json body = answered(stand_in, chat_request({{key, 6}})).json();
    EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
    EXPECT_EQ(body["usage"]["completion_tokens"], 6);
    EXPECT_TRUE(whole.starts_with(body["choices"][0]["message"]["content"].get<std::string>()));
  }
  EXPECT_EQ(answered(stand_in, chat_request({{"max_tokens", 99}})).json()["usage"]["completion_tokens"], 20);
  const json old = answered(stand_in, chat_request({{"model", "old"}, {"max_completion_tokens", 2}})).json();
  EXPECT_EQ(old["choices"][0]["finish_reason"], "stop");
}

TEST(StandIn, StopsBeforeAStop) {
  StandIn stand_in = stand_in_of(R"({"answers": [{"text": "one two three"}]})");
  EXPECT_EQ(content_of(answered(stand_in, chat_request({{"stop", " two"}}))), "one");
  EXPECT_EQ(content_of(answered(stand_in, chat_request({{"stop", {"three", "two"}}}))), "one ");
  EXPECT_EQ(content_of(answered(stand_in, chat_request({{"stop", {"four", ""}}}))), "one two three");
  EXPECT_EQ(content_of(answered(stand_in, chat_request({{"stop", "one"}}))), "");
}

TEST(StandIn, FollowsASchemaUnlessItIgnoresIt) {
  StandIn stand_in = stand_in_of(R"({"models": {"m": {}, "old": {"ignores": ["json_schema"]},
      "older": {"ignores": ["json_schema", "json_object"]},
      "oldest": {"ignores": ["json_schema", "json_object", "schema_in_prompt"]}}})");
  const json beside = {{"type", "json_object"}, {"schema", kSchema}};
  const auto follows = [&](const char* model, const json& more) {
    json asked = more;
    asked["model"] = model;
    return follows_schema(content_of(answered(stand_in, chat_request(asked))));
  };
  const json in_prompt = {
      {"messages", {{{"role", "user"}, {"content", "Answer {as told}: " + kSchema.dump(2) + " Go."}}}}};
  EXPECT_TRUE(follows("m", {{"response_format", schema_format()}}));
  EXPECT_FALSE(follows("old", {{"response_format", schema_format()}}));
  EXPECT_TRUE(follows("old", {{"response_format", beside}}));
  EXPECT_FALSE(follows("older", {{"response_format", beside}}));
  EXPECT_TRUE(follows("older", in_prompt));
  EXPECT_FALSE(follows("oldest", in_prompt));
  EXPECT_FALSE(follows("m", {}));
  const auto any =
      parse_json(content_of(answered(stand_in, chat_request({{"response_format", {{"type", "json_object"}}}}))));
  EXPECT_TRUE(any.is_object());
}

TEST(StandIn, AnswersByRulesTheFirstThatFits) {
  StandIn stand_in = stand_in_of(R"({"answers": [{"when": {"contains": "roses"}, "text": "first"}, {"text": "second"}],
      "models": {"m": {}, "n": {"answers": [{"text": "own"}]}}})");
  EXPECT_EQ(content_of(answered(stand_in, chat_request({}))), "first");
  EXPECT_EQ(content_of(answered(stand_in, chat_request({{"model", "n"}}))), "own");
  const json other = {{"messages", {{{"role", "user"}, {"content", "tulips"}}}}};
  EXPECT_EQ(content_of(answered(stand_in, chat_request(other))), "second");
}

TEST(StandIn, IsWrongAsOftenAsItsQualitySays) {
  StandIn stand_in = stand_in_of(R"({"models": {"m": {"quality": 0.8}, "n": {"quality": 0.8}},
      "answers": [{"when": {"contains": "ruled"}, "text": "good", "quality": {"n": 0.5, "*": 0.9},
                   "flawed": [{"name": "worse", "rate": 3, "text": "bad"}, {"name": "worst", "rate": 1, "text": "awful"}]}]})");
  constexpr int kRequests = 2000;
  const auto counted = [&](const char* model, const char* prompt) {
    std::map<std::string, int> flaws;
    for (int i = 0; i < kRequests; ++i) {
      const std::string text = prompt + std::to_string(i);
      const StandInPlan plan =
          stand_in.answer(chat_request({{"model", model}, {"messages", {{{"role", "user"}, {"content", text}}}}}), 0);
      EXPECT_EQ(plan.headers.find("x-stand-in-flaw").value_or(""), plan.flaw);
      ++flaws[plan.flaw];
    }
    return flaws;
  };
  // Five standard deviations of a binomial count.
  const auto near = [](int count, double rate) {
    return std::abs(count - rate * kRequests) < 5 * std::sqrt(rate * (1 - rate) * kRequests);
  };
  EXPECT_TRUE(near(counted("m", "free ")["off_topic"], 0.2));
  auto ruled = counted("m", "ruled ");
  EXPECT_TRUE(near(ruled["worse"], 0.075)) << ruled["worse"];
  EXPECT_TRUE(near(ruled["worst"], 0.025)) << ruled["worst"];
  ruled = counted("n", "ruled ");
  EXPECT_TRUE(near(ruled["worse"] + ruled["worst"], 0.5));
}

TEST(StandIn, AnOffTopicAnswerFollowsTheSchemaAllTheSame) {
  StandIn stand_in = stand_in_of(R"({"models": {"m": {"quality": 0}}})");
  const std::string content = content_of(answered(stand_in, chat_request({{"response_format", schema_format()}})));
  EXPECT_TRUE(follows_schema(content));
  EXPECT_EQ(content.find("wall"), std::string::npos);
}

TEST(StandIn, SendsAtTheTimesOfItsSpeed) {
  StandIn stand_in = stand_in_of(R"({"answers": [{"text": "12345678901234567890"}], "models": {"m": {"speed":
      {"first_token_seconds": 2, "input_token_seconds": 0.1, "output_token_seconds": 0.5, "slots": 1}}}})");
  const double prompt = 0.1 * (6 + 3);
  EXPECT_DOUBLE_EQ(answered(stand_in, chat_request({}), 100).last_at(), 102 + prompt + 4 * 0.5);
  StandInPlan plan = stand_in.answer(chat_request({{"stream", true}}), 100);
  const double begins = 104 + prompt;  // the slot is taken until then
  EXPECT_DOUBLE_EQ(plan.began_at, begins);
  EXPECT_DOUBLE_EQ(plan.first_token_at, begins + 2 + prompt);
  EXPECT_DOUBLE_EQ(plan.ended_at, plan.first_token_at + 2);
  const Played stream = played(plan);
  EXPECT_DOUBLE_EQ(stream.steps.front().at_seconds, plan.first_token_at);
  EXPECT_DOUBLE_EQ(stream.steps[2].at_seconds, plan.first_token_at) << "the role and the first token come together";
  EXPECT_DOUBLE_EQ(stream.steps[3].at_seconds, plan.first_token_at + 0.5);
  EXPECT_DOUBLE_EQ(stream.last_at(), plan.ended_at);
}

TEST(StandIn, LimitsTheRateAndSaysSoInHeaders) {
  StandIn stand_in = stand_in_of(R"({"times_faster": 10, "answers": [{"text": "1234"}],
      "models": {"m": {"requests_per_minute": 2, "tokens_per_minute": 1000}, "tight": {"tokens_per_minute": 15}}})");
  const StandInPlan first = stand_in.answer(chat_request({}), 0);
  EXPECT_EQ(first.headers.find("x-ratelimit-limit-requests"), "2");
  EXPECT_EQ(first.headers.find("x-ratelimit-remaining-requests"), "1");
  EXPECT_EQ(first.headers.find("x-ratelimit-remaining-tokens"), "990");
  EXPECT_EQ(stand_in.answer(chat_request({}), 0).status, 200);
  StandInPlan third = stand_in.answer(chat_request({}), 0);
  EXPECT_EQ(third.status, 429);
  EXPECT_EQ(third.headers.find("retry-after-ms"), "3000") << "30 seconds, played ten times faster";
  EXPECT_EQ(third.headers.find("retry-after"), "3");
  EXPECT_EQ(third.headers.find("x-ratelimit-reset-requests"), "6s");
  EXPECT_EQ(played(third).json()["error"]["code"], "rate_limit_exceeded");
  EXPECT_EQ(stand_in.answer(chat_request({}), 30).status, 200);
  const HttpRequest tight = chat_request({{"model", "tight"}});
  EXPECT_EQ(stand_in.answer(tight, 0).status, 200);
  EXPECT_EQ(stand_in.answer(tight, 0).status, 429);
  const StandInPlan never = stand_in.answer(
      chat_request({{"model", "tight"}, {"messages", {{{"role", "user"}, {"content", std::string(99, 'x')}}}}}), 0);
  EXPECT_EQ(never.status, 429);
  EXPECT_FALSE(never.headers.find("retry-after")) << "waiting does not help";
}

TEST(StandIn, RefusesWhatTheRealThingRefuses) {
  StandIn stand_in = stand_in_of(R"({"models": {"m": {"context_tokens": 50}}})");
  struct Bad {
    json more;
    int status;
    const char* param;
  };
  for (const Bad& bad : std::initializer_list<Bad>{
           {{{"model", "n"}}, 404, nullptr},
           {{{"model", 5}}, 400, "model"},
           {{{"messages", nullptr}}, 400, "messages"},
           {{{"messages", json::array()}}, 400, "messages"},
           {{{"messages", "hello"}}, 400, "messages"},
           {{{"messages", {1}}}, 400, "messages[0].role"},
           {{{"messages", {{{"role", "king"}, {"content", "x"}}}}}, 400, "messages[0].role"},
           {{{"messages", {{{"role", "user"}, {"content", 5}}}}}, 400, "messages[0].content"},
           {{{"messages", {{{"role", "user"}, {"content", {5}}}}}}, 400, "messages[0].content"},
           {{{"max_tokens", 0}}, 400, "max_tokens"},
           {{{"max_completion_tokens", -1}}, 400, "max_completion_tokens"},
           {{{"max_tokens", 45}}, 400, "messages"},
           {{{"n", 2}}, 400, "n"},
           {{{"stop", 5}}, 400, "stop"},
           {{{"stop", {"a", "b", "c", "d", "e"}}}, 400, "stop"},
           {{{"stream", "yes"}}, 400, "stream"},
           {{{"response_format", "json"}}, 400, "response_format.type"},
           {{{"response_format", {{"type", "yaml"}}}}, 400, "response_format.type"},
           {{{"response_format", {{"type", "json_schema"}}}}, 400, "response_format.json_schema.schema"}}) {
    const Played answer = answered(stand_in, chat_request(bad.more));
    EXPECT_EQ(answer.status, bad.status) << bad.more;
    const json param = bad.param == nullptr ? json() : json(bad.param);
    EXPECT_EQ(answer.json()["error"]["param"], param) << answer.body;
    EXPECT_FALSE(answer.json()["error"]["message"].get<std::string>().empty());
  }
  HttpRequest request = chat_request({});
  for (const char* body : {"", "{", "[]", "5", "{\"model\": \"m\"}", "\xFF\xFE"}) {
    request.body = body;
    EXPECT_EQ(answered(stand_in, request).status, 400) << body;
  }
  request.body = std::string(100'000, '[');
  EXPECT_EQ(answered(stand_in, request).status, 400);
  EXPECT_EQ(answered(stand_in, chat_request({{"max_tokens", 41}})).status, 200) << "just fits";
}

TEST(StandIn, AnswersWhatIsNoChat) {
  StandIn stand_in =
      stand_in_of(R"({"key": "k", "models": {"a": {"price": {"input_cost_per_token": 1e-6}}, "b": {}}})");
  const auto get = [&](const char* target, const char* key) {
    HttpRequest request;
    request.target = target;
    if (key != nullptr) request.headers.set("Authorization", key);
    return answered(stand_in, request);
  };
  EXPECT_EQ(get("/health", nullptr).json()["status"], "ok");
  EXPECT_EQ(get("/prices", nullptr).json()["a"]["input_cost_per_token"], 1e-6);
  EXPECT_EQ(get("/v1/models?x=1", "Bearer k").json()["data"].size(), 2);
  EXPECT_EQ(get("/v1/models/b", "Bearer k").json()["id"], "b");
  EXPECT_EQ(get("/v1/models/c", "Bearer k").status, 404);
  EXPECT_EQ(get("/v1/models", nullptr).status, 401);
  EXPECT_EQ(get("/v1/models", "Bearer l").status, 401);
  EXPECT_EQ(get("/v1/modelsx", "Bearer k").status, 404);
  EXPECT_EQ(get("/v1/chat/completions", "Bearer k").status, 405);
  EXPECT_EQ(get("", nullptr).status, 401) << "and no crash";
  EXPECT_NE(get("/metrics", nullptr).body.find("stand_in_requests_total{model=\"\",status=\"404\"} 2"),
            std::string::npos);
}

TEST(StandIn, CountsForPrometheus) {
  StandIn stand_in = stand_in_of(
      R"({"models": {"a\"b\n": {"price": {"output_cost_per_token": 0.5}}}, "answers": [{"text": "12345"}]})");
  answered(stand_in, chat_request({{"model", "a\"b\n"}}));
  HttpRequest request;
  request.target = "/metrics";
  const std::string text = answered(stand_in, request).body;
  EXPECT_NE(text.find("stand_in_requests_total{model=\"a\\\"b\\n\",status=\"200\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("stand_in_tokens_total{kind=\"output\",model=\"a\\\"b\\n\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("stand_in_cost_dollars_total{model=\"a\\\"b\\n\"} 1\n"), std::string::npos);
}

TEST(StandIn, EmbedsOneTextOrManyAndTokens) {
  StandIn stand_in = stand_in_of("{}");
  const auto embedded = [&](const json& more) {
    json body = {{"model", "m"}};
    body.update(more);
    return answered(stand_in, post("/v1/embeddings", body));
  };
  const json one = embedded({{"input", "a rose"}}).json();
  EXPECT_EQ(one["data"][0]["embedding"].size(), 256);
  EXPECT_EQ(one["usage"]["prompt_tokens"], 2);
  const json many = embedded({{"input", {"a rose", "a wall"}}, {"dimensions", 8}}).json();
  EXPECT_EQ(many["data"][1]["index"], 1);
  EXPECT_EQ(many["data"][1]["embedding"].size(), 8);
  EXPECT_EQ(embedded({{"input", {5, 6, 7}}}).json()["usage"]["prompt_tokens"], 3);
  EXPECT_EQ(embedded({{"input", {{5, 6}, {7}}}}).json()["data"].size(), 2);
  EXPECT_EQ(embedded({{"input", "a rose"}, {"encoding_format", "base64"}})
                .json()["data"][0]["embedding"]
                .get<std::string>()
                .size(),
            (256 * 4 + 2) / 3 * 4);
  for (const json& bad :
       {json{{"input", ""}}, json{{"input", json::array()}}, json{{"input", {""}}}, json{{"input", 5}}, json::object(),
        json{{"input", {{"a"}}}}, json{{"input", {"a", 5}}}, json{{"input", "a"}, {"dimensions", 0}},
        json{{"input", "a"}, {"dimensions", 5000}}, json{{"input", "a"}, {"encoding_format", "hex"}}}) {
    EXPECT_EQ(embedded(bad).status, 400) << bad;
  }
}

TEST(StandIn, DrawsWhatARuleForImagesSays) {
  StandIn stand_in = stand_in_of(R"({"answers": [{"when": {"path": "/v1/images/generations", "contains": "dog"},
      "template": "{{ prompt }} in teal"}], "models": {"m": {"price": {"output_cost_per_image": 0.04}}}})");
  const auto drawn = [&](const json& more) {
    json body = {{"model", "m"}, {"size", "16x16"}};
    body.update(more);
    return stand_in.answer(post("/v1/images/generations", body), 0);
  };
  StandInPlan dog = drawn({{"prompt", "a dog"}});
  EXPECT_EQ(dog.cost, Money::of_dollars(0.04));
  EXPECT_EQ(played(dog).json()["data"][0]["revised_prompt"], "a dog in teal");
  StandInPlan cat = drawn({{"prompt", "a cat"}, {"response_format", "url"}});
  EXPECT_TRUE(played(cat).json()["data"][0]["url"].get<std::string>().starts_with("data:image/png;base64,iVBOR"));
  for (const json& bad :
       {json::object(), json{{"prompt", 5}}, json{{"prompt", "a"}, {"n", 2}}, json{{"prompt", "a"}, {"size", "9x"}}}) {
    EXPECT_EQ(drawn(bad).status, 400) << bad;
  }
}

TEST(StandIn, AFaultOfTheSettingsIsAnAnswerThatSaysSo) {
  StandIn stand_in = stand_in_of(R"({"answers": [{"template": "{{ nothing }}"}]})");
  const Played answer = answered(stand_in, chat_request({}));
  EXPECT_EQ(answer.status, 500);
  EXPECT_NE(answer.json()["error"]["message"].get<std::string>().find("answers[0].template"), std::string::npos)
      << answer.body;
  StandIn plain = stand_in_of("{}");
  const json endless = {{"response_format", {{"type", "json_schema"}, {"json_schema", {{"schema", {{"$ref", "#"}}}}}}}};
  EXPECT_EQ(answered(plain, chat_request(endless)).status, 400);
}

}  // namespace
}  // namespace coppice
