// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/otlp.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "coppice/flow/report/traced_run.h"

namespace coppice {
namespace {

using nlohmann::ordered_json;

ordered_json spans_of(const RunTelemetry& telemetry) {
  return otlp_traces(telemetry, {})["resourceSpans"][0]["scopeSpans"][0]["spans"];
}

/// The first span of that name.
ordered_json span(const ordered_json& spans, const std::string& name) {
  for (const ordered_json& one : spans) {
    if (one["name"] == name) return one;
  }
  ADD_FAILURE() << "no span " << name << " in " << spans.dump(2);
  return {};
}

/// The value with its type: {"intValue": "3"}; null = there is none.
ordered_json attribute(const ordered_json& of, const std::string& key) {
  for (const ordered_json& one : of["attributes"]) {
    if (one["key"] == key) return one["value"];
  }
  return nullptr;
}

ordered_json text(const char* value) {
  return {{"stringValue", value}};
}
ordered_json whole(const char* value) {
  return {{"intValue", value}};
}

TEST(OtlpTracesTest, TheRunIsTheRootWithItsStepsBelowItAndTheirCallsBelowThem) {
  const ordered_json spans = spans_of(traced_run());
  const ordered_json root = span(spans, "invoke_workflow site");
  EXPECT_FALSE(root.contains("parentSpanId"));
  const ordered_json step = span(spans, "llm writer");
  EXPECT_EQ(step["parentSpanId"], root["spanId"]);
  EXPECT_EQ(span(spans, "chat small")["parentSpanId"], step["spanId"]);
  EXPECT_EQ(span(spans, "embeddings vectors")["parentSpanId"], span(spans, "embed finder")["spanId"]);
  EXPECT_EQ(span(spans, "generate_content painter")["parentSpanId"], span(spans, "image artist")["spanId"]);
  EXPECT_EQ(span(spans, "http")["parentSpanId"], span(spans, "http poster")["spanId"]);
}

TEST(OtlpTracesTest, ASpanHasTheFormOfOtlpInJson) {
  const ordered_json chat = span(spans_of(traced_run()), "chat small");
  EXPECT_EQ(chat["kind"], 3);
  EXPECT_EQ(chat["startTimeUnixNano"], "1700000001000000000");
  EXPECT_EQ(chat["endTimeUnixNano"], "1700000003500000000");
  EXPECT_EQ(chat["status"], ordered_json::object());
  EXPECT_EQ(attribute(chat, "gen_ai.operation.name"), text("chat"));
  EXPECT_EQ(attribute(chat, "gen_ai.provider.name"), text("mistral_ai"));
  EXPECT_EQ(attribute(chat, "gen_ai.request.model"), text("small"));
  EXPECT_EQ(attribute(chat, "gen_ai.response.model"), text("small-2"));
  EXPECT_EQ(attribute(chat, "gen_ai.response.finish_reasons"),
            ordered_json::parse(R"({"arrayValue": {"values": [{"stringValue": "stop"}]}})"));
  EXPECT_EQ(attribute(chat, "gen_ai.usage.input_tokens"), whole("100"));
  EXPECT_EQ(attribute(chat, "gen_ai.usage.output_tokens"), whole("20"));
  EXPECT_EQ(attribute(chat, "gen_ai.response.time_to_first_chunk"), (ordered_json{{"doubleValue", 0.25}}));
  EXPECT_EQ(attribute(chat, "gen_ai.request.stream"), (ordered_json{{"boolValue", true}}));
  EXPECT_EQ(attribute(chat, "server.address"), text("models.example.com"));
  EXPECT_EQ(attribute(chat, "server.port"), whole("443"));
  EXPECT_EQ(attribute(chat, "coppice.cost_usd"), (ordered_json{{"doubleValue", 0.002}}));
}

TEST(OtlpTracesTest, IdsAreHexAndTheSameEachTime) {
  const ordered_json spans = spans_of(traced_run());
  std::set<std::string> ids;
  for (const ordered_json& one : spans) {
    EXPECT_EQ(one["traceId"], spans[0]["traceId"]);
    const std::string id = one["spanId"];
    EXPECT_EQ(id.size(), 16U);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), id.npos);
    EXPECT_TRUE(ids.insert(id).second) << "twice: " << one.dump();
  }
  EXPECT_EQ(std::string(spans[0]["traceId"]).size(), 32U);
  EXPECT_EQ(spans, spans_of(traced_run()));
  EXPECT_EQ(spans[0]["traceId"], "695a2960f220c9907a0a0e8f2b94bb9a")
      << "a later version exports the same run under the same id";
}

