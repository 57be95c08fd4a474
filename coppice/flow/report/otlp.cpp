// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/otlp.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <string>
#include <utility>

namespace coppice {
namespace {

using nlohmann::ordered_json;

/// Numbers of opentelemetry-proto's SpanKind and StatusCode.
constexpr int kInternal = 1, kClient = 3, kError = 2;

std::string trace_id(const std::string& run) {
  const std::string text = "coppice run " + run;
  XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  if (hash.low64 == 0 && hash.high64 == 0) hash.low64 = 1;  // an id of zeros is none
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

/// Of the place in the run; "" = the run itself.
std::string span_id(const std::string& run, const std::string& place) {
  const std::string text = "coppice span " + run + '\n' + place;
  const XXH64_hash_t hash = XXH3_64bits(text.data(), text.size());
  return fmt::format("{:016x}", hash == 0 ? 1 : hash);
}

std::string place_of(const TracedOperation& operation) {
  const CallSummary& call = operation.last();
  return fmt::format("{}\n{}\n{}\n{}", call.step, call.item, call.call, operation.round);
}

void add_usage(OtlpAttributes& attributes, const Usage& usage) {
  attributes.whole_unless_zero("gen_ai.usage.input_tokens", usage.input_tokens)
      .whole_unless_zero("gen_ai.usage.output_tokens", usage.output_tokens)
      .whole_unless_zero("gen_ai.usage.cache_read.input_tokens", usage.cached_input_tokens)
      .whole_unless_zero("gen_ai.usage.cache_write.input_tokens", usage.cache_write_tokens)
      .whole_unless_zero("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens)
      .whole_unless_zero("coppice.usage.images", usage.images);
  if (usage.is_estimated) attributes.flag("coppice.usage.estimated", true);
}

class Trace {
 public:
  explicit Trace(const RunTelemetry& telemetry) : telemetry_(telemetry), run_(telemetry.run.record.id) {}

  ordered_json spans() {
    add_run();
    for (const StepSummary& step : telemetry_.steps) add_step(step);
    for (const TracedOperation& operation : telemetry_.operations) add_operation(operation);
    return std::move(spans_);
  }

 private:
  struct Place {
    std::string own, parent;  ///< of a span and the one above it; "" = the run
    double began_seconds, ended_seconds;
  };

  ordered_json& add_span(const Place& place, const std::string& name, int kind) {
    ordered_json span = {{"traceId", trace_id(run_)}, {"spanId", span_id(run_, place.own)}};
    if (!place.own.empty()) span["parentSpanId"] = span_id(run_, place.parent);
    span["name"] = name;
    span["kind"] = kind;
    span["startTimeUnixNano"] = otlp_time(telemetry_.zero_nanoseconds, place.began_seconds);
    span["endTimeUnixNano"] = otlp_time(telemetry_.zero_nanoseconds, place.ended_seconds);
    spans_.push_back(std::move(span));
    return spans_.back();
  }

  static void finish(ordered_json& span, OtlpAttributes& attributes, const std::string& error_type) {
    attributes.text("error.type", error_type);
    span["attributes"] = attributes.json();
    span["status"] =
        error_type.empty() ? ordered_json::object() : ordered_json{{"code", kError}, {"message", error_type}};
  }

  void add_run() {
    const RunSummary& run = telemetry_.run;
    const RunRecord& record = run.record;
    ordered_json& span =
        add_span({"", "", 0, telemetry_.ended_seconds}, "invoke_workflow " + record.workflow, kInternal);
    OtlpAttributes attributes;
    attributes.text("gen_ai.operation.name", "invoke_workflow")
        .text("gen_ai.agent.name", record.workflow)
        .text("gen_ai.workflow.name", record.workflow)
        .text("coppice.run.id", record.id)
        .text("coppice.run.state", record.state)
        .text("coppice.run.variant", record.variant)
        .text("coppice.run.tenant", record.tenant)
        .text("coppice.run.parent", record.parent)
        .real("coppice.cost_usd", run.cost.dollars());
    add_usage(attributes, run.usage);
    const std::string failure = run.error_type.empty() ? "_OTHER" : run.error_type;
    finish(span, attributes, record.state == "failed" || record.state == "stopped" ? failure : "");
    if (!record.parent.empty()) {
      span["links"].push_back({{"traceId", trace_id(record.parent)}, {"spanId", span_id(record.parent, "")}});
    }
    for (const TracedMoment& moment : telemetry_.moments) {
      OtlpAttributes about;
      about.text("coppice.step.name", moment.step);
      span["events"].push_back({{"timeUnixNano", otlp_time(telemetry_.zero_nanoseconds, moment.at_seconds)},
                                {"name", "coppice." + moment.name},
                                {"attributes", about.json()}});
    }
  }

  std::string kind_of(const std::string& step) const {
    const auto found = telemetry_.kinds.find(step);
    return found == telemetry_.kinds.end() ? "step" : found->second;
  }

  void add_step(const StepSummary& step) {
    const std::string kind = kind_of(step.name);
    ordered_json& span =
        add_span({step.name, "", step.began_seconds, step.ended_seconds}, kind + ' ' + step.name, kInternal);
    OtlpAttributes attributes;
    attributes.text("coppice.step.name", step.name)
        .text("coppice.step.kind", kind)
        .text("coppice.step.state", step.state)
        .whole("coppice.step.items", step.items)
        .whole("coppice.step.calls", step.calls)
        .whole_unless_zero("coppice.step.cached", step.cached)
        .real("coppice.cost_usd", step.cost.dollars());
    finish(span, attributes, step.error_type);
  }

  void add_operation(const TracedOperation& operation) {
    const CallSummary& last = operation.last();
    const std::string name = operation.asks_model() ? operation.name + ' ' + last.model : operation.name;
    ordered_json& span = add_span({place_of(operation), last.step, operation.began_seconds, operation.ended_seconds},
                                  name, operation.asks_model() ? kClient : kInternal);
    OtlpAttributes attributes;
    if (operation.asks_model()) add_model(attributes, operation);
    attributes.text("coppice.step.name", last.step);
    if (last.item >= 0) attributes.whole("coppice.step.item", static_cast<uint64_t>(last.item));
    attributes.whole("coppice.call.number", last.call)
        .whole("coppice.call.attempts", operation.attempts.size())
        .text("coppice.call.outcome", outcome_name(last.end))
        .real("coppice.cost_usd", operation.cost.dollars());
    finish(span, attributes, last.error_type);
    if (operation.attempts.size() < 2) return;
    for (const CallSummary& attempt : operation.attempts) add_attempt(operation, attempt);
  }

  static void add_model(OtlpAttributes& attributes, const TracedOperation& operation) {
    const CallSummary& last = operation.last();
    attributes.text("gen_ai.operation.name", operation.name)
        .text("gen_ai.provider.name", operation.provider)
        .text("gen_ai.request.model", last.model)
        .text("gen_ai.response.model", last.answered_by)
        .texts("gen_ai.response.finish_reasons", {last.finish_reason})
        .text("server.address", operation.host)
        .whole_unless_zero("server.port", operation.port);
    if (operation.name == "generate_content") attributes.text("gen_ai.output.type", "image");
    if (last.first_token_seconds > 0) {
      attributes.flag("gen_ai.request.stream", true)
          .real("gen_ai.response.time_to_first_chunk", last.first_token_seconds);
    }
    add_usage(attributes, operation.usage);
  }

  /// Without the keys of the conventions, so that nothing is counted twice.
  void add_attempt(const TracedOperation& operation, const CallSummary& attempt) {
    const std::string above = place_of(operation);
    const bool is_open = attempt.end == EventKind::call_intended;
    const double ended = is_open ? operation.ended_seconds : attempt.began_seconds + attempt.seconds;
    ordered_json& span = add_span({above + '\n' + std::to_string(attempt.attempt), above, attempt.began_seconds, ended},
                                  fmt::format("attempt {}", attempt.attempt), kClient);
    OtlpAttributes attributes;
    attributes.whole("coppice.attempt.number", attempt.attempt)
        .text("coppice.attempt.outcome", outcome_name(attempt.end))
        .real("coppice.attempt.cost_usd", attempt.cost.dollars())
        .text("server.address", operation.host)
        .whole_unless_zero("server.port", operation.port);
    finish(span, attributes, attempt.error_type);
  }

  const RunTelemetry& telemetry_;
  const std::string& run_;
  ordered_json spans_ = ordered_json::array();
};

}  // namespace

ordered_json otlp_traces(const RunTelemetry& telemetry, const OtlpSource& source) {
  ordered_json scope = {{"scope", otlp_scope()}, {"spans", Trace(telemetry).spans()}};
  ordered_json resource = {{"resource", otlp_resource(source)}};
  resource["scopeSpans"].push_back(std::move(scope));
  ordered_json made;
  made["resourceSpans"].push_back(std::move(resource));
  return made;
}

}  // namespace coppice
