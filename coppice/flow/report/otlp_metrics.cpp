// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coppice/flow/report/otlp.h"
#include "coppice/http/prometheus.h"

namespace coppice {
namespace {

using nlohmann::ordered_json;

/// opentelemetry-proto's AGGREGATION_TEMPORALITY_DELTA: what this run alone adds.
constexpr int kDelta = 1;

// The bounds that the conventions want.
const std::vector<double> kOperationSeconds{0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                                            1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
const std::vector<double> kWorkflowSeconds{0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6};
const std::vector<double> kTokens{1,     4,     16,     64,      256,     1024,     4096,
                                  16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};

/// Values of one metric, by their attributes.
class Series {
 public:
  explicit Series(const std::vector<double>& bounds) : bounds_(bounds) {}

  void add(const OtlpAttributes& attributes, double value) {
    Point& point = points_.try_emplace(attributes.json().dump(), attributes.json(), bounds_).first->second;
    point.values.observe(value);
    point.least = std::min(point.least, value);
    point.most = std::max(point.most, value);
  }

  ordered_json histogram(const ordered_json& times) const {
    ordered_json points = ordered_json::array();
    for (const auto& [key, point] : points_) points.push_back(to_json(point, times));
    return {{"aggregationTemporality", kDelta}, {"dataPoints", std::move(points)}};
  }

  bool empty() const noexcept { return points_.empty(); }

 private:
  struct Point {
    Point(ordered_json attributes_, const std::vector<double>& bounds)
        : attributes(std::move(attributes_)), values(bounds) {}
    ordered_json attributes;
    Histogram values;
    double least = HUGE_VAL, most = -HUGE_VAL;
  };

  static ordered_json to_json(const Point& point, const ordered_json& times) {
    ordered_json made = {{"attributes", point.attributes}};
    made.update(times);
    uint64_t count = 0;
    ordered_json counts = ordered_json::array();
    for (const uint64_t one : point.values.counts()) {
      count += one;
      counts.push_back(std::to_string(one));
    }
    made["count"] = std::to_string(count);
    made["sum"] = point.values.sum();
    made["bucketCounts"] = std::move(counts);
    made["explicitBounds"] = point.values.bounds();
    made["min"] = point.least;
    made["max"] = point.most;
    return made;
  }

  std::vector<double> bounds_;
  std::map<std::string, Point> points_;
};

OtlpAttributes attributes_of(const TracedOperation& operation) {
  OtlpAttributes made;
  made.text("gen_ai.operation.name", operation.name)
      .text("gen_ai.provider.name", operation.provider)
      .text("gen_ai.request.model", operation.last().model)
      .text("gen_ai.response.model", operation.last().answered_by)
      .text("server.address", operation.host)
      .whole_unless_zero("server.port", operation.port);
  return made;
}

class Metrics {
 public:
  explicit Metrics(const RunTelemetry& telemetry) : telemetry_(telemetry) {
    times_ = {{"startTimeUnixNano", otlp_time(telemetry.zero_nanoseconds, 0)},
              {"timeUnixNano", otlp_time(telemetry.zero_nanoseconds, telemetry.ended_seconds)}};
    for (const TracedOperation& operation : telemetry.operations) {
      if (operation.asks_model()) add(operation);
    }
    add_run();
  }

  ordered_json json() const {
    ordered_json all = ordered_json::array();
    add_to(all, {"gen_ai.client.operation.duration", "GenAI operation duration.", "s"}, operations_);
    add_to(all, {"gen_ai.client.token.usage", "Number of input and output tokens used.", "{token}"}, tokens_);
    add_to(all, {"gen_ai.invoke_agent.duration", "How long runs of a workflow take.", "s"}, workflow_);
    if (!costs_.empty()) all.push_back(cost_sum());
    return all;
  }

 private:
  struct Name {
    const char *name, *description, *unit;
  };

  void add(const TracedOperation& operation) {
    const bool has_ended =
        operation.last().end == EventKind::call_answered || operation.last().end == EventKind::call_failed;
    if (has_ended) {
      OtlpAttributes timed = attributes_of(operation);
      timed.text("error.type", operation.last().error_type);
      operations_.add(timed, operation.ended_seconds - operation.began_seconds);
    }
    if (!operation.usage.is_estimated) add_tokens(operation);
    const OtlpAttributes attributes = attributes_of(operation);
    auto& cost = costs_.try_emplace(attributes.json().dump(), attributes.json(), Money{}).first->second.second;
    cost += operation.cost;
  }

  void add_tokens(const TracedOperation& operation) {
    const auto add_one = [&](const char* type, uint64_t tokens) {
      if (tokens == 0) return;
      OtlpAttributes counted = attributes_of(operation);
      counted.text("gen_ai.token.type", type);
      tokens_.add(counted, static_cast<double>(tokens));
    };
    add_one("input", operation.usage.input_tokens);
    add_one("output", operation.usage.output_tokens);
  }

  void add_run() {
    const RunRecord& record = telemetry_.run.record;
    const bool is_cut_short = record.state == "failed" || record.state == "stopped";
    if (record.state != "finished" && !is_cut_short) return;
    OtlpAttributes attributes;
    attributes.text("gen_ai.operation.name", "invoke_workflow").text("gen_ai.agent.name", record.workflow);
    if (is_cut_short) {
      attributes.text("error.type", telemetry_.run.error_type.empty() ? "_OTHER" : telemetry_.run.error_type);
    }
    workflow_.add(attributes, telemetry_.run.seconds);
  }

  void add_to(ordered_json& all, const Name& name, const Series& series) const {
    if (series.empty()) return;
    all.push_back({{"name", name.name},
                   {"description", name.description},
                   {"unit", name.unit},
                   {"histogram", series.histogram(times_)}});
  }

  ordered_json cost_sum() const {
    ordered_json points = ordered_json::array();
    for (const auto& [key, cost] : costs_) {
      ordered_json point = {{"attributes", cost.first}};
      point.update(times_);
      point["asDouble"] = cost.second.dollars();
      points.push_back(std::move(point));
    }
    return {{"name", "coppice.cost_usd"},
            {"description", "What was paid for questions to models, US dollars."},
            {"unit", "{USD}"},
            {"sum", {{"aggregationTemporality", kDelta}, {"isMonotonic", true}, {"dataPoints", std::move(points)}}}};
  }

  const RunTelemetry& telemetry_;
  ordered_json times_;
  Series operations_{kOperationSeconds}, tokens_{kTokens}, workflow_{kWorkflowSeconds};
  std::map<std::string, std::pair<ordered_json, Money>> costs_;
};

}  // namespace

ordered_json otlp_metrics(const RunTelemetry& telemetry, const OtlpSource& source) {
  ordered_json scope = {{"scope", otlp_scope()}, {"metrics", Metrics(telemetry).json()}};
  ordered_json resource = {{"resource", otlp_resource(source)}};
  resource["scopeMetrics"].push_back(std::move(scope));
  ordered_json made;
  made["resourceMetrics"].push_back(std::move(resource));
  return made;
}

}  // namespace coppice
