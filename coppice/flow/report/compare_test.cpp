// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "coppice/core/random.h"

namespace coppice {
namespace {

std::shared_ptr<const RunSummary> summary_of(const char* id, double seconds, double cost_dollars) {
  auto summary = std::make_shared<RunSummary>();
  summary->record.id = id;
  summary->record.state = "finished";
  summary->seconds = seconds;
  StepSummary step;
  step.name = "writer";
  step.state = "done";
  step.calls = 2;
  step.seconds = step.ended_seconds = seconds;
  step.cost = Money::of_dollars(cost_dollars);
  summary->steps.push_back(step);
  step.name = "judge";
  step.state = "skipped";
  step.calls = 0;
  step.seconds = 0;
  step.cost = {};
  summary->steps.push_back(step);
  return summary;
}

ComparedRun finished(size_t variant, size_t input, double seconds, double cost_dollars, const char* id = "r") {
  ComparedRun run;
  run.variant = variant;
  run.input = input;
  run.finished = run.accepted = run.is_checked = true;
  run.score = 1;
  run.seconds = seconds;
  run.cost_dollars = cost_dollars;
  run.provenance = Provenance::measured;
  run.summary = summary_of(id, seconds, cost_dollars);
  return run;
}

ComparedRun failed(size_t variant, size_t input, const char* error) {
  ComparedRun run;
  run.variant = variant;
  run.input = input;
  run.error = error;
  run.error_code = ErrorCode::remote;
  return run;
}

CompareOptions options() {
  CompareOptions made;
  made.variants = {"single", "decomposed"};
  return made;
}

TEST(CompareTest, TheTypicalRunIsTheOneNearestToTheMedian) {
  const Comparison made =
      compare({finished(0, 0, 1, 0.1, "a"), finished(0, 1, 3, 0.1, "b"), finished(0, 2, 10, 0.1, "c")}, options());
  ASSERT_TRUE(made.figures[0].typical);
  EXPECT_EQ(made.figures[0].typical->record.id, "b");
  EXPECT_FALSE(made.figures[1].typical);
  EXPECT_EQ(to_json(made)["variants"][0]["typical_run"], "b");
  EXPECT_TRUE(to_json(made)["variants"][1]["typical_run"].is_null());
}

TEST(CompareTest, StepsHaveTheirMeans) {
  const Comparison made = compare({finished(0, 0, 1, 0.1), finished(0, 1, 3, 0.3)}, options());
  ASSERT_EQ(made.figures[0].steps.size(), 2U);
  const StepFigures& writer = made.figures[0].steps[0];
  EXPECT_DOUBLE_EQ(writer.cost_dollars, 0.2);
  EXPECT_DOUBLE_EQ(writer.calls, 2);
  EXPECT_DOUBLE_EQ(writer.seconds, 2);
  EXPECT_DOUBLE_EQ(writer.ran, 1);
  EXPECT_DOUBLE_EQ(made.figures[0].steps[1].ran, 0) << "it was skipped";
}

TEST(CompareTest, ARunThatWasInterruptedIsInNoLatency) {
  std::vector<ComparedRun> runs = {finished(0, 0, 1, 0.1), finished(0, 1, 2, 0.1), finished(0, 2, 500, 0.1, "late")};
  runs[2].was_resumed = true;
  const Comparison made = compare(runs, options());
  EXPECT_DOUBLE_EQ(made.figures[0].latency_p50.value, 1.5);
  EXPECT_LE(made.figures[0].latency_p95.value, 2);
  EXPECT_TRUE(to_json(made)["variants"][0]["latency_p95_seconds"]["high"].is_null()) << "two runs know of no longest";
  EXPECT_EQ(made.figures[0].resumed, 1U);
  EXPECT_EQ(made.figures[0].finished, 3U) << "but it is in all others";
  EXPECT_DOUBLE_EQ(made.figures[0].cost.value, 0.1);
  EXPECT_NE(made.figures[0].typical->record.id, "late");
  EXPECT_EQ(to_json(made)["variants"][0]["resumed"], 1);
}

TEST(CompareTest, WhatCallsOfUnknownEndWereChargedIsNoPriceOfAVariant) {
  std::vector<ComparedRun> runs = {finished(0, 0, 1, 0.1), finished(0, 1, 1, 0.1)};
  auto summary = std::make_shared<RunSummary>(*runs[1].summary);
  summary->steps[0].cost += Money::of_dollars(0.04);
  summary->steps[0].unknown.add(Money::of_dollars(0.04));
  runs[1].unknown = summary->steps[0].unknown;
  runs[1].summary = summary;
  const Comparison made = compare(runs, options());
  EXPECT_DOUBLE_EQ(made.figures[0].cost.value, 0.1);
  EXPECT_DOUBLE_EQ(made.figures[0].cost_per_accepted.value, 0.1);
  EXPECT_DOUBLE_EQ(made.figures[0].steps[0].cost_dollars, 0.1);
  EXPECT_EQ(made.figures[0].unknown.cost, Money::of_dollars(0.04));
  EXPECT_DOUBLE_EQ(to_json(made)["variants"][0]["unknown_cost_usd"], 0.04);
  EXPECT_EQ(to_json(made)["variants"][0]["unknown_calls"], 1);
}

TEST(CompareTest, WithoutOutputsThereIsNoCoherence) {
  const Comparison made = compare({failed(0, 0, "x"), finished(1, 0, 1, 0.1), failed(1, 1, "x")}, options());
  EXPECT_TRUE(std::isnan(made.figures[0].coherence));
  EXPECT_TRUE(to_json(made)["variants"][0]["coherence"].is_null());
  EXPECT_DOUBLE_EQ(made.figures[1].coherence, 1);
}

TEST(CompareTest, EachVariantSaysWhereItsFiguresComeFrom) {
  std::vector<ComparedRun> runs = {finished(0, 0, 1, 0.1), finished(1, 0, 1, 0.1)};
  runs[1].provenance = Provenance::simulated;
  const auto told = to_json(compare(runs, options()));
  EXPECT_EQ(told["provenance"], "simulated");
  EXPECT_EQ(told["variants"][0]["provenance"], "measured");
  EXPECT_EQ(told["variants"][1]["provenance"], "simulated");
}

TEST(CompareTest, WhereNobodyAnsweredNothingIsMeasured) {
  const Comparison made = compare({failed(0, 0, "no server"), failed(1, 0, "no key")}, options());
  EXPECT_EQ(to_json(made)["provenance"], "none");
  EXPECT_EQ(made.figures[0].failures.at("no server"), 1U);
}

TEST(CompareTest, OnlyWhereNoRunHasFinishedTheComparisonHasFailed) {
  const auto failure = failure_of_all({failed(0, 0, "no server"), failed(1, 0, "no key")});
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), ErrorCode::remote);
  EXPECT_NE(failure->message().find("no server"), std::string::npos);
  EXPECT_FALSE(failure_of_all({failed(0, 0, "no server"), finished(1, 0, 1, 0.1)}));
}

