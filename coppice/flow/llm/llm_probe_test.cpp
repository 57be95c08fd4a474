// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_probe.h"

#include <gtest/gtest.h>

#include "coppice/flow/llm/llm_fixture.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

/// What a server in memory can do.
struct Abilities {
  std::string max_tokens_name = "max_completion_tokens";
  bool json_schema = false, json_object = false, grammar = false, usage_in_stream = false;
  bool refuses_formats = false;
};

class ProbedServer : public HttpSender {
 public:
  explicit ProbedServer(Abilities abilities) : abilities_(std::move(abilities)) {}

  Awaitable<HttpResponse> send(HttpCall call) override {
    ++n_requests;
    const Json body = parse_json(call.request.body);
    HttpResponse response;
    const std::string format = body.contains("response_format") ? body["response_format"]["type"].get<std::string>()
                               : body.contains("grammar")       ? "grammar"
                                                                : "";
    const bool holds = (format == "json_schema" && abilities_.json_schema) ||
                       (format == "json_object" && abilities_.json_object) ||
                       (format == "grammar" && abilities_.grammar);
    if (body.contains("stream")) {
      call.on_body(chat_stream("Hello", "stop",
                               abilities_.usage_in_stream ? R"({"prompt_tokens":9,"completion_tokens":2})" : ""));
    } else if (!format.empty() && !holds && abilities_.refuses_formats) {
      response = {400, {}, R"({"error":"unknown field"})"};
    } else if (format.empty()) {
      const bool is_limited = body.contains(abilities_.max_tokens_name);
      response.body = chat_text("1 2 3", is_limited ? "length" : "stop",
                                is_limited ? R"({"prompt_tokens":9,"completion_tokens":16})"
                                           : R"({"prompt_tokens":9,"completion_tokens":400})");
    } else {
      response.body = chat_text(holds ? R"({"kestrel":"k7q2"})" : R"({"message":"hello"})");
    }
    co_return response;
  }

  int n_requests = 0;

 private:
  Abilities abilities_;
};

EndpointProfile probe(LlmBench& bench, const Abilities& abilities) {
  ProbedServer server(abilities);
  return bench.loop.run(probe_endpoint(server, "m-1", bench.call()));
}

TEST(Probe, FindsWhatAServerHoldsTo) {
  for (int mask = 0; mask < 32; ++mask) {
    LlmBench bench;
    Abilities abilities;
    abilities.json_schema = mask & 1;
    abilities.json_object = mask & 2;
    abilities.grammar = mask & 4;
    abilities.usage_in_stream = mask & 8;
    abilities.refuses_formats = mask & 16;
    const EndpointProfile profile = probe(bench, abilities);
    EXPECT_EQ(profile.json_schema, abilities.json_schema);
    EXPECT_EQ(profile.json_object, abilities.json_object);
    EXPECT_EQ(profile.grammar, abilities.grammar);
    EXPECT_EQ(profile.usage_in_stream, abilities.usage_in_stream);
    EXPECT_EQ(profile.max_tokens_name, "max_completion_tokens");
    EXPECT_GT(profile.usage.output_tokens, 0u);
    EXPECT_EQ(bench.recorder.intents.size(), 5u);
    for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(bench.recorder.intents[i].call, i + 1);
  }
}

TEST(Probe, FindsTheNameOfTheLimit) {
  LlmBench bench;
  EXPECT_EQ(probe(bench, {.max_tokens_name = "max_tokens"}).max_tokens_name, "max_tokens");
  EXPECT_EQ(probe(bench, {.max_tokens_name = "neither"}).max_tokens_name, "");
}

TEST(Probe, IsAnsweredFromWhatIsRecorded) {
  LlmBench bench;
  ProbedServer server({.json_object = true});
  const EndpointProfile first = bench.loop.run(probe_endpoint(server, "m-1", bench.call()));
  bench.recorder.keep_answers();
  const int sent = server.n_requests;
  const EndpointProfile again = bench.loop.run(probe_endpoint(server, "m-1", bench.call()));
  EXPECT_EQ(server.n_requests, sent);
  EXPECT_EQ(again.json_object, first.json_object);
}

TEST(Probe, AServerThatIsNotThereIsNoFinding) {
  LlmBench bench;
  bench.endpoint.retry.max_retries = 0;
  bench.sender.answer(R"({"error":"no key"})", 401);
  EXPECT_THROW(bench.loop.run(probe_endpoint(bench.sender, "m-1", bench.call())), Error);
}

TEST(Probe, AnEndpointIsSetByIt) {
  Endpoint endpoint;
  EndpointProfile profile;
  profile.max_tokens_name = "max_tokens";
  profile.grammar = true;
  Endpoint set = with_profile(endpoint, profile);
  EXPECT_EQ(set.structured_output, StructuredOutput::grammar);
  EXPECT_EQ(set.max_tokens_name, "max_tokens");
  EXPECT_FALSE(set.usage_in_stream);
  profile.json_object = true;
  EXPECT_EQ(with_profile(endpoint, profile).structured_output, StructuredOutput::json_object);
  profile.json_schema = true;
  EXPECT_EQ(with_profile(endpoint, profile).structured_output, StructuredOutput::json_schema);
  EXPECT_EQ(with_profile(endpoint, {}).structured_output, StructuredOutput::prompt);
  endpoint.structured_output = StructuredOutput::grammar;
  EXPECT_EQ(with_profile(endpoint, profile).structured_output, StructuredOutput::grammar);
}

}  // namespace
}  // namespace coppice