TEST(OtlpTracesTest, AttemptsOfAQuestionStandBelowIt) {
  const ordered_json spans = spans_of(traced_run());
  const ordered_json chat = span(spans, "chat big");
  EXPECT_EQ(attribute(chat, "coppice.call.attempts"), whole("2"));
  EXPECT_EQ(attribute(chat, "error.type"), nullptr) << "the second attempt was answered";
  EXPECT_EQ(attribute(chat, "coppice.cost_usd"), (ordered_json{{"doubleValue", 0.03}}));
  const ordered_json first = span(spans, "attempt 1");
  EXPECT_EQ(first["parentSpanId"], chat["spanId"]);
  EXPECT_EQ(attribute(first, "error.type"), text("503"));
  EXPECT_EQ(first["status"], (ordered_json{{"code", 2}, {"message", "503"}}));
  EXPECT_EQ(attribute(first, "gen_ai.operation.name"), nullptr) << "or it would be counted twice";
  EXPECT_EQ(span(spans, "attempt 2")["parentSpanId"], chat["spanId"]);
}

TEST(OtlpTracesTest, AQuestionThatAResumedRunAsksAgainIsAnotherSpan) {
  TracedEvents events;
  events.start(0).intend(1, "writer", 1, 1, "small");
  events.add(5, EventKind::run_resumed, {}, {});
  events.add(5, EventKind::call_unknown, "writer", {}, 1, 1).intend(6, "writer", 1, 1, "small");
  events.answer(7, "writer", 1, 1);
  const ordered_json spans = spans_of(events.telemetry("running"));
  std::vector<ordered_json> chats;
  for (const ordered_json& one : spans) {
    if (one["name"] == "chat small") chats.push_back(one);
  }
  ASSERT_EQ(chats.size(), 2U);
  EXPECT_NE(chats[0]["spanId"], chats[1]["spanId"]);
  EXPECT_EQ(attribute(chats[0], "error.type"), text("unknown"));
  EXPECT_EQ(attribute(chats[1], "error.type"), nullptr);
  EXPECT_EQ(spans[0]["events"][0]["name"], "coppice.resumed");
  EXPECT_EQ(spans[0]["events"][0]["timeUnixNano"], "1700000005000000000");
}

TEST(OtlpTracesTest, ARunThatFailedSaysSoByItsTypeAlone) {
  TracedEvents events;
  events.start(0).intend(1, "writer", 1, 1, "small");
  events.add(2, EventKind::call_failed, "writer",
             {{"error", {{"error", {{"code", "timeout"}, {"message", "the secret prompt"}}}}}}, 1, 1);
  events.add(2, EventKind::step_failed, "writer", {{"error", "the secret prompt"}, {"code", "timeout"}});
  events.add(2, EventKind::run_failed, {}, {{"error", "the secret prompt"}, {"code", "timeout"}});
  const ordered_json spans = spans_of(events.telemetry("failed"));
  ASSERT_EQ(spans.size(), 3U);
  for (const ordered_json& one : spans) {
    EXPECT_EQ(attribute(one, "error.type"), text("timeout"));
    EXPECT_EQ(one["status"]["code"], 2);
  }
  EXPECT_EQ(spans.dump().find("secret"), std::string::npos);
}

TEST(OtlpTracesTest, NothingThatWasSaidIsExported) {
  const RunTelemetry telemetry = traced_run();
  for (const std::string& all : {otlp_traces(telemetry, {}).dump(), otlp_metrics(telemetry, {}).dump()}) {
    EXPECT_EQ(all.find("secret"), std::string::npos) << all;
  }
}