TEST(CompareTest, OfOneInputNothingIsDecidedAndMoreAreAskedFor) {
  const Comparison made = compare({finished(0, 0, 1, 0.2), finished(1, 0, 1, 0.1)}, options());
  EXPECT_EQ(made.against_first[0].verdict, Verdict::undecided);
  EXPECT_EQ(made.against_first[0].more_inputs, 5U);
  EXPECT_EQ(more_inputs_text(made.against_first[0]), "at least 5 more inputs must be tried");
}

std::vector<ComparedRun> cheaper_and_as_good(size_t inputs) {
  std::vector<ComparedRun> runs;
  for (size_t i = 0; i < inputs; ++i) {
    runs.push_back(finished(0, i, 1, 0.2 + 0.001 * static_cast<double>(i % 3)));
    runs.push_back(finished(1, i, 1, 0.1 + 0.001 * static_cast<double>(i % 5)));
  }
  return runs;
}

TEST(CompareTest, ThatAFewAreAllAcceptedDoesNotShowThatAsManyAre) {
  const VariantComparison few = compare(cheaper_and_as_good(6), options()).against_first[0];
  EXPECT_EQ(few.verdict, Verdict::undecided);
  EXPECT_LT(few.accepted_gain.low, -0.2);
  const size_t needed = 6 + few.more_inputs;
  EXPECT_EQ(compare(cheaper_and_as_good(needed), options()).against_first[0].verdict, Verdict::decompose) << needed;
  EXPECT_EQ(compare(cheaper_and_as_good(needed - 1), options()).against_first[0].verdict, Verdict::undecided);
  CompareOptions lax = options();
  lax.quality_margin = 0.3;
  EXPECT_EQ(compare(cheaper_and_as_good(6), lax).against_first[0].verdict, Verdict::decompose);
}

/// Two variants that do the same at prices and lengths as models have them: seldom one is said to be the better one.
TEST(CompareTest, VariantsThatAreAlikeAreSeldomToldApart) {
  Random random(5, 1);
  const auto cost = [&] {
    double sum = -6;
    for (int k = 0; k < 12; ++k) sum += random.uniform();
    return 1e-3 * std::exp(0.56 * sum);  // the 95th percentile is 2.5 times the median
  };
  for (const double accepted : {1.0, 0.5}) {
    for (const size_t inputs : {2, 3, 4, 5, 6, 8}) {
      const size_t tries = inputs < kFewestGroups ? 600 : 400;  // which take longer
      size_t decided = 0;
      for (size_t i = 0; i < tries; ++i) {
        std::vector<ComparedRun> runs;
        for (size_t k = 0; k < 2 * inputs; ++k) {
          ComparedRun run = finished(k % 2, k / 2, 1, cost());
          run.summary = nullptr;
          run.accepted = random.uniform() < accepted;
          runs.push_back(run);
        }
        CompareOptions some = options();
        some.seed = i;
        decided += compare(runs, some).against_first[0].verdict == Verdict::undecided ? 0 : 1;
      }
      EXPECT_LE(decided, tries * 8 / 100) << inputs << " inputs; 5 %, and 3 % for the number of tries";
      if (inputs < kFewestGroups && accepted == 1) {
        EXPECT_EQ(decided, 0U) << inputs;
      }
    }
  }
}

