// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "coppice/flow/report/run_telemetry.h"
#include "coppice/http/prometheus.h"

namespace coppice {

/// Counts what a run did after `since_nanoseconds` (since 1970; 0 = all of it): the run where it has ended, its steps,
/// calls, tokens, cost, and how long they took. A run that fails and is resumed counts twice among the runs, and what
/// was done before counts once.
void count_run(PrometheusMetrics& metrics, const RunTelemetry& telemetry, int64_t since_nanoseconds);

/// Both texts (`PrometheusMetrics::text`) in one: counters and histograms are added up, of gauges those of `later`
/// count. Throws `ErrorCode::data` for a text that no `PrometheusMetrics` has written.
std::string merged_metrics(std::string_view earlier, std::string_view later);

}  // namespace coppice
