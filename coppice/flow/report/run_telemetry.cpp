// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/run_telemetry.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/http/url.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

/// What the price tables call a provider (LiteLLM's names), and what the conventions call it where that differs.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kProviders{{{"azure", "azure.ai.openai"},
                                                                                   {"azure_ai", "azure.ai.inference"},
                                                                                   {"bedrock", "aws.bedrock"},
                                                                                   {"gemini", "gcp.gemini"},
                                                                                   {"mistral", "mistral_ai"},
                                                                                   {"moonshot", "moonshot_ai"},
                                                                                   {"vertex_ai", "gcp.vertex_ai"},
                                                                                   {"watsonx", "ibm.watsonx.ai"},
                                                                                   {"xai", "x_ai"}}};

/// A server without a provider's name speaks OpenAI's protocol: the conventions want the flavour then.
std::string provider_name(const std::string& provider) {
  for (const auto& [ours, theirs] : kProviders) {
    if (provider == ours) return std::string(theirs);
  }
  return provider.empty() ? "openai" : provider;
}

std::string operation_name(const std::string& kind) {
  if (kind == "embed") return "embeddings";
  return kind == "image" ? "generate_content" : "chat";
}

std::string text_at(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json part(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_object() ? *found : Json::object();
}

struct Server {
  std::string provider, host;
  uint16_t port = 0;
};

Server server_of(const Json& endpoint) {
  Server made;
  made.provider = provider_name(text_at(endpoint, "provider"));
  try {
    const Url url = parse_url(text_at(endpoint, "url"));
    made.host = url.host;
    made.port = url.port;
  } catch (const Error&) {
    // It goes without an address.
  }
  return made;
}

class Telemetry {
 public:
  explicit Telemetry(const RunRecord& record) {
    const Json workflow = Json::parse(record.workflow_text, nullptr, false);
    const Json endpoints = part(workflow, "endpoints"), steps = part(workflow, "steps");
    for (const auto& [name, endpoint] : endpoints.items()) servers_[name] = server_of(endpoint);
    for (const auto& [name, step] : steps.items()) made_.kinds[name] = text_at(step, "kind");
  }

  RunTelemetry read(const RunRecord& record, const std::vector<Event>& events) {
    made_.run = summarize(record, events);
    made_.zero_nanoseconds = made_.run.began_nanoseconds;
    made_.ended_seconds = wall_seconds(made_.run.ended_nanoseconds);
    read_moments(events);
    for (const CallSummary& call : made_.run.calls) add(call);
    for (const StepSummary& step : made_.run.steps) add(step);
    return std::move(made_);
  }

 private:
  using Question = std::tuple<std::string, int64_t, uint32_t>;

  void read_moments(const std::vector<Event>& events) {
    bool has_begun = false;
    for (const Event& event : events) {
      const double at = wall_seconds(event.at_nanoseconds);
      const bool is_start = event.kind == EventKind::run_started || event.kind == EventKind::run_resumed;
      if (is_start && !has_begun) {
        has_begun = true;
      } else if (is_start) {
        made_.moments.push_back({"resumed", {}, at});
      } else if (event.kind == EventKind::approved) {
        made_.moments.push_back({"approved", event.step, at});
      }
    }
  }

  /// On the axis of traces, which is that of the wall.
  double wall_seconds(int64_t nanoseconds) const {
    return static_cast<double>(nanoseconds - made_.zero_nanoseconds) * 1e-9;
  }

  void add(CallSummary call) {
    call.began_seconds = wall_seconds(call.began_nanoseconds);
    TracedOperation& operation = operation_of(call);
    operation.attempts.push_back(call);
    operation.usage += call.usage;
    operation.cost += call.cost;
    operation.ended_seconds = call.began_seconds + call.seconds;
  }

  /// A higher attempt goes on with what was asked; any other one begins anew.
  TracedOperation& operation_of(const CallSummary& call) {
    const Question question{call.step, call.item, call.call};
    const auto found = latest_.find(question);
    uint32_t round = 0;
    if (found != latest_.end()) {
      TracedOperation& before = made_.operations[found->second];
      if (call.attempt > before.last().attempt) return before;
      round = before.round + 1;
    }
    latest_[question] = made_.operations.size();
    TracedOperation operation;
    operation.round = round;
    operation.began_seconds = call.began_seconds;
    const std::string kind = made_.kinds[call.step];
    operation.name = kind;
    if (!call.model.empty()) {
      const auto server = servers_.find(call.endpoint);
      operation.name = operation_name(kind);
      operation.provider = server == servers_.end() ? provider_name({}) : server->second.provider;
      if (server != servers_.end()) {
        operation.host = server->second.host;
        operation.port = server->second.port;
      }
    }
    made_.operations.push_back(std::move(operation));
    return made_.operations.back();
  }

  void add(StepSummary step) {
    if (step.is_kept) return;  // the work of another run
    step.began_seconds = wall_seconds(step.began_nanoseconds);
    step.ended_seconds = std::max(wall_seconds(step.ended_nanoseconds), step.began_seconds + step.seconds);
    for (const TracedOperation& operation : made_.operations) {
      if (operation.last().step == step.name)
        step.ended_seconds = std::max(step.ended_seconds, operation.ended_seconds);
    }
    step.began_seconds = std::clamp(step.began_seconds, 0.0, step.ended_seconds);
    made_.steps.push_back(std::move(step));
  }

  std::map<std::string, Server> servers_;
  RunTelemetry made_;
  std::map<Question, size_t> latest_;  // which operation has asked it last
};

}  // namespace

RunTelemetry run_telemetry(const RunRecord& record, const std::vector<Event>& events) {
  return Telemetry(record).read(record, events);
}

}  // namespace coppice
