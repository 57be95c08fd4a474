// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/comparison_runs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/temporary_folder.h"

namespace coppice {
namespace {

using nlohmann::json;

/// Counts how often it is done; fails, or stops the runner, when it is told.
class CountingKind : public FunctionKind {
 public:
  struct Orders {
    std::atomic<int> done = 0;
    int fails_at = 0;  ///< the number of the time at which it fails; 0 = never
    ErrorCode code = ErrorCode::remote;
    int stops_at = 0;  ///< the number of the time at which it stops `runner`, being slow; 0 = never
    Runner* runner = nullptr;
  };
  explicit CountingKind(Orders& orders) : orders_(orders) {}
  std::string name() const override { return "count"; }
  json with_schema() const override { return {{"type", "object"}}; }
  json run(const StepInput& input) const override {
    const int number = ++orders_.done;
    if (number == orders_.fails_at) throw Error(orders_.code, "not now");
    if (number == orders_.stops_at) orders_.runner->stop();
    return input.with["value"];
  }
  bool is_slow() const override { return orders_.stops_at > 0; }

 private:
  Orders& orders_;
};

class ComparisonRunsTest : public testing::Test {
 protected:
  ComparisonRunsTest() {
    add_kinds(kinds_, {});
    kinds_.add(std::make_unique<CountingKind>(orders_));
    options_.journal = (folder_.path() / "runs.db").string();
    comparison_.id = "c";
    comparison_.workflows = {variant("one", "x"), variant("two", "y")};
    comparison_.inputs = {{{"n", 1}}, {{"n", 2}}};
  }

  Workflow variant(const char* name, const char* word) {
    const json whole = {
        {"workflow", "test"},
        {"steps",
         {{"many",
           {{"kind", "count"}, {"foreach", "{{ [inputs.n, 7] }}"}, {"with", {{"value", "{{ item }} {{ index }}"}}}}},
          {"none", {{"kind", "count"}, {"foreach", "{{ [] }}"}, {"with", {{"value", "{{ item }}"}}}}},
          {"never", {{"kind", "template"}, {"if", "false"}, {"with", {{"value", 1}}}}},
          {"last",
           {{"kind", "count"}, {"with", {{"value", std::string(word) + " {{ steps.many.output | join(',') }}"}}}}}}},
        {"outputs",
         {{"files",
           {{{"path", "page.txt"},
             {"content", "{{ steps.last.output }} {{ steps.none.output | length }} {{ steps.never.state }}"}}}},
          {"checks", {{{"size", {{"most_bytes", 1000}}}}}}}}};
    Workflow made = read_workflow_text(whole.dump(), kinds_);
    made.variant = name;
    return made;
  }

  struct Seen {
    std::vector<ComparedRun> runs;
    size_t read_back = 0;
  };
  Seen compare_all() {
    Runner runner(options_, observer_);
    orders_.runner = &runner;
    Seen seen;
    seen.runs = run_comparison(runner, comparison_, [&](const ComparisonStep& step) {
      if (step.was_there) ++seen.read_back;
    });
    return seen;
  }

