// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/run/run_summary.h"
#include "coppice/flow/temporary_folder.h"

namespace coppice {
namespace {

using nlohmann::json;

/// Counts how often it is done, and fails as often as it is told.
class CountingKind : public FunctionKind {
 public:
  struct Counts {
    std::atomic<int> done = 0, failures_left = 0;  // threads beside the loop do such steps
  };
  explicit CountingKind(Counts& counts) : counts_(counts) {}
  std::string name() const override { return "count"; }
  json with_schema() const override { return {{"type", "object"}}; }
  json run(const StepInput& input) const override {
    const int done = ++counts_.done;
    if (counts_.failures_left > 0) {
      --counts_.failures_left;
      throw Error(ErrorCode::remote, "not yet");
    }
    return input.with.value("value", json(done));
  }
  bool is_slow() const override { return true; }

 private:
  Counts& counts_;
};

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() {
    add_kinds(kinds_, {});
    kinds_.add(std::make_unique<CountingKind>(counts_));
  }

  Workflow workflow(const json& steps, const json& result = nullptr) {
    json whole = {{"workflow", "test"}, {"steps", steps}};
    if (!result.is_null()) whole["outputs"]["result"] = result;
    return read_workflow_text(whole.dump(), kinds_);
  }

  RunOutcome run(const Workflow& flow, json inputs = json::object()) {
    Runner runner(options_, observer_);
    return runner.run({&flow, std::move(inputs), {}});
  }

