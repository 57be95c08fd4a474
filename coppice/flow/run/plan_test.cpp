// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/plan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "coppice/core/error.h"
#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/run/critical_path.h"
#include "coppice/flow/run/measured_models.h"

namespace coppice {
namespace {

using nlohmann::json;

class PlanTest : public testing::Test {
 protected:
  PlanTest() { add_kinds(kinds_, {}); }

  /// Steps that may ask the models `small` and `big`.
  Workflow workflow(const json& steps, const json& endpoint = json::object()) {
    json whole = {{"workflow", "test"}, {"steps", steps}};
    whole["endpoints"]["local"] = {{"url", "http://127.0.0.1:9/v1"}};
    whole["endpoints"]["local"].update(endpoint);
    for (const char* name : {"small", "big"}) {
      whole["models"][name] = {{"endpoint", "local"}, {"model", name}, {"max_output_tokens", 100}};
      whole["prices"][name] = {{"input_cost_per_token", 0.0}, {"output_cost_per_token", 0.001}};
    }
    return read_workflow_text(whole.dump(), kinds_);
  }

  static json ask(const char* model, const char* prompt) {
    return {{"kind", "llm"}, {"with", {{"model", model}, {"prompt", prompt}}}};
  }

  Plan plan(const Workflow& flow, const json& models, uint32_t runs = 20) {
    PlanOptions options;
    options.runs = runs;
    return plan_workflow(flow, {json::object()}, read_stand_in_options(models), options);
  }