  TemporaryFolder folder_;
  CountingKind::Orders orders_;
  StepKinds kinds_;
  RunObserver observer_;
  RunnerOptions options_;
  ComparisonRuns comparison_;
};

TEST_F(ComparisonRunsTest, EqualInputsAreRepeatsOfOne) {
  comparison_.inputs = {{{"n", 1}}, {{"n", 2}}, {{"n", 1}}};
  const Seen seen = compare_all();
  std::vector<size_t> inputs;
  for (const ComparedRun& run : seen.runs) inputs.push_back(run.input);
  EXPECT_EQ(inputs, (std::vector<size_t>{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(orders_.done, 18) << "each is run";
}

TEST_F(ComparisonRunsTest, WhatHasEndedIsReadBackAsItWasAndNotDoneAgain) {
  const Seen first = compare_all();
  ASSERT_EQ(first.runs.size(), 4U);
  EXPECT_EQ(orders_.done, 12);
  EXPECT_EQ(first.read_back, 0U);
  const Seen again = compare_all();
  EXPECT_EQ(orders_.done, 12);
  EXPECT_EQ(again.read_back, 4U);
  for (size_t i = 0; i < 4; ++i) {
    const ComparedRun &a = first.runs[i], &b = again.runs[i];
    EXPECT_TRUE(a.finished && b.finished) << b.error;
    EXPECT_TRUE(a.accepted && b.accepted);
    EXPECT_EQ(a.text, b.text);
    EXPECT_EQ(a.seconds, b.seconds);
    EXPECT_EQ(a.critical_seconds, b.critical_seconds);
    EXPECT_FALSE(b.was_resumed);
  }
  EXPECT_EQ(again.runs[0].text, "x 1 0,7 1 0 skipped\n");
  EXPECT_EQ(again.runs[3].text, "y 2 0,7 1 0 skipped\n");
}

TEST_F(ComparisonRunsTest, WhatIsReadBackIsWhatTheRunSaid) {
  Runner runner(options_, observer_);
  RunSettings settings;
  settings.id = "r";
  const Workflow& flow = comparison_.workflows[0];
  const RunOutcome live = runner.run({&flow, comparison_.inputs[0], settings});
  const ComparedRun read = compared_run(flow, *runner.journal().find("r"), runner.journal().events("r"));
  EXPECT_EQ(read.seconds, live.seconds) << "to the last bit: it is written down";
  EXPECT_EQ(read.accepted, live.checks->passed);
  EXPECT_EQ(read.score, live.checks->score);
  EXPECT_EQ(read.text, live.files.at(0).bytes + "\n");
}

TEST_F(ComparisonRunsTest, WhatCallsOfUnknownEndWereChargedIsNoCostOfTheRun) {
  compare_all();
  Runner runner(options_, observer_);
  const RunRecord record = runner.journal().list(1).at(0);
  std::vector<Event> events = runner.journal().events(record.id);
  Event call;
  call.step = "last";
  call.call = call.attempt = 1;
  for (const EventKind kind : {EventKind::call_intended, EventKind::call_unknown}) {
    call.kind = kind;
    call.amount = Money::of_dollars(0.04);
    events.push_back(call);
  }
  const size_t variant = record.variant == "one" ? 0 : 1;
  const ComparedRun read = compared_run(comparison_.workflows[variant], record, events);
  EXPECT_DOUBLE_EQ(read.cost_dollars, 0);
  EXPECT_EQ(read.unknown.calls, 1U);
  EXPECT_EQ(read.unknown.cost, Money::of_dollars(0.04));
}

TEST_F(ComparisonRunsTest, MoreInputsAndRepeatsCostOnlyThemselves) {
  compare_all();
  comparison_.inputs.push_back({{"n", 3}});
  EXPECT_EQ(compare_all().runs.size(), 6U);
  EXPECT_EQ(orders_.done, 18);
  comparison_.repeats = 2;
  EXPECT_EQ(compare_all().runs.size(), 12U);
  EXPECT_EQ(orders_.done, 36);
}

TEST_F(ComparisonRunsTest, AFailureStaysOneUnlessItIsToBeTriedAgain) {
  orders_.fails_at = 3;
  const Seen first = compare_all();
  EXPECT_FALSE(first.runs[0].finished);
  EXPECT_EQ(first.runs[0].error_code, ErrorCode::remote);
  EXPECT_NE(first.runs[0].error.find("not now"), std::string::npos);
  const Seen again = compare_all();
  EXPECT_EQ(orders_.done, 12);
  EXPECT_EQ(again.runs[0].error, first.runs[0].error);
  EXPECT_EQ(again.runs[0].error_code, ErrorCode::remote);
  comparison_.retries_failed = true;
  const Seen tried = compare_all();
  EXPECT_TRUE(tried.runs[0].finished);
  EXPECT_TRUE(tried.runs[0].was_resumed);
  EXPECT_EQ(orders_.done, 13) << "only what had failed";
  EXPECT_EQ(tried.read_back, 3U);
}

TEST_F(ComparisonRunsTest, WhatWasStoppedGoesOn) {
  orders_.stops_at = 1;
  comparison_.inputs.resize(1);
  try {
    compare_all();
    FAIL() << "a run was stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
    EXPECT_NE(error.hint().find("--id c"), std::string::npos);
  }
  orders_.stops_at = 0;
  const Seen again = compare_all();
  EXPECT_TRUE(again.runs[0].finished);
  EXPECT_TRUE(again.runs[0].was_resumed);
}

TEST_F(ComparisonRunsTest, ARunThatAPersonDeniedHasFailedAndWasNotStopped) {
  orders_.fails_at = 2;
  orders_.code = ErrorCode::cancelled;
  const Seen first = compare_all();
  EXPECT_FALSE(first.runs[0].finished);
  EXPECT_EQ(first.runs[0].error_code, ErrorCode::cancelled);
  EXPECT_EQ(compare_all().read_back, 4U);
}

TEST_F(ComparisonRunsTest, RunsOfSomethingElseAreNotTaken) {
  compare_all();
  std::swap(comparison_.inputs[0], comparison_.inputs[1]);
  EXPECT_THROW(compare_all(), Error);
  std::swap(comparison_.inputs[0], comparison_.inputs[1]);
  comparison_.workflows[1] = variant("two", "z");
  EXPECT_THROW(compare_all(), Error);
  comparison_.id = "d";
  EXPECT_NO_THROW(compare_all());
}

TEST_F(ComparisonRunsTest, WhatCannotBeginIsNoFigure) {
  comparison_.workflows[1].must_allow.insert("command");
  EXPECT_THROW(compare_all(), Error);
}

}  // namespace
}  // namespace coppice
