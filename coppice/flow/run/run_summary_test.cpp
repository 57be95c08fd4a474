// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "coppice/flow/report/run_metrics.h"
#include "coppice/flow/report/traced_run.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr double kHour = 3600, kDay = 24 * kHour;

RunSummary summary_of(const TracedEvents& events) {
  return summarize(events.record, events.events);
}

const StepSummary& step(const RunSummary& run, const std::string& name) {
  for (const StepSummary& one : run.steps) {
    if (one.name == name) return one;
  }
  throw std::out_of_range("no step " + name);
}

void expect_nothing_below_zero(const RunSummary& run) {
  EXPECT_GE(run.seconds, 0);
  EXPECT_GE(run.waited_seconds, 0);
  for (const StepSummary& one : run.steps) {
    EXPECT_GE(one.began_seconds, 0) << one.name;
    EXPECT_GE(one.seconds, 0) << one.name;
    EXPECT_GE(one.ended_seconds, one.began_seconds) << one.name;
    EXPECT_LE(one.ended_seconds, run.seconds + 1e-9) << one.name;
  }
  for (const CallSummary& one : run.calls) {
    EXPECT_GE(one.began_seconds, 0) << one.step;
    EXPECT_GE(one.seconds, 0) << one.step;
  }
}

/// A call of two seconds and a step of three, in a run of four; from 1.5 s on the clock is `jump` seconds off.
TracedEvents run_with_a_jump(double jump, bool says_seconds) {
  TracedEvents events;
  const auto payload = [&](Json about, double seconds) {
    if (says_seconds) about["seconds"] = seconds;
    return about;
  };
  events.start(0).intend(1, "writer", 1, 1, "small");
  events.add(3 + jump, EventKind::call_answered, "writer", payload({{"answer", Json::object()}}, 2), 1, 1);
  events.add(3 + jump, EventKind::step_done, "writer", payload({{"output", "x"}}, 3));
  events.add(4 + jump, EventKind::run_finished, {}, payload(Json::object(), 4));
  return events;
}

TEST(RunSummaryTest, AClockThatIsSetBackByAnHourChangesNothing) {
  const RunSummary run = summary_of(run_with_a_jump(-kHour, true));
  expect_nothing_below_zero(run);
  EXPECT_DOUBLE_EQ(run.seconds, 4);
  ASSERT_EQ(run.calls.size(), 1U);
  EXPECT_DOUBLE_EQ(run.calls[0].began_seconds, 1);
  EXPECT_DOUBLE_EQ(run.calls[0].seconds, 2);
  EXPECT_NEAR(step(run, "writer").began_seconds, 0, 1e-6);
  EXPECT_NEAR(step(run, "writer").seconds, 3, 1e-6);
}

TEST(RunSummaryTest, AClockThatIsSetForwardMovesNeitherCallsNorTheRun) {
  const RunSummary run = summary_of(run_with_a_jump(kHour, true));
  EXPECT_DOUBLE_EQ(run.seconds, 4);
  EXPECT_DOUBLE_EQ(run.calls[0].seconds, 2);
}

TEST(RunSummaryTest, JournalsThatSayNoSecondsAreToldByTheWallAndNeverBelowZero) {
  const RunSummary even = summary_of(run_with_a_jump(0, false));
  EXPECT_DOUBLE_EQ(even.seconds, 4);
  EXPECT_DOUBLE_EQ(even.calls[0].seconds, 2);
  const RunSummary back = summary_of(run_with_a_jump(-kHour, false));
  expect_nothing_below_zero(back);
  EXPECT_DOUBLE_EQ(back.seconds, 2) << "a second before the jump, a second after it";
}

/// Killed two seconds into a step of which one item was done; a day later it goes on, for three seconds.
TracedEvents killed_and_resumed(double later) {
  TracedEvents events;
  events.start(0).intend(0.5, "writer", 1, 1, "small");
  events.intend(1, "judge", 1, 1, "big");
  events.add(2, EventKind::step_done, "writer", {{"seconds", 1.5}, {"output", "x"}});
  events.add(later, EventKind::call_unknown, "judge", {}, 1, 1);
  events.add(later, EventKind::run_resumed, {}, {});
  events.intend(later + 1, "judge", 1, 1, "big");
  events.add(later + 2.5, EventKind::call_answered, "judge", {{"answer", Json::object()}, {"seconds", 1.5}}, 1, 1);
  events.add(later + 3, EventKind::step_done, "judge", {{"seconds", 3}, {"output", "x"}});
  events.add(later + 3, EventKind::run_finished, {}, {{"seconds", 3}});
  return events;
}