  StepKinds kinds_;
};

/// Two seconds to the first of ten tokens, a tenth of one for each of the others: 2.9 s.
const json kModels = {
    {"models",
     {{"small", {{"speed", {{"first_token_seconds", 2.0}, {"output_token_seconds", 0.1}}}}},
      {"big", {{"speed", {{"first_token_seconds", 20.0}, {"output_token_seconds", 0.1}, {"slots", 1}}}}}}},
    {"answers", {{{"text", "0123456789012345678901234567890123456789"}}}}};

TEST_F(PlanTest, StepsThatWaitForOneAnotherTakeTheSumAndOthersTheLongest) {
  const Plan chain = plan(workflow({{"a", ask("small", "x")}, {"b", ask("small", "{{ steps.a.output }}")}}), kModels);
  EXPECT_EQ(chain.finished, 20u);
  EXPECT_NEAR(chain.seconds_p50, 5.8, 0.01);
  EXPECT_NEAR(chain.cost_mean, 0.020, 1e-9);
  EXPECT_EQ(chain.calls, 2);
  EXPECT_EQ(chain.output_tokens, 20);
  EXPECT_GE(chain.cost_most, 0.1999) << "a hundred tokens each, twice";
  const Plan wide = plan(workflow({{"a", ask("small", "x")}, {"b", ask("small", "y")}}), kModels);
  EXPECT_NEAR(wide.seconds_p95, 2.9, 0.01);
  EXPECT_NEAR(wide.steps[0].critical_seconds + wide.steps[1].critical_seconds, 2.9, 0.01);
}

TEST_F(PlanTest, WhoeverWaitsInLineIsWaitedFor) {
  const json steps = {{"a", ask("big", "x")}, {"b", ask("big", "y")}};
  EXPECT_NEAR(plan(workflow(steps), kModels).seconds_p50, 2 * 20.9, 0.01) << "the server has one slot";
  const json one_by_one = {{"a", ask("small", "x")}, {"b", ask("small", "y")}};
  EXPECT_NEAR(plan(workflow(one_by_one, {{"concurrency", 1}}), kModels).seconds_p50, 2 * 2.9, 0.01);
}

TEST_F(PlanTest, ItemsGoSideBySideAsTheWorkflowSays) {
  json steps = {{"a", ask("small", "{{ item }}")}};
  steps["a"]["foreach"] = "{{ [1, 2, 3, 4] }}";
  steps["a"]["concurrency"] = 2;
  const Plan made = plan(workflow(steps), kModels);
  EXPECT_EQ(made.steps[0].items, 4);
  EXPECT_NEAR(made.seconds_p50, 5.8, 0.01);
}

TEST_F(PlanTest, NothingIsDoneToTheWorld) {
  json steps = {{"a", {{"kind", "command"}, {"with", {{"command", {"/bin/false"}}}}}},
                {"b", {{"kind", "approve"}, {"with", {{"question", "ok?"}}}}},
                {"c", ask("small", "{{ steps.b.output.said }}!")}};
  const Plan made = plan(workflow(steps), kModels);
  EXPECT_EQ(made.finished, made.runs) << made.first_failure->message();
  EXPECT_EQ(made.pretended, (std::vector<std::string>{"a", "b"}));
}

TEST_F(PlanTest, TextThatIsSentTwiceIsCounted) {
  const char* const once = "a line that is long enough to count";
  const Plan alone = plan(workflow({{"a", ask("small", once)}}), kModels);
  EXPECT_EQ(alone.repeated_tokens, 0);
  const std::string again = std::string(once) + "\n{{ steps.a.output }}";
  const Plan twice = plan(workflow({{"a", ask("small", once)}, {"b", ask("small", again.c_str())}}), kModels);
  EXPECT_EQ(twice.repeated_tokens, 9) << "35 bytes";
}

TEST_F(PlanTest, ModelsThatNobodyKnowsAreNamed) {
  const Plan made = plan(workflow({{"a", ask("big", "x")}}), {{"models", {{"small", json::object()}}}});
  EXPECT_EQ(made.unknown, std::vector<std::string>{"big"});
  EXPECT_GT(made.seconds_p50, 0.5);
}

TEST_F(PlanTest, FailuresAreTold) {
  json models = kModels;
  models["models"]["small"]["faults"] = {{"server_error", 1.0}};
  const Plan made = plan(workflow({{"a", ask("small", "x")}}), models);
  EXPECT_EQ(made.finished, 0u);
  EXPECT_TRUE(made.first_failure);
}

TEST_F(PlanTest, InputsAreHeldAgainstTheirSchema) {
  Workflow flow = workflow({{"a", ask("small", "x")}});
  flow.input_schema = {{"type", "object"}, {"required", {"visitor"}}};
  EXPECT_THROW(plan(flow, kModels), Error);
}

JournalOperation answered(const char* step, const char* content, double seconds, double first) {
  JournalOperation operation;
  operation.event.kind = EventKind::call_answered;
  operation.event.step = step;
  operation.event.call = operation.event.attempt = 1;
  json answer;
  answer["choices"][0]["message"]["content"] = content;
  operation.event.payload =
      json{{"model", "small"}, {"seconds", seconds}, {"first_token_seconds", first}, {"answer", answer}}.dump();
  return operation;
}

TEST(MeasuredModels, AreWhatTheJournalHasSeen) {
  const auto journal = open_journal("memory:", Durability::process);
  RunRecord run;
  run.id = "r";
  journal->create(run);
  EXPECT_TRUE(measured_models(*journal, 10)["models"].empty());
  // Of 5 and 10 tokens: a second, and a tenth of one for each token but the first.
  std::vector<JournalOperation> batch = {answered("a", "01234567890123456789", 1.4, 0),
                                         answered("a", "0123456789012345678901234567890123456789", 1.9, 0),
                                         answered("b", "01234567890123456789", 1.4, 0)};
  journal->commit("r", batch);
  const json models = measured_models(*journal, 10);
  const json& speed = models["models"]["small"]["speed"];
  EXPECT_NEAR(speed["output_token_seconds"]["median"].get<double>(), 0.1, 1e-6);
  EXPECT_NEAR(speed["first_token_seconds"]["median"].get<double>(), 1.0, 1e-6);
  ASSERT_EQ(models["answers"].size(), 2u);
  EXPECT_EQ(models["answers"][0]["when"]["step"], "a");
  EXPECT_EQ(models["answers"][0]["one_of"].size(), 2u);
  EXPECT_NO_THROW(read_stand_in_options(models));
}

TEST(MeasuredModels, LongAnswersAreAsSlowAsTheyWere) {
  const auto journal = open_journal("memory:", Durability::process);
  RunRecord run;
  run.id = "r";
  journal->create(run);
  std::vector<JournalOperation> batch;
  // A second; then 0.1, 0.2 or 0.4 s a token: the fastest call does not say how fast all are.
  const double pace[] = {0.1, 0.2, 0.4};
  for (size_t i = 0; i < 30; ++i) {
    const size_t tokens = 10 + 10 * (i / 3);
    batch.push_back(answered("a", std::string(4 * tokens, '0').c_str(), 1 + pace[i % 3] * double(tokens - 1), 0));
  }
  journal->commit("r", batch);
  const json speed = measured_models(*journal, 10)["models"]["small"]["speed"];
  EXPECT_NEAR(speed["output_token_seconds"]["median"].get<double>(), 0.2, 0.05);
  EXPECT_NEAR(speed["output_token_seconds"]["p95"].get<double>(), 0.4, 0.05);
}

TEST_F(PlanTest, MeasuredAnswersFitOtherInputs) {
  const auto journal = open_journal("memory:", Durability::process);
  RunRecord run;
  run.id = "r";
  run.inputs = R"({"name": "Ada Byron"})";
  journal->create(run);
  std::vector<JournalOperation> batch = {answered("a", "Dear Ada Byron!", 1, 0), answered("b", "It is mended.", 1, 0)};
  journal->commit("r", batch);
  const char* const steps = R"({"a": {"kind": "llm", "with": {"model": "small", "prompt": "x"}},
      "b": {"kind": "repair", "with": {"value": "{{ steps.a.output }}", "files": {"a.txt": "{{ value }}"}, "rounds": 1,
            "checks": [{"facts_present": {"facts": ["{{ inputs.name }}"]}}],
            "fix": {"model": "small", "prompt": "{{ findings }}"}}}})";
  const StandInOptions models = read_stand_in_options(measured_models(*journal, 10));
  const Plan made = plan_workflow(workflow(json::parse(steps)), {{{"name", "Bo Li"}}}, models, {});
  EXPECT_EQ(made.finished, made.runs) << made.first_failure->message();
  EXPECT_EQ(made.calls, 1) << "nothing is to be mended";
}

