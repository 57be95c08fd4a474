// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in_metrics.h"

#include <fmt/core.h>

#include "coppice/flow/stand_in.h"

namespace coppice {
namespace {

std::string label(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  return text;
}

void open(std::string& text, const char* name, const char* about) {
  text += fmt::format("# HELP {0} {1}\n# TYPE {0} counter\n", name, about);
}

}  // namespace

void StandInMetrics::count(const StandInPlan& plan) {
  ++requests_[{plan.model, plan.status}];
  if (plan.fault) ++faults_[std::string(fault_name(*plan.fault))];
  if (plan.model.empty()) return;
  OfModel& model = models_[plan.model];
  model.usage += plan.usage;
  model.cost += plan.cost;
  model.queue_seconds += plan.began_at - plan.arrived_at;
}

std::string StandInMetrics::text() const {
  std::string text;
  open(text, "stand_in_requests_total", "Requests by model and status of the answer.");
  for (const auto& [of, count] : requests_) {
    text +=
        fmt::format("stand_in_requests_total{{model=\"{}\",status=\"{}\"}} {}\n", label(of.first), of.second, count);
  }
  open(text, "stand_in_faults_total", "Faults on purpose by kind.");
  for (const auto& [kind, count] : faults_) {
    text += fmt::format("stand_in_faults_total{{kind=\"{}\"}} {}\n", kind, count);
  }
  open(text, "stand_in_tokens_total", "Tokens by model and kind.");
  for (const auto& [name, model] : models_) {
    text += fmt::format(
        "stand_in_tokens_total{{model=\"{0}\",kind=\"input\"}} {1}\n"
        "stand_in_tokens_total{{model=\"{0}\",kind=\"output\"}} {2}\n",
        label(name), model.usage.input_tokens, model.usage.output_tokens);
  }
  open(text, "stand_in_cost_dollars_total", "What the answers cost at the prices of the settings.");
  for (const auto& [name, model] : models_) {
    text += fmt::format("stand_in_cost_dollars_total{{model=\"{}\"}} {:.12g}\n", label(name), model.cost.dollars());
  }
  open(text, "stand_in_queue_seconds_total", "Time that requests waited for a slot.");
  for (const auto& [name, model] : models_) {
    text += fmt::format("stand_in_queue_seconds_total{{model=\"{}\"}} {:.12g}\n", label(name), model.queue_seconds);
  }
  return text;
}

}  // namespace coppice