TEST(RunSummaryTest, TheTimeBetweenTheEndOfAProcessAndTheNextOneIsNoWork) {
  const RunSummary run = summary_of(killed_and_resumed(kDay));
  expect_nothing_below_zero(run);
  EXPECT_DOUBLE_EQ(run.seconds, 5);
  EXPECT_DOUBLE_EQ(run.waited_seconds, kDay - 2);
  EXPECT_EQ(run.resumptions, 1U);
  EXPECT_DOUBLE_EQ(step(run, "judge").began_seconds, 1) << "where it began first";
  EXPECT_DOUBLE_EQ(step(run, "judge").seconds, 4);
  ASSERT_EQ(run.calls.size(), 3U);
  EXPECT_EQ(run.calls[1].end, EventKind::call_unknown);
  EXPECT_DOUBLE_EQ(run.calls[1].seconds, 1) << "until the process ended";
  EXPECT_DOUBLE_EQ(run.calls[2].began_seconds, 3);
  const auto told = to_json(run);
  EXPECT_EQ(told["resumptions"], 1);
  EXPECT_DOUBLE_EQ(told["waited_seconds"], kDay - 2);
}

TEST(RunSummaryTest, AResumptionUnderAClockThatWasSetBackIsNoTimeBelowZero) {
  const RunSummary run = summary_of(killed_and_resumed(-kHour));
  expect_nothing_below_zero(run);
  EXPECT_DOUBLE_EQ(run.seconds, 5);
  EXPECT_DOUBLE_EQ(run.waited_seconds, 0);
}

