// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_metrics.h"

#include "coppice/flow/stand_in/stand_in.h"

namespace coppice {

void StandInMetrics::count(const StandInPlan& plan) {
  metrics_
      .counter("stand_in_requests_total", "Requests by model and status of the answer.",
               {{"model", plan.model}, {"status", std::to_string(plan.status)}})
      .add();
  if (plan.fault) {
    const std::string kind(fault_name(*plan.fault));
    metrics_.counter("stand_in_faults_total", "Faults on purpose by kind.", {{"kind", kind}}).add();
  }
  if (plan.model.empty()) return;
  const auto tokens = [&](const char* kind, uint64_t count) {
    metrics_.counter("stand_in_tokens_total", "Tokens by model and kind.", {{"model", plan.model}, {"kind", kind}})
        .add(static_cast<double>(count));
  };
  tokens("input", plan.usage.input_tokens);
  tokens("output", plan.usage.output_tokens);
  const MetricLabels model = {{"model", plan.model}};
  metrics_.counter("stand_in_cost_dollars_total", "What the answers cost at the prices of the settings.", model)
      .add(plan.cost.dollars());
  metrics_.counter("stand_in_queue_seconds_total", "Time that requests waited for a slot.", model)
      .add(plan.began_at - plan.arrived_at);
}

}  // namespace coppice
