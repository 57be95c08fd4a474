// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "coppice/flow/report/otlp_values.h"
#include "coppice/flow/report/run_telemetry.h"

namespace coppice {

/// A run as a trace: the body of OTLP/HTTP JSON for /v1/traces (ExportTraceServiceRequest).
///
/// The run is the root ("invoke_workflow NAME"); below it its steps ("KIND NAME"), below these the questions to models
/// ("chat MODEL", "embeddings MODEL", "generate_content MODEL") and what was done to the world; below these the
/// attempts where there were several. Ids are hashes of the run's id and the place in the run: the same run gives the
/// same ids again. A run that was forked links to the one it comes from.
///
/// Neither prompts nor answers nor messages of errors (which may repeat them) are in it: an error is told by its type.
/// Source: OpenTelemetry's GenAI conventions (status: development), version 0.1.0 of semantic-conventions-genai for
/// spans; a workflow's name goes by its earlier key, too. Own keys begin with "coppice.".
nlohmann::ordered_json otlp_traces(const RunTelemetry& telemetry, const OtlpSource& source);

/// The figures of a run: the body of OTLP/HTTP JSON for /v1/metrics (ExportMetricsServiceRequest).
///
/// Histograms gen_ai.client.operation.duration, gen_ai.client.token.usage and gen_ai.invoke_agent.duration, with the
/// bounds of the conventions, and the sum coppice.cost_usd; each of this run alone (temporality: delta). Tokens that
/// were estimated are not among them: the conventions want what the server counted.
/// Source: GenAI conventions 1.41, the last ones before `gen_ai.client.token.usage` was split up.
nlohmann::ordered_json otlp_metrics(const RunTelemetry& telemetry, const OtlpSource& source);

}  // namespace coppice