  CountingKind::Counts counts_;
  StepKinds kinds_;
  RunObserver observer_;
  RunnerOptions options_;
};

json step(const char* kind, json with) {
  return {{"kind", kind}, {"with", std::move(with)}};
}
json text(const char* value) {
  return step("template", {{"value", value}});
}

TEST_F(RunnerTest, StepsGetWhatThoseBeforeThemPutOut) {
  const Workflow flow =
      workflow({{"b", text("{{ steps.a.output + 1 }}")}, {"a", text("{{ inputs.x * 2 }}")}}, "{{ steps.b.output }}");
  EXPECT_EQ(flow.steps.front().name, "a") << "each after those that it needs";
  const RunOutcome outcome = run(flow, {{"x", 20}});
  EXPECT_EQ(outcome.state, "finished");
  EXPECT_EQ(outcome.result, 41);
}

TEST_F(RunnerTest, AForeachKeepsTheOrderOfItsItems) {
  json steps = {{"a", step("count", {{"value", "{{ item }}:{{ index }}"}})}};
  steps["a"]["foreach"] = "{{ inputs }}";
  const RunOutcome outcome = run(workflow(steps, "{{ steps.a.output }}"), {"x", "y", "z"});
  EXPECT_EQ(outcome.result, (json{"x:0", "y:1", "z:2"}));
}

TEST_F(RunnerTest, AForeachOfNothingPutsOutNothing) {
  json steps = {{"a", step("count", {{"value", "{{ item }}"}})}, {"b", step("template", {{"value", "{{ item }}"}})}};
  steps["a"]["foreach"] = steps["b"]["foreach"] = "{{ [] }}";
  EXPECT_EQ(run(workflow(steps, json{"{{ steps.a.output }}", "{{ steps.b.output }}"})).result,
            (json{json::array(), json::array()}));
}

TEST_F(RunnerTest, AStepThatFailsIsTriedAgainWhereTheWorkflowSaysSo) {
  json steps = {{"a", step("count", {{"value", 7}})}};
  steps["a"]["retry"] = {{"times", 2}, {"delay", 0}};
  counts_.failures_left = 2;
  EXPECT_EQ(run(workflow(steps, "{{ steps.a.output }}")).result, 7);
  EXPECT_EQ(counts_.done, 3);
  counts_.failures_left = 3;
  const RunOutcome failed = run(workflow(steps, "{{ steps.a.output }}"));
  EXPECT_EQ(failed.state, "failed");
  EXPECT_EQ(failed.error->code(), ErrorCode::remote);
}

TEST_F(RunnerTest, AnOptionalStepMayFailAndThoseThatCannotDoWithoutItAreSkipped) {
  json steps = {{"a", step("count", {{"value", 1}})},
                {"b", text("{{ steps.a.output }}")},
                {"c", text("{{ steps.a.output | default('none') }}")}};
  steps["a"]["optional"] = true;
  counts_.failures_left = 1;
  const RunOutcome outcome = run(workflow(steps, json{"{{ steps.b.state }}", "{{ steps.c.output }}"}));
  EXPECT_EQ(outcome.state, "finished");
  EXPECT_EQ(outcome.result, (json{"skipped", "none"}));
}

TEST_F(RunnerTest, ARunThatFailedGoesOnAndDoesNothingTwice) {
  const TemporaryFolder folder;
  options_.journal = (folder.path() / "runs.db").string();
  const Workflow flow =
      workflow({{"a", step("count", {{"value", 1}})}, {"b", step("count", {{"value", "{{ steps.a.output + 1 }}"}})}},
               "{{ steps.b.output }}");
  RunSettings settings;
  settings.id = "r1";
  struct FailSecond : RunObserver {
    CountingKind::Counts& counts;
    explicit FailSecond(CountingKind::Counts& of) : counts(of) {}
    void step_ended(const StepSpec& ended, StepState, double, Money) override {
      if (ended.name == "a") counts.failures_left = 1;
    }
  } observer(counts_);
  {
    Runner first(options_, observer);
    EXPECT_EQ(first.run({&flow, json::object(), settings}).state, "failed");
  }
  EXPECT_EQ(counts_.done, 2);
  counts_.failures_left = 0;
  Runner runner(options_, observer_);
  const RunOutcome outcome = runner.resume(kinds_, settings);
  EXPECT_EQ(outcome.state, "finished");
  EXPECT_EQ(outcome.result, 2);
  EXPECT_EQ(counts_.done, 3) << "a was not done again";
  const size_t events = runner.journal().events("r1").size();
  const RunOutcome again = runner.resume(kinds_, settings);
  EXPECT_TRUE(again.was_finished);
  EXPECT_EQ(again.result, 2);
  EXPECT_EQ(counts_.done, 3) << "a finished run is looked at alone";
  EXPECT_EQ(runner.journal().events("r1").size(), events);
}

TEST_F(RunnerTest, AForkKeepsWhatComesBefore) {
  const Workflow flow =
      workflow({{"a", step("count", {{"value", 1}})}, {"b", step("count", {{"value", "{{ steps.a.output + 1 }}"}})}},
               "{{ steps.b.output }}");
  Runner runner(options_, observer_);
  RunSettings settings;
  settings.id = "r1";
  runner.run({&flow, json::object(), settings});
  const RunOutcome forked = runner.fork(kinds_, "r1", "b", {});
  EXPECT_EQ(forked.result, 2);
  EXPECT_EQ(counts_.done, 3);
  EXPECT_EQ(runner.journal().find(forked.id)->parent, "r1");
  EXPECT_THROW(runner.fork(kinds_, "r1", "c", {}), Error);
}

/// A workflow of one step that is cached, and how it is run.
/// Stops the runner once an item has ended.
class StoppingObserver : public RunObserver {
 public:
  void item_ended(const StepSpec& /*step*/, size_t /*ended*/, size_t /*items*/) override {
    if (runner != nullptr) runner->stop();
  }
  Runner* runner = nullptr;
};

TEST_F(RunnerTest, WhatIsStoppedOnRequestIsNoFailedRunAndGoesOn) {
  StoppingObserver stopping;
  Runner runner(options_, stopping);
  stopping.runner = &runner;
  const json many = {
      {"kind", "count"}, {"foreach", "{{ [1, 2, 3, 4, 5, 6, 7, 8] }}"}, {"concurrency", 1}, {"with", {}}};
  const Workflow flow = workflow({{"a", many}}, "{{ steps.a.output | length }}");
  RunSettings settings;
  settings.id = "r1";
  settings.journal_flag = " --journal x.db";
  const RunOutcome stopped = runner.run({&flow, json::object(), settings});
  EXPECT_EQ(stopped.state, "stopped");
  EXPECT_EQ(stopped.steps[0].state, StepState::stopped);
  ASSERT_TRUE(stopped.error);
  EXPECT_EQ(stopped.error->code(), ErrorCode::cancelled);
  EXPECT_EQ(stopped.error->hint(), "coppice flow resume r1 --journal x.db goes on");
  const RunSummary summary = summarize(*runner.journal().find("r1"), runner.journal().events("r1"));
  EXPECT_EQ(state_of(summary.record), "stopped");
  EXPECT_EQ(summary.steps[0].state, "stopped");
  EXPECT_LT(summary.steps[0].items, summary.steps[0].all_items);
  stopping.runner = nullptr;
  EXPECT_EQ(runner.resume(kinds_, settings).result, 8);
}

TEST_F(RunnerTest, EachItemThatAsksAPersonIsNamed) {
  const json ask = {{"kind", "approve"}, {"foreach", "{{ ['x', 'y'] }}"}, {"with", {{"question", "{{ item }}?"}}}};
  const Workflow flow = workflow({{"ok", ask}});
  RunSettings settings;
  settings.id = "r1";
  Runner runner(options_, observer_);
  const RunOutcome asked = runner.run({&flow, json::object(), settings});
  ASSERT_EQ(asked.questions.size(), 2U);
  EXPECT_EQ(asked.questions[1].step, "ok");
  EXPECT_EQ(asked.questions[1].item, 1);
  EXPECT_EQ(asked.questions[1].text, "y?");
  JournalOperation yes;
  yes.event.kind = EventKind::approved;
  yes.event.step = "ok";
  yes.event.item = 1;
  yes.event.payload = R"({"approved": true, "by": "Ada", "said": ""})";
  runner.journal().commit("r1", {&yes, 1});
  const RunOutcome rest = runner.resume(kinds_, settings);
  ASSERT_EQ(rest.questions.size(), 1U);
  EXPECT_EQ(rest.questions[0].item, 0);
  const RunSummary summary = summarize(*runner.journal().find("r1"), runner.journal().events("r1"));
  EXPECT_EQ(summary.steps[0].state, "waiting");
  EXPECT_EQ(items_text(summary.steps[0]), "1 of 2");
}

class CachingTest : public RunnerTest {
 protected:
  RunOutcome done(json with, RunSettings settings = {}) { return done_as("a", std::move(with), std::move(settings)); }

