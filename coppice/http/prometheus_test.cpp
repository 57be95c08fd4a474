// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/prometheus.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

TEST(PrometheusMetrics, AreThereFromZero) {
  PrometheusMetrics metrics;
  EXPECT_EQ(metrics.text(), "");
  metrics.counter("calls_total", "Calls.", {{"model", "small"}});
  EXPECT_EQ(metrics.text(), "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{model=\"small\"} 0\n");
}

TEST(PrometheusMetrics, AreWrittenByNameAndLabels) {
  PrometheusMetrics metrics;
  metrics.gauge("in_flight", "Now.").set(2.5);
  metrics.counter("calls_total", "Calls.", {{"b", "2"}, {"a", "1"}}).add(3);
  metrics.counter("calls_total", "Calls.", {{"a", "0"}, {"b", "2"}}).add();
  EXPECT_EQ(metrics.text(),
            "# HELP calls_total Calls.\n# TYPE calls_total counter\n"
            "calls_total{a=\"0\",b=\"2\"} 1\ncalls_total{a=\"1\",b=\"2\"} 3\n"
            "# HELP in_flight Now.\n# TYPE in_flight gauge\nin_flight 2.5\n");
}

TEST(PrometheusMetrics, TheSameLabelsAreTheSameCounter) {
  PrometheusMetrics metrics;
  Counter& first = metrics.counter("c", "", {{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(&metrics.counter("c", "", {{"b", "2"}, {"a", "1"}}), &first);
  EXPECT_NE(&metrics.counter("c", "", {{"b", "2"}}), &first);
  first.add(2);
  first.add(-1);
  first.add(std::nan(""));
  EXPECT_EQ(first.value(), 2);
}

TEST(PrometheusMetrics, AHistogramCountsUpToEachBound) {
  PrometheusMetrics metrics;
  Histogram& histogram = metrics.histogram("seconds", "Time.", {0.1, 1, 10}, {{"m", "x"}});
  for (const double value : {0.05, 0.1, 0.5, 100.0, std::nan("")}) histogram.observe(value);
  EXPECT_EQ(metrics.text(),
            "# HELP seconds Time.\n# TYPE seconds histogram\n"
            "seconds_bucket{m=\"x\",le=\"0.1\"} 2\nseconds_bucket{m=\"x\",le=\"1\"} 3\n"
            "seconds_bucket{m=\"x\",le=\"10\"} 3\nseconds_bucket{m=\"x\",le=\"+Inf\"} 4\n"
            "seconds_sum{m=\"x\"} 100.65\nseconds_count{m=\"x\"} 4\n");
  PrometheusMetrics bare;
  bare.histogram("h", "", {std::numeric_limits<double>::infinity()}).observe(7);
  EXPECT_EQ(bare.text(), "# HELP h \n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 7\nh_count 1\n");
}

TEST(PrometheusMetrics, WhatWouldBreakALineIsEscaped) {
  PrometheusMetrics metrics;
  metrics.gauge("g", "a \\ \"b\"\nc", {{"l", "a \\ \"b\"\nc"}}).set(-std::numeric_limits<double>::infinity());
  EXPECT_EQ(metrics.text(), "# HELP g a \\\\ \"b\"\\nc\n# TYPE g gauge\ng{l=\"a \\\\ \\\"b\\\"\\nc\"} -Inf\n");
}

TEST(PrometheusMetrics, RefuseNamesThatAreNone) {
  PrometheusMetrics metrics;
  for (const char* name : {"", "1a", "a-b", "a b", "\xC3\xBC", "a\n"}) {
    EXPECT_THROW(metrics.counter(name, ""), Error) << name;
    EXPECT_THROW(metrics.counter("c", "", {{name, "x"}}), Error) << name;
  }
  EXPECT_THROW(metrics.counter("c", "", {{"a:b", "x"}}), Error);
  EXPECT_THROW(metrics.counter("c", "", {{"a", "x"}, {"a", "y"}}), Error);
  EXPECT_THROW(metrics.histogram("h", "", {1, 1}), Error);
  EXPECT_THROW(metrics.histogram("h", "", {2, 1}), Error);
  EXPECT_THROW(metrics.histogram("h", "", {std::nan("")}), Error);
  EXPECT_THROW(metrics.histogram("h", "", {1}, {{"le", "1"}}), Error);
  EXPECT_EQ(metrics.text(), "");
}

TEST(PrometheusMetrics, AreOfOneKind) {
  PrometheusMetrics metrics;
  metrics.counter("c", "");
  EXPECT_THROW(metrics.gauge("c", ""), Error);
  EXPECT_THROW(metrics.histogram("c", "", {1}), Error);
}

TEST(PrometheusMetrics, ManyThreadsLoseNothing) {
  PrometheusMetrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&metrics] {
      for (int n = 0; n < 5'000; ++n) {
        metrics.counter("c", "").add();
        metrics.histogram("h", "", {0.5}).observe(1);
        if (n % 1'000 == 0) (void)metrics.text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics.counter("c", "").value(), 20'000);
  EXPECT_EQ(metrics.histogram("h", "", {}).sum(), 20'000);
}

}  // namespace
}  // namespace coppice