TEST_F(PlanTest, AnswersAreThoseOfRunsOfTheSameSteps) {
  const auto journal = open_journal("memory:", Durability::process);
  const auto steps_of = [](const char* prompt, const char* other) {
    return json{{"a", {{"kind", "llm"}, {"with", {{"model", "small"}, {"prompt", prompt}}}}},
                {"b", {{"kind", "llm"}, {"with", {{"model", "small"}, {"prompt", other}}}}}};
  };
  const auto add_run = [&](const char* id, const json& steps, const char* answer) {
    RunRecord run;
    run.id = id;
    run.workflow_text = json{{"steps", steps}}.dump();
    journal->create(run);
    std::vector<JournalOperation> batch = {answered("a", answer, 1, 0)};
    journal->commit(id, batch);
  };
  add_run("1", steps_of("other", "other"), "of another step");
  add_run("2", steps_of("x", "other"), "of this step");
  const Workflow planned = workflow(steps_of("x", "y"));
  const auto answers = [&] { return measured_models(*journal, 10, &planned)["answers"][0]["one_of"]; };
  EXPECT_EQ(answers(), json::array({"of this step"}));
  add_run("3", json::parse(planned.text)["steps"], "of this workflow");
  EXPECT_EQ(answers(), json::array({"of this workflow"}));
  add_run("4", steps_of("x", "other"), "of this step");
  EXPECT_EQ(answers(), json::array({"of this workflow"}));
  EXPECT_EQ(measured_models(*journal, 10)["answers"][0]["one_of"].size(), 4U);
}

TEST(MeasuredModels, StreamsSayMore) {
  const auto journal = open_journal("memory:", Durability::process);
  RunRecord run;
  run.id = "r";
  journal->create(run);
  std::vector<JournalOperation> batch = {answered("a", "01234567890123456789", 2.4, 2)};
  journal->commit("r", batch);
  const json speed = measured_models(*journal, 10)["models"]["small"]["speed"];
  EXPECT_NEAR(speed["first_token_seconds"]["median"].get<double>(), 2, 1e-9);
  EXPECT_NEAR(speed["output_token_seconds"]["median"].get<double>(), 0.1, 1e-9);
}

}  // namespace
}  // namespace coppice