TEST(RunSummaryTest, TracesHaveTheTimesOfTheWallAndFiguresTheTimeOfWork) {
  TracedEvents events = killed_and_resumed(kDay);
  const RunTelemetry telemetry = events.telemetry("finished");
  EXPECT_DOUBLE_EQ(telemetry.ended_seconds, kDay + 3);
  for (const StepSummary& one : telemetry.steps) {
    if (one.name != "judge") continue;
    EXPECT_DOUBLE_EQ(one.began_seconds, 1);
    EXPECT_DOUBLE_EQ(one.ended_seconds, kDay + 3);
  }
  EXPECT_DOUBLE_EQ(telemetry.operations.back().began_seconds, kDay + 1);
  EXPECT_DOUBLE_EQ(telemetry.operations.back().ended_seconds, kDay + 2.5);
  PrometheusMetrics metrics;
  count_run(metrics, telemetry, TracedEvents::kZero + static_cast<int64_t>((kDay - 1) * 1e9));
  const std::string text = metrics.text();
  for (const char* line : {"coppice_flow_run_seconds_sum{state=\"finished\",workflow=\"site\"} 5\n",
                           "coppice_flow_step_seconds_sum{step=\"judge\",workflow=\"site\"} 4\n",
                           "outcome=\"unknown\",workflow=\"site\"} 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " is not in\n" << text;
  }
}

TEST(RunSummaryTest, WhatAForkHasFromItsParentTakesNoTime) {
  TracedEvents events;
  events.add(-100, EventKind::step_done, "finder", {{"seconds", 30}, {"output", "x"}});
  events.start(0);
  events.add(1, EventKind::step_done, "writer", {{"seconds", 0.5}, {"output", "x"}});
  const RunSummary run = summary_of(events);
  expect_nothing_below_zero(run);
  EXPECT_TRUE(step(run, "finder").is_kept);
  EXPECT_DOUBLE_EQ(step(run, "finder").seconds, 0);
  EXPECT_FALSE(step(run, "writer").is_kept);
  EXPECT_DOUBLE_EQ(run.seconds, 1);
}

TEST(RunSummaryTest, AStepThatIsUnderWayTakesAsLongAsTheRunSoFar) {
  TracedEvents events;
  events.start(0).intend(1, "writer", 1, 1, "small").intend(3, "judge", 1, 1, "big");
  const RunSummary run = summary_of(events);
  expect_nothing_below_zero(run);
  EXPECT_DOUBLE_EQ(run.calls[0].seconds, 2);
  EXPECT_DOUBLE_EQ(step(run, "writer").seconds, 2);
}

TEST(RunSummaryTest, AStepOfWhichAnItemFailedStaysFailedWhateverBecomesOfItsOtherItems) {
  TracedEvents events;
  events.start(0).add(1, EventKind::step_done, "poster", {{"seconds", 1}, {"output", "one"}});
  events.add(2, EventKind::step_failed, "poster", {{"error", "no such page"}, {"code", "remote"}, {"seconds", 2}});
  events.add(3, EventKind::step_done, "poster", {{"seconds", 3}, {"output", "three"}});
  const RunSummary failed = summary_of(events);
  EXPECT_EQ(step(failed, "poster").state, "failed");
  EXPECT_EQ(step(failed, "poster").error, "no such page");
  EXPECT_EQ(step(failed, "poster").items, 2U);
  EXPECT_EQ(to_json(failed)["steps"][0]["state"], "failed");
  EXPECT_DOUBLE_EQ(step(failed, "poster").ended_seconds, 3) << "the last of its items";
  events.add(4, EventKind::run_resumed, {}, {});
  EXPECT_EQ(step(summary_of(events), "poster").state, "interrupted") << "items of it are done";
  EXPECT_EQ(step(summary_of(events), "poster").error, "");
  events.add(5, EventKind::step_done, "poster", {{"seconds", 1}, {"output", "two"}});
  EXPECT_EQ(step(summary_of(events), "poster").state, "done");
}

TEST(RunSummaryTest, WhatIsAssumedOfTheCostIsToldApart) {
  TracedEvents events;
  events.start(0).intend(1, "writer", 1, 1, "small").intend(1, "judge", 1, 1, "small");
  events.add(9, EventKind::call_unknown, "writer", {}, 1, 1, Money::of_dollars(0.04));
  events.add(9, EventKind::run_resumed, {}, {});
  events.answer(10, "judge", 1, 1, Money::of_dollars(0.02));
  const RunSummary run = summary_of(events);
  EXPECT_EQ(cost_text(run.cost, run.unknown), "$0.0600, of it $0.0400 for 1 call whose end is unknown");
  EXPECT_EQ(step(run, "writer").unknown.cost, Money::of_dollars(0.04));
  EXPECT_EQ(step(run, "judge").unknown.calls, 0U);
  EXPECT_EQ(to_json(run)["unknown_calls"], 1);
  EXPECT_DOUBLE_EQ(to_json(run)["unknown_cost_usd"], 0.04);
  EXPECT_EQ(cost_text(Money::of_dollars(0.02), {}), "$0.0200");
}

TEST(RunSummaryTest, ARunThatNobodyWorksOnIsInterruptedAndSoAreItsCalls) {
  TracedEvents events;
  events.start(0).intend(1, "writer", 1, 1, "small");
  EXPECT_EQ(to_json(summary_of(events))["state"], "interrupted");
  EXPECT_EQ(to_json(summary_of(events), true)["calls"][0]["outcome"], "interrupted");
  events.record.is_worked_on = true;
  EXPECT_EQ(to_json(summary_of(events))["state"], "running");
  EXPECT_EQ(to_json(summary_of(events), true)["calls"][0]["outcome"], "under way");
  events.record.is_worked_on = false;
  for (const char* ended : {"finished", "failed", "waiting"}) {
    events.record.state = ended;
    EXPECT_EQ(state_of(events.record), ended);
  }
}

/// Three items of ten are done, and a fourth was asked for.
TracedEvents half_done(bool says_items) {
  TracedEvents events;
  events.start(0);
  for (int64_t item : {0, 2, 1, 2}) {  // one of them twice
    Json about{{"output", "x"}};
    if (says_items) about["items"] = 10;
    events.add(1, EventKind::step_done, "writer", about);
    events.events.back().item = item;
  }
  events.intend(2, "writer", 1, 1, "small");
  events.events.back().item = 3;
  return events;
}

TEST(RunSummaryTest, AForeachThatIsHalfDoneIsAsItsRunIs) {
  TracedEvents events = half_done(true);
  for (const auto& [state, worked_on, expected] :
       std::vector<std::tuple<std::string, bool, std::string>>{{"running", true, "running"},
                                                               {"running", false, "interrupted"},
                                                               {"stopped", false, "stopped"},
                                                               {"failed", false, "stopped"},
                                                               {"waiting", false, "waiting"}}) {
    events.record.state = state;
    events.record.is_worked_on = worked_on;
    const RunSummary run = summary_of(events);
    EXPECT_EQ(step(run, "writer").state, expected) << state;
    EXPECT_EQ(items_text(step(run, "writer")), "3 of 10");
    EXPECT_EQ(to_json(run)["steps"][0]["all_items"], 10);
  }
  for (int64_t item = 3; item < 10; ++item) {
    events.add(3, EventKind::step_done, "writer", {{"output", "x"}, {"items", 10}});
    events.events.back().item = item;
  }
  const RunSummary run = summary_of(events);
  EXPECT_EQ(step(run, "writer").state, "done");
  EXPECT_EQ(items_text(step(run, "writer")), "10");
  EXPECT_FALSE(to_json(run)["steps"][0].contains("all_items"));
}

TEST(RunSummaryTest, OfAJournalThatDoesNotSayHowManyItemsThereAreThoseThatEndedAreCounted) {
  const RunSummary run = summary_of(half_done(false));
  EXPECT_EQ(step(run, "writer").state, "done");
  EXPECT_EQ(items_text(step(run, "writer")), "4");
}

TEST(RunSummaryTest, AStepThatHasBegunIsAsItsRunIs) {
  TracedEvents events;
  events.start(0).intend(1, "writer", 1, 1, "small");
  events.record.is_worked_on = true;
  EXPECT_EQ(step(summary_of(events), "writer").state, "running");
  events.record.is_worked_on = false;
  EXPECT_EQ(step(summary_of(events), "writer").state, "interrupted");
}

TEST(RunSummaryTest, AQuestionIsOpenUntilSomebodyAnswers) {
  TracedEvents events;
  const Json asks{{kQuestionNote, "Publish?"}};
  events.start(0).add(1, EventKind::note, "poster", asks);
  events.add(2, EventKind::run_resumed, {}, {}).add(3, EventKind::note, "poster", asks);
  const RunSummary waits = summary_of(events);
  ASSERT_EQ(step(waits, "poster").questions.size(), 1U) << "asked twice";
  EXPECT_EQ(step(waits, "poster").questions[0].text, "Publish?");
  EXPECT_EQ(step(waits, "poster").state, "waiting");
  EXPECT_EQ(to_json(waits)["steps"][0]["questions"], Json({"Publish?"}));
  events.add(4, EventKind::approved, "poster", {{"approved", true}});
  EXPECT_TRUE(step(summary_of(events), "poster").questions.empty());
}

TEST(RunSummaryTest, WhereAnswersComeFromIsTold) {
  const auto provenance = [](const std::vector<const char*>& of_answers) {
    TracedEvents events;
    events.start(0);
    uint32_t call = 0;
    for (const char* of : of_answers) {
      events.intend(1, "writer", ++call, 1, "small");
      Json payload{{"answer", Json::object()}, {"seconds", 1}};
      if (*of != 0) payload["provenance"] = of;
      events.add(2, EventKind::call_answered, "writer", payload, call, 1);
    }
    events.intend(2, "writer", ++call, 1, "small");
    events.add(3, EventKind::call_failed, "writer", {{"provenance", "simulated"}, {"seconds", 1}}, call, 1);
    return to_json(summarize(events.record, events.events))["provenance"].get<std::string>();
  };
  EXPECT_EQ(provenance({}), "none") << "a call that fails is no answer";
  EXPECT_EQ(provenance({"measured"}), "measured");
  EXPECT_EQ(provenance({"measured", "replayed"}), "replayed");
  EXPECT_EQ(provenance({"simulated", "measured"}), "simulated");
  EXPECT_EQ(provenance({"measured", ""}), "unrecorded") << "in journals of earlier versions";
}

TEST(RunSummaryTest, WhatTheRunWasMadeOfIsTold) {
  TracedEvents events;
  events.start(0).intend(1, "writer", 1, 1, "small").answer(2, "writer", 1, 1);
  events.record.tenant = "acme";
  events.record.parent = "r0";
  events.record.prices_hash = "abc";
  const auto told = to_json(summary_of(events), true);
  EXPECT_EQ(told["tenant"], "acme");
  EXPECT_EQ(told["parent"], "r0");
  EXPECT_EQ(told["prices_hash"], "abc");
  EXPECT_EQ(told["created"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(told["created_ns"], TracedEvents::kZero);
  EXPECT_EQ(told["calls"][0]["model"], "small");
  EXPECT_EQ(told["calls"][0]["outcome"], "answered");
  EXPECT_FALSE(to_json(summary_of(events)).contains("calls"));
}

}  // namespace
}  // namespace coppice
