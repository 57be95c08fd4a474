// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/run_metrics.h"

#include <vector>

namespace coppice {
namespace {

/// From a template filled in to a run that a person has to wait for.
const std::vector<double> kSeconds{0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};

class RunCounts {
 public:
  RunCounts(PrometheusMetrics& metrics, const RunTelemetry& telemetry, int64_t since_nanoseconds)
      : metrics_(metrics), telemetry_(telemetry), workflow_(telemetry.run.record.workflow) {
    // A nanosecond less: what happened in the moment that the figures begin with is among them.
    since_seconds_ = static_cast<double>(since_nanoseconds - telemetry.zero_nanoseconds - 1) * 1e-9;
  }

  void add_run() {
    const RunRecord& record = telemetry_.run.record;
    if (!is_new(telemetry_.ended_seconds)) return;
    count("coppice_flow_runs_total", "Runs that came to an end, or to a person, by how.",
          {{"workflow", workflow_}, {"state", record.state}});
    time("coppice_flow_run_seconds", "How long runs are at work: without the time between a stop and a resumption.",
         {{"workflow", workflow_}, {"state", record.state}}, telemetry_.run.seconds);
    metrics_
        .gauge("coppice_flow_last_run_timestamp_seconds", "When the last run ended, in seconds since 1970.",
               {{"workflow", workflow_}, {"state", record.state}})
        .set(static_cast<double>(telemetry_.zero_nanoseconds) * 1e-9 + telemetry_.ended_seconds);
  }

  void add(const StepSummary& step) {
    const bool has_ended = step.state == "done" || step.state == "skipped" || step.state == "failed";
    if (!has_ended || !is_new(step.ended_seconds)) return;
    const MetricLabels labels{{"workflow", workflow_}, {"step", step.name}};
    MetricLabels with_state = labels;
    with_state.emplace_back("state", step.state);
    count("coppice_flow_steps_total", "Steps that ended, by how.", with_state);
    if (step.cached > 0) {
      count("coppice_flow_cached_total", "Outputs of steps, or of their items, that came from the cache.", labels,
            static_cast<double>(step.cached));
    }
    if (step.state == "skipped") return;
    time("coppice_flow_step_seconds", "How long steps take.", labels, step.seconds);
  }

  void add(const TracedOperation& operation) {
    if (!operation.asks_model()) return;
    for (const CallSummary& call : operation.attempts) {
      const bool has_ended = call.end != EventKind::call_intended;
      const auto ended = static_cast<double>(call.settled_nanoseconds - telemetry_.zero_nanoseconds) * 1e-9;
      if (has_ended && is_new(ended)) add_call(operation, call);
    }
  }

 private:
  bool is_new(double ended_seconds) const { return ended_seconds > since_seconds_; }

  void count(const char* name, const char* help, const MetricLabels& labels, double amount = 1) {
    metrics_.counter(name, help, labels).add(amount);
  }

  void time(const char* name, const char* help, const MetricLabels& labels, double seconds) {
    metrics_.histogram(name, help, kSeconds, labels).observe(seconds);
  }

  void add_call(const TracedOperation& operation, const CallSummary& call) {
    const MetricLabels labels{{"workflow", workflow_}, {"model", call.model}};
    MetricLabels with_outcome = labels;
    with_outcome.emplace_back("outcome", outcome_name(call.end));
    with_outcome.emplace_back("operation", operation.name);
    count("coppice_flow_calls_total", "Questions to models, each attempt, by what came of it.", with_outcome);
    count("coppice_flow_cost_usd_total", "What was paid for questions to models, US dollars.", labels,
          call.cost.dollars());
    if (call.end == EventKind::call_unknown) return;  // its tokens and its time are not known
    add_tokens(labels, "input", call.usage.input_tokens);
    add_tokens(labels, "output", call.usage.output_tokens);
    time("coppice_flow_call_seconds", "How long questions to models take.", labels, call.seconds);
    if (call.first_token_seconds > 0) {
      time("coppice_flow_first_token_seconds", "How long models take to the first word of a stream.", labels,
           call.first_token_seconds);
    }
  }

  void add_tokens(MetricLabels labels, const char* type, uint64_t tokens) {
    labels.emplace_back("type", type);
    count("coppice_flow_tokens_total", "Tokens that models read and wrote.", labels, static_cast<double>(tokens));
  }

  PrometheusMetrics& metrics_;
  const RunTelemetry& telemetry_;
  const std::string& workflow_;
  double since_seconds_;
};

}  // namespace

void count_run(PrometheusMetrics& metrics, const RunTelemetry& telemetry, int64_t since_nanoseconds) {
  RunCounts counts(metrics, telemetry, since_nanoseconds);
  counts.add_run();
  for (const StepSummary& step : telemetry.steps) counts.add(step);
  for (const TracedOperation& operation : telemetry.operations) counts.add(operation);
}

}  // namespace coppice
