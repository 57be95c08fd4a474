// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/step_verdicts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/report/compared_run.h"
#include "coppice/flow/report/step_figures.h"

namespace coppice {
namespace {

using nlohmann::json;

const json kReportGood = {{"passed", true}, {"score", 1.0}, {"checks", json::array()}};
const json kReportBad = {{"passed", false}, {"score", 0.5}, {"checks", json::array()}};

class StepVerdictsTest : public testing::Test {
 public:
  StepVerdictsTest() {
    add_kinds(kinds_, {});
    workflow_ = read_workflow_text(R"json({"workflow": "w",
      "endpoints": {"e": {"url": "http://127.0.0.1:9/v1"}}, "models": {"m": {"endpoint": "e", "model": "m"}},
      "steps": {
        "facts": {"kind": "template", "with": {"value": "x"}},
        "writer": {"kind": "llm", "with": {"model": "m", "prompt": "{{ steps.facts.output }}"}},
        "painter": {"kind": "llm", "with": {"model": "m", "prompt": "x"}},
        "mend": {"kind": "repair", "with": {"value": "{{ steps.writer.output }}", "files": {"f": "{{ value }}"},
                 "checks": ["html_parses"], "must_pass": true,
                 "fix": {"model": "m", "prompt": "{{ findings }}"}}},
        "look": {"kind": "check", "with": {"files": {"f": "{{ steps.facts.output }} {{ steps.painter.output }}"},
                 "checks": ["html_parses"], "must_pass": true}},
        "together": {"kind": "check", "foreach": "{{ [1, 2] }}",
                     "with": {"files": {"a": "{{ steps.mend.output.value }}", "b": "{{ steps.painter.output }}"},
                              "checks": ["html_parses"]}},
        "judge": {"kind": "llm", "with": {"model": "m",
                  "prompt": "{{ steps.mend.output.value }} {{ steps.facts.output }}",
                  "schema": {"type": "object", "required": ["score"],
                             "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 10}}}}}},
      "outputs": {"files": [{"path": "f", "content": "{{ steps.mend.output.value }}"}], "checks": ["html_parses"]}})json",
                                   kinds_);
  }

  StepVerdictsTest& add(EventKind kind, const std::string& step, const json& payload, int64_t item = -1) {
    Event event;
    event.kind = kind;
    event.step = step;
    event.item = item;
    event.payload = payload.dump();
    events_.push_back(std::move(event));
    return *this;
  }
  StepVerdictsTest& done(const std::string& step, const json& output, int64_t item = -1) {
    return add(EventKind::step_done, step, {{"output", output}}, item);
  }

  /// "mend on writer: passed 0, score 0.5", sorted.
  std::string told(const std::optional<CheckReport>& outputs = {}) const {
    std::vector<std::string> lines;
    for (const StepVerdict& one : step_verdicts(workflow_, events_, outputs)) {
      std::string line = one.by + " on";
      for (const std::string& step : one.of) line += " " + step;
      const auto number = [](double value) { return std::isnan(value) ? "-" : json(value).dump(); };
      lines.push_back(line + ": passed " + number(one.passed) + ", score " + number(one.score) + "\n");
    }
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines) text += line;
    return text;
  }

  StepKinds kinds_;
  Workflow workflow_;
  std::vector<Event> events_;
};

TEST_F(StepVerdictsTest, EachJudgeSpeaksOfWhatItLookedAt) {
  add(EventKind::note, "mend", {{"round", 0}, {"passed", false}, {"score", 0.25}});
  add(EventKind::note, "mend", {{"remark", "a cheaper model"}});
  add(EventKind::note, "mend", {{"round", 1}, {"passed", true}, {"score", 1.0}});
  done("mend", {{"value", "x"}, {"passed", true}, {"rounds", 1}, {"report", kReportGood}});
  done("look", kReportBad)
      .done("together", kReportGood, 0)
      .done("together", kReportBad, 1)
      .done("judge", {{"score", 7}});
  CheckReport outputs;
  outputs.passed = true;
  outputs.score = 1;
  EXPECT_EQ(told(outputs),
            "judge on mend: passed -, score 0.7\n"
            "look on painter: passed 0.0, score 0.5\n"
            "mend on mend: passed 1.0, score 1.0\n"
            "mend on writer: passed 0.0, score 0.25\n"
            "outputs.checks on mend: passed 1.0, score 1.0\n"
            "together on mend painter: passed 0.5, score 0.75\n");
}

TEST_F(StepVerdictsTest, WhatMustPassAndDidNotIsAVerdictAndOtherFailuresAreNone) {
  EXPECT_EQ(told(), "") << "nothing was put out";
  add(EventKind::note, "mend", {{"round", 0}, {"passed", false}, {"score", 0.25}});
  add(EventKind::note, "mend", {{"round", 1}, {"passed", false}, {"score", 0.5}});
  add(EventKind::step_failed, "mend", {{"code", "data"}, {"error", "x"}});
  add(EventKind::step_failed, "look", {{"code", "data"}, {"error", "x"}});
  EXPECT_EQ(told(),
            "look on painter: passed 0.0, score -\n"
            "mend on mend: passed 0.0, score 0.5\n"
            "mend on writer: passed 0.0, score 0.25\n");
  events_.back().payload = R"({"code": "timeout"})";
  events_[events_.size() - 2].payload = R"({"code": "remote"})";
  EXPECT_EQ(told(), "mend on writer: passed 0.0, score 0.25\n") << "of the first round it is known";
}

ComparedRun judged(size_t input, const char* state, std::vector<StepVerdict> verdicts) {
  auto summary = std::make_shared<RunSummary>();
  summary->steps.emplace_back();
  summary->steps[0].name = "writer";
  summary->steps[0].state = state;
  ComparedRun run;
  run.input = input;
  run.summary = summary;
  run.verdicts = std::move(verdicts);
  return run;
}

TEST(StepFiguresTest, QualityIsOfTheRunsThatWereJudgedWithAnIntervalOverInputs) {
  const std::vector<ComparedRun> runs = {
      judged(0, "done", {{"mend", {"writer"}, 1, 1}, {"look", {"writer", "x"}, 0, 0.5}}),
      judged(1, "done", {{"mend", {"writer"}, 0, 0.5}}), judged(2, "failed", {}), judged(3, "waiting", {})};
  const std::vector<StepFigures> steps = step_figures({{&runs[0]}, {&runs[1]}, {&runs[2]}, {&runs[3]}}, 1);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_NEAR(steps[0].done.value, 2.0 / 3, 1e-12) << "the last one has not ended";
  EXPECT_LT(steps[0].done.low, 0.5);
  ASSERT_EQ(steps[0].quality.size(), 2U);
  const StepQuality& mend = steps[0].quality[0];
  EXPECT_EQ(mend.by, "mend");
  EXPECT_EQ(mend.runs, 2U);
  EXPECT_DOUBLE_EQ(mend.passed.value, 0.5);
  EXPECT_DOUBLE_EQ(mend.score.value, 0.75);
  EXPECT_LT(mend.passed.low, 0.2);
  EXPECT_GT(mend.passed.high, 0.8);
  const StepQuality& look = steps[0].quality[1];
  EXPECT_EQ(look.together_with, std::vector<std::string>{"x"});
  EXPECT_EQ(look.runs, 1U);
  const nlohmann::ordered_json told = to_json(steps[0]);
  EXPECT_EQ(told["quality"][1]["together_with"], json::array({"x"}));
  EXPECT_EQ(told["quality"][0]["score"]["value"], 0.75);
}

TEST(StepFiguresTest, AScoreThatIsNotAlwaysSaidIsNone) {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  const std::vector<ComparedRun> runs = {judged(0, "done", {{"look", {"writer"}, 1, 1}}),
                                         judged(1, "done", {{"look", {"writer"}, 0, unknown}})};
  const std::vector<StepFigures> steps = step_figures({{&runs[0]}, {&runs[1]}}, 1);
  EXPECT_DOUBLE_EQ(steps.at(0).quality.at(0).passed.value, 0.5);
  EXPECT_TRUE(std::isnan(steps[0].quality[0].score.value)) << "the mean of those that passed would be too good";
}

TEST_F(StepVerdictsTest, OnlyWhatMustPassDecidesWhatIsAccepted) {
  EXPECT_TRUE(checks_outputs(workflow_));
  workflow_.checks.reset();
  EXPECT_TRUE(checks_outputs(workflow_)) << "a check and a repair must pass";
  workflow_.steps[3].optional = true;
  EXPECT_TRUE(checks_outputs(workflow_));
  workflow_.steps[4].optional = true;
  EXPECT_FALSE(checks_outputs(workflow_)) << "the others fail no run, and judges neither";
}

}  // namespace
}  // namespace coppice