  RunOutcome done_as(const char* name, json with, RunSettings settings = {}) {
    json steps = {{name, step("count", std::move(with))}};
    steps[name]["cache"] = cache_;
    if (!persona_.empty()) steps[name]["persona"] = persona_;
    flow_ = workflow(steps, "{{ steps." + std::string(name) + ".output }}");
    flow_.name = workflow_name_;
    return runner_.run({&flow_, json::object(), std::move(settings)});
  }

  static RunSettings of_tenant(const char* tenant) {
    RunSettings settings;
    settings.tenant = tenant;
    return settings;
  }

  json cache_ = true;
  std::string persona_, workflow_name_ = "test";
  Workflow flow_;
  Runner runner_{options_, observer_};
};

TEST_F(CachingTest, WhatWasAskedBeforeIsTakenFromTheCache) {
  EXPECT_EQ(done(json::object()).result, 1);
  const RunOutcome second = done_as("b", json::object());  // a step's name is nothing to it
  EXPECT_EQ(second.result, 1);
  EXPECT_EQ(second.steps[0].cached, 1U);
  EXPECT_EQ(second.cached(), 1U);
  EXPECT_EQ(counts_.done, 1);
  const RunSummary told = summarize(*runner_.journal().find(second.id), runner_.journal().events(second.id));
  EXPECT_EQ(told.steps[0].cached, 1U);
  EXPECT_EQ(to_json(told)["steps"][0]["cached"], 1);
}

TEST_F(CachingTest, SomethingElseIsAskedAnew) {
  done(json::object());
  EXPECT_EQ(done({{"x", 1}}).result, 2);
  persona_ = "a poet";
  EXPECT_EQ(done(json::object()).result, 3);
  RunSettings settings;
  settings.uses_cache = false;
  EXPECT_EQ(done(json::object(), settings).result, 4);
  EXPECT_EQ(done(json::object()).result, 3) << "the one without a cache has left nothing there";
}

TEST_F(CachingTest, TenantsAreAmongThemselvesUnlessTheWorkflowSaysOtherwise) {
  EXPECT_EQ(done(json::object()).result, 1);
  EXPECT_EQ(done(json::object(), of_tenant("acme")).result, 2);
  EXPECT_EQ(done(json::object(), of_tenant("acme")).result, 2);
  workflow_name_ = "another";
  EXPECT_EQ(done(json::object(), of_tenant("acme")).result, 2);
  cache_ = {{"scope", "workflow"}};
  EXPECT_EQ(done(json::object(), of_tenant("acme")).result, 3);
  EXPECT_EQ(done(json::object(), of_tenant("other")).result, 3);
  workflow_name_ = "acme";  // a tenant's name is no workflow's
  EXPECT_EQ(done(json::object(), of_tenant("other")).result, 4);
}

TEST_F(CachingTest, WhatFailsIsNotKept) {
  counts_.failures_left = 1;
  EXPECT_EQ(done(json::object()).state, "failed");
  EXPECT_EQ(done(json::object()).result, 2);
}

TEST_F(CachingTest, AForkAsksAnew) {
  RunSettings settings;
  settings.id = "r1";
  done(json::object(), settings);
  EXPECT_EQ(runner_.fork(kinds_, "r1", "a", {}).result, 2);
}

TEST_F(CachingTest, ARunThatGoesOnKnowsWhatCameFromTheCache) {
  json steps = {{"a", step("count", json::object())}, {"b", step("count", {{"value", "{{ steps.a.output + 1 }}"}})}};
  steps["a"]["cache"] = true;
  const Workflow flow = workflow(steps, "{{ steps.b.output }}");
  done(json::object());
  RunSettings settings;
  settings.id = "r1";
  counts_.failures_left = 1;
  EXPECT_EQ(runner_.run({&flow, json::object(), settings}).state, "failed");
  const RunOutcome resumed = runner_.resume(kinds_, settings);
  EXPECT_EQ(resumed.result, 2);
  EXPECT_EQ(resumed.cached(), 1U);
  EXPECT_EQ(counts_.done, 3);
}

TEST_F(CachingTest, ItemsAreCachedEach) {
  json steps = {{"a", step("count", {{"value", "{{ item }}"}})}};
  steps["a"]["foreach"] = "{{ inputs }}";
  steps["a"]["concurrency"] = 1;
  steps["a"]["cache"] = true;
  const Workflow flow = workflow(steps, "{{ steps.a.output }}");
  const RunOutcome first = runner_.run({&flow, {"x", "y", "x"}, {}});
  EXPECT_EQ(first.cached(), 1U);
  const RunOutcome second = runner_.run({&flow, {"y", "z"}, {}});
  EXPECT_EQ(second.result, (json{"y", "z"}));
  EXPECT_EQ(second.cached(), 1U);
}

TEST_F(CachingTest, WhatChangesTheWorldIsRefused) {
  for (json changing : {step("http", {{"url", "http://h/"}, {"method", "POST"}}),
                        step("http", {{"url", "http://h/"}, {"method", "{{ inputs.m }}"}}),
                        step("sql", {{"database", "d"}, {"query", "q"}, {"write", true}}),
                        step("sql", {{"database", "d"}, {"query", "q"}, {"write", "{{ inputs.w }}"}}),
                        step("command", {{"command", {"ls"}}}), step("approve", {{"question", "?"}})}) {
    EXPECT_NO_THROW(workflow({{"a", changing}})) << changing;
    changing["cache"] = true;
    EXPECT_THROW(workflow({{"a", changing}}), FaultyWorkflow) << changing;
    changing["cache"] = false;
    EXPECT_NO_THROW(workflow({{"a", changing}})) << changing;
  }
  json pure = step("command", {{"command", {"ls"}}, {"effect", "pure"}});
  pure["cache"] = {{"seconds", 5}, {"scope", "tenant"}};
  EXPECT_EQ(workflow({{"a", pure}}).steps[0].cache->seconds, 5);
}

TEST_F(RunnerTest, InputsThatTheWorkflowDoesNotTakeAreRefusedBeforeAnythingIsWritten) {
  json whole = {
      {"workflow", "test"}, {"inputs", {{"type", "object"}, {"required", {"x"}}}}, {"steps", {{"a", text("1")}}}};
  const Workflow flow = read_workflow_text(whole.dump(), kinds_);
  Runner runner(options_, observer_);
  EXPECT_THROW(runner.run({&flow, json::object(), {}}), Error);
  EXPECT_TRUE(runner.journal().list(10).empty());
}

TEST_F(RunnerTest, ManyRunsEndEach) {
  const Workflow flow = workflow({{"a", step("count", {{"value", "{{ inputs.x }}"}})}}, "{{ steps.a.output }}");
  std::vector<RunTask> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back({&flow, {{"x", i}}, {}});
  Runner runner(options_, observer_);
  std::vector<int> results(50, -1);
  runner.run_all(tasks, 8, [&](size_t task, const RunOutcome& outcome) { results[task] = outcome.result; });
  for (int i = 0; i < 50; ++i) EXPECT_EQ(results[static_cast<size_t>(i)], i);
}

TEST_F(RunnerTest, WhatLeavesItsFolderIsRefused) {
  for (const char* path : {"../x", "/x", "a/../../x", "a//b", "", ".", "a\\b", "x/"}) {
    json whole = {{"workflow", "test"},
                  {"steps", {{"a", text(path)}}},
                  {"outputs", {{"files", {{{"path", "{{ steps.a.output }}"}, {"content", "x"}}}}}}};
    const RunOutcome outcome = run(read_workflow_text(whole.dump(), kinds_));
    EXPECT_EQ(outcome.state, "failed") << path;
  }
}

}  // namespace
}  // namespace coppice