TEST(CompareTest, WhereNothingChecksTheOutputsQualityIsNotWeighed) {
  std::vector<ComparedRun> runs = cheaper_and_as_good(200);
  ASSERT_EQ(compare(runs, options()).against_first[0].verdict, Verdict::decompose);
  for (const bool is_cheaper : {true, false}) {
    for (ComparedRun& run : runs) run.is_checked = run.variant == 0;
    for (ComparedRun& run : runs) run.cost_dollars = (run.variant == 0) == is_cheaper ? 0.2 : 0.1;
    const VariantComparison unchecked = compare(runs, options()).against_first[0];
    EXPECT_EQ(unchecked.verdict, Verdict::undecided);
    EXPECT_EQ(unchecked.why, "nothing checks the outputs: that a run finished says nothing of quality");
    EXPECT_EQ(more_inputs_text(unchecked), "");
    CompareOptions careless = options();
    careless.quality_margin = 1;
    EXPECT_EQ(compare(runs, careless).against_first[0].verdict, is_cheaper ? Verdict::decompose : Verdict::do_not);
  }
  for (ComparedRun& run : runs) run.finished = run.accepted = run.variant == 0;
  EXPECT_EQ(compare(runs, options()).against_first[0].verdict, Verdict::do_not) << "that runs fail is known";
}

TEST(CompareTest, RunsOfOneInputAreNoOtherInputs) {
  std::vector<ComparedRun> runs = cheaper_and_as_good(200);
  for (size_t i = 0; i < runs.size(); ++i) runs[i].input = i / 2 % 4;
  const Comparison made = compare(runs, options());
  EXPECT_EQ(made.inputs, 4U);
  EXPECT_EQ(made.against_first[0].verdict, Verdict::undecided);
  EXPECT_EQ(made.against_first[0].more_inputs, 2U);
  EXPECT_EQ(made.against_first[0].why, "4 inputs do not tell how others fare");
}

TEST(CompareTest, ASavingIsHeldAgainstTheUsualOne) {
  EXPECT_TRUE(usual_saving_text(0.5).starts_with("less than the 70 to 90 %"));
  EXPECT_TRUE(usual_saving_text(0.8).starts_with("within"));
  EXPECT_TRUE(usual_saving_text(0.95).starts_with("more than"));
  EXPECT_EQ(usual_saving_text(-0.1), "");
}

TEST(CompareTest, WhereNothingIsAcceptedNothingIsWeighed) {
  const Comparison made =
      compare({failed(0, 0, "x"), failed(1, 0, "x"), failed(0, 1, "x"), failed(1, 1, "x")}, options());
  EXPECT_EQ(made.against_first[0].verdict, Verdict::undecided);
  EXPECT_NE(made.against_first[0].why.find("no output of either"), std::string::npos);
  EXPECT_EQ(made.against_first[0].more_inputs, 0U);
}

TEST(CompareTest, WhatIsCheaperAtFirstPaysUpToTheCrossing) {
  std::vector<ComparedRun> runs = cheaper_and_as_good(12);
  for (ComparedRun& run : runs) run.variant = 1 - run.variant;  // decomposed, single
  CompareOptions some = options();
  some.ownership = {{8000, 0}, {0, 0}};
  const Comparison made = compare(runs, some);
  const BreakEven& pays = made.against_first[0].pays;
  EXPECT_TRUE(pays.is_up_to);
  EXPECT_NEAR(pays.users.value, 8000 / 30.0 / 0.1, 50);
  EXPECT_LT(pays.users.low, pays.users.value);
  EXPECT_GT(pays.users.high, pays.users.value);
  const double before = pays.users.value - 1, after = pays.users.value + 1;
  EXPECT_LT(total_dollars(made, 1, before), total_dollars(made, 0, before));
  EXPECT_GT(total_dollars(made, 1, after), total_dollars(made, 0, after));
  const auto told = to_json(made)["against_first"][0];
  EXPECT_EQ(told["pays"], "up to");
  EXPECT_NEAR(told["break_even_users"]["value"].get<double>(), pays.users.value, 1e-6);
}

TEST(CompareTest, CostsBesideCallsAreOwnershipHoweverSmall) {
  CompareOptions some = options();
  EXPECT_FALSE(some.has_ownership());
  some.ownership.assign(2, {});
  EXPECT_FALSE(some.has_ownership());
  some.ownership[1].operations_dollars = 1e-6;
  EXPECT_TRUE(some.has_ownership());
}

}  // namespace
}  // namespace coppice
