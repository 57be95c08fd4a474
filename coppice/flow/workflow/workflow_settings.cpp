// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/workflow_settings.h"

#include <chrono>
#include <optional>

namespace coppice {
namespace {

using Ordered = nlohmann::ordered_json;

Money money_of(const Ordered& value) {
  return value.is_string() ? parse_money(value.get<std::string>()) : Money::of_dollars(value.get<double>());
}

template <class T>
void read(const Ordered& object, const char* key, T& value) {
  if (const auto found = object.find(key); found != object.end()) value = found->get<T>();
}

template <class T>
void read(const Ordered& object, const char* key, std::optional<T>& value) {
  if (const auto found = object.find(key); found != object.end()) value = found->get<T>();
}

void read(const Ordered& object, const char* key, std::optional<Money>& value) {
  if (const auto found = object.find(key); found != object.end()) value = money_of(*found);
}

StructuredOutput structured_output_of(const std::string& name) {
  if (name == "json_schema") return StructuredOutput::json_schema;
  if (name == "json_object") return StructuredOutput::json_object;
  if (name == "grammar") return StructuredOutput::grammar;
  return name == "prompt" ? StructuredOutput::prompt : StructuredOutput::automatic;
}

std::optional<CacheSpec> cache_of(const Ordered& written) {
  if (written.is_boolean()) return written.get<bool>() ? std::optional(CacheSpec()) : std::nullopt;
  CacheSpec made;
  read(written, "seconds", made.seconds);
  if (written.value("scope", "tenant") == "workflow") made.scope = CacheSpec::Scope::workflow;
  return made;
}

}  // namespace

Endpoint read_endpoint(const std::string& name, const Ordered& written) {
  Endpoint made;
  made.name = name;
  made.structured_output = structured_output_of(written.value("structured_output", "automatic"));
  read(written, "url", made.url);
  read(written, "provider", made.provider);
  read(written, "key", made.key_variable);
  read(written, "max_tokens_name", made.max_tokens_name);
  read(written, "usage_in_stream", made.usage_in_stream);
  read(written, "concurrency", made.concurrency);
  read(written, "requests_per_minute", made.requests_per_minute);
  read(written, "tokens_per_minute", made.tokens_per_minute);
  read(written, "retries", made.retry.max_retries);
  if (written.contains("timeout")) {
    made.timeout = std::chrono::milliseconds(static_cast<int64_t>(written["timeout"].get<double>() * 1000));
  }
  return made;
}

ModelSpec read_model(const Ordered& written) {
  ModelSpec made;
  read(written, "endpoint", made.endpoint);
  read(written, "model", made.model);
  read(written, "cheaper", made.cheaper);
  read(written, "max_output_tokens", made.max_output_tokens);
  read(written, "temperature", made.temperature);
  read(written, "top_p", made.top_p);
  read(written, "seed", made.seed);
  read(written, "reasoning_effort", made.reasoning_effort);
  if (written.contains("extra")) made.extra = written["extra"];
  return made;
}

BudgetSpec read_budget(const Ordered& written) {
  BudgetSpec made;
  read(written, "run", made.run);
  read(written, "day", made.day);
  read(written, "tenant", made.tenant);
  return made;
}

void read_step_settings(const Ordered& written, StepSpec& step) {
  read(written, "persona", step.persona);
  read(written, "concurrency", step.concurrency);
  read(written, "timeout", step.timeout_seconds);
  read(written, "budget", step.budget);
  read(written, "optional", step.optional);
  if (written.contains("cache")) step.cache = cache_of(written["cache"]);
  if (written.contains("retry")) {
    read(written["retry"], "times", step.retry.times);
    read(written["retry"], "delay", step.retry.delay_seconds);
  }
}

}  // namespace coppice
