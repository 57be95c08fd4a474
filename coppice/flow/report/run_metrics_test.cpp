// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/run_metrics.h"

#include <gtest/gtest.h>

#include <string>

#include "coppice/core/error.h"
#include "coppice/flow/report/traced_run.h"

namespace coppice {
namespace {

std::string text_of(const RunTelemetry& telemetry, int64_t since_nanoseconds = 0) {
  PrometheusMetrics metrics;
  count_run(metrics, telemetry, since_nanoseconds);
  return metrics.text();
}

void expect_line(const std::string& text, const std::string& line) {
  EXPECT_NE(('\n' + text).find('\n' + line + '\n'), std::string::npos) << line << " is not in\n" << text;
}

TEST(RunMetricsTest, ARunIsCountedWithItsStepsCallsTokensAndCost) {
  const std::string text = text_of(traced_run());
  expect_line(text, R"(coppice_flow_runs_total{state="finished",workflow="site"} 1)");
  expect_line(text, R"(coppice_flow_steps_total{state="done",step="writer",workflow="site"} 1)");
  expect_line(text, R"(coppice_flow_calls_total{model="big",operation="chat",outcome="failed",workflow="site"} 1)");
  expect_line(text, R"(coppice_flow_calls_total{model="big",operation="chat",outcome="answered",workflow="site"} 1)");
  expect_line(text, R"(coppice_flow_tokens_total{model="small",type="input",workflow="site"} 100)");
  expect_line(text, R"(coppice_flow_cost_usd_total{model="big",workflow="site"} 0.03)");
  expect_line(text, R"(coppice_flow_call_seconds_bucket{model="small",workflow="site",le="2.5"} 1)");
  expect_line(text, R"(coppice_flow_first_token_seconds_count{model="small",workflow="site"} 1)");
  expect_line(text, R"(coppice_flow_run_seconds_sum{state="finished",workflow="site"} 20)");
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST(RunMetricsTest, WhatWasDoneBeforeIsNotCountedAgain) {
  const std::string text = text_of(traced_run(), TracedEvents::kZero + 5'500'000'000);
  EXPECT_EQ(text.find("model=\"small\""), std::string::npos);
  EXPECT_EQ(text.find("outcome=\"failed\""), std::string::npos);
  expect_line(text, R"(coppice_flow_cost_usd_total{model="big",workflow="site"} 0.02)");
  expect_line(text, R"(coppice_flow_runs_total{state="finished",workflow="site"} 1)");
}

TEST(MergedMetricsTest, CountersAndHistogramsAreAddedUp) {
  PrometheusMetrics first, second;
  first.counter("a_total", "A.", {{"x", "with a space"}}).add(2);
  first.histogram("h", "H.", {1, 10}).observe(5);
  second.counter("a_total", "A.", {{"x", "with a space"}}).add(0.5);
  second.counter("a_total", "A.", {{"x", "y"}}).add(1);
  second.counter("b_total", "B.").add(7);
  second.histogram("h", "H.", {1, 10}).observe(0.5);
  EXPECT_EQ(merged_metrics(first.text(), second.text()),
            "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"with a space\"} 2.5\na_total{x=\"y\"} 1\n"
            "# HELP b_total B.\n# TYPE b_total counter\nb_total 7\n"
            "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"10\"} 2\nh_bucket{le=\"+Inf\"} 2\n"
            "h_sum 5.5\nh_count 2\n");
}

TEST(MergedMetricsTest, OfGaugesTheLaterOneCounts) {
  PrometheusMetrics first, second;
  first.gauge("g", "G.").set(5);
  second.gauge("g", "G.").set(3);
  EXPECT_EQ(merged_metrics(first.text(), second.text()), "# HELP g G.\n# TYPE g gauge\ng 3\n");
}

TEST(MergedMetricsTest, NothingChangesWhatItIsAddedTo) {
  const std::string text = text_of(traced_run());
  EXPECT_EQ(merged_metrics("", text), text);
  EXPECT_EQ(merged_metrics(text, ""), text);
}

TEST(MergedMetricsTest, WhatIsNoSuchTextIsRefused) {
  for (const char* text :
       {"hello", "a 1\n", "# HELP a A.\n# TYPE a counter\na one\n", "# HELP a A.\n# TYPE a counter\na 1\na 2\n",
        "# HELP a A.\n# TYPE a counter\na 1 17000\n1"}) {
    EXPECT_THROW(merged_metrics(text, ""), Error) << text;
  }
}

}  // namespace
}  // namespace coppice