TEST(OtlpTracesTest, AForkLinksToTheRunThatItComesFrom) {
  TracedEvents events;
  events.add(-100, EventKind::step_done, "finder", {{"seconds", 1}, {"output", "secret"}});  // the parent's work
  events.start(0);
  events.add(1, EventKind::step_done, "writer", {{"seconds", 0.5}, {"output", "secret"}});
  events.add(1, EventKind::run_finished, {}, {});
  events.record.parent = "r1";
  events.record.id = "r2";
  const ordered_json spans = spans_of(events.telemetry("finished"));
  ASSERT_EQ(spans.size(), 2U) << "what the parent did is in its own trace";
  EXPECT_EQ(spans[0]["startTimeUnixNano"], "1700000000000000000");
  const ordered_json parent = spans_of(traced_run())[0];
  EXPECT_EQ(spans[0]["links"][0]["traceId"], parent["traceId"]);
  EXPECT_EQ(spans[0]["links"][0]["spanId"], parent["spanId"]);
}

TEST(OtlpTracesTest, TheSourceIsTheResource) {
  const ordered_json made = otlp_traces(traced_run(), {"shop", {{"service.name", "other"}, {"host.name", "h"}}});
  EXPECT_EQ(made["resourceSpans"][0]["resource"], ordered_json::parse(R"({"attributes": [
      {"key": "service.name", "value": {"stringValue": "shop"}},
      {"key": "host.name", "value": {"stringValue": "h"}}]})"));
}

class OtlpMetricsTest : public testing::Test {
 protected:
  OtlpMetricsTest() {
    const ordered_json made = otlp_metrics(traced_run(), {});
    for (const ordered_json& one : made["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]) {
      metrics_[one["name"]] = one;
    }
  }

  /// The point of a model.
  ordered_json point(const std::string& metric, const std::string& model, const std::string& token_type = {}) {
    const ordered_json& one = metrics_.at(metric);
    for (const ordered_json& candidate : one[one.contains("sum") ? "sum" : "histogram"]["dataPoints"]) {
      if (attribute(candidate, "gen_ai.request.model") != text(model.c_str())) continue;
      if (token_type.empty() || attribute(candidate, "gen_ai.token.type") == text(token_type.c_str())) return candidate;
    }
    ADD_FAILURE() << "no point of " << model << " in " << one.dump(2);
    return {};
  }

  std::map<std::string, ordered_json> metrics_;
};

TEST_F(OtlpMetricsTest, HistogramsHaveTheBoundsOfTheConventions) {
  const ordered_json took = point("gen_ai.client.operation.duration", "small");
  EXPECT_EQ(metrics_.at("gen_ai.client.operation.duration")["unit"], "s");
  EXPECT_EQ(metrics_.at("gen_ai.client.operation.duration")["histogram"]["aggregationTemporality"], 1);
  EXPECT_EQ(took["explicitBounds"].size(), 14U);
  EXPECT_EQ(took["explicitBounds"].front(), 0.01);
  EXPECT_EQ(took["explicitBounds"].back(), 81.92);
  EXPECT_EQ(took["bucketCounts"],
            ordered_json::parse(R"(["0","0","0","0","0","0","0","0","1","0","0","0","0","0","0"])"));
  EXPECT_EQ(took["count"], "1");
  EXPECT_DOUBLE_EQ(took["sum"], 2.5);
  EXPECT_EQ(took["startTimeUnixNano"], "1700000000000000000");
  EXPECT_EQ(took["timeUnixNano"], "1700000020000000000");
}

TEST_F(OtlpMetricsTest, TokensAreCountedByTheirType) {
  EXPECT_EQ(point("gen_ai.client.token.usage", "small", "input")["sum"], 100.0);
  EXPECT_EQ(point("gen_ai.client.token.usage", "small", "output")["sum"], 20.0);
  EXPECT_EQ(metrics_.at("gen_ai.client.token.usage")["unit"], "{token}");
}

TEST_F(OtlpMetricsTest, CostIsASumThatOnlyGrows) {
  const ordered_json cost = point("coppice.cost_usd", "big");
  EXPECT_DOUBLE_EQ(cost["asDouble"], 0.03);
  EXPECT_EQ(metrics_.at("coppice.cost_usd")["sum"]["isMonotonic"], true);
}

TEST_F(OtlpMetricsTest, TheRunHasItsDuration) {
  const ordered_json& run = metrics_.at("gen_ai.invoke_agent.duration")["histogram"]["dataPoints"][0];
  EXPECT_DOUBLE_EQ(run["sum"], 20);
  EXPECT_EQ(attribute(run, "gen_ai.agent.name"), text("site"));
}

}  // namespace
}  // namespace coppice
