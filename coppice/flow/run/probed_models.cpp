// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/probed_models.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "coppice/http/client.h"

namespace coppice {
namespace {

/// Of questions that belong to no run: nothing is written down.
class NoRecorder : public CallRecorder {
 public:
  std::optional<std::string> recorded(uint32_t, const std::string&) override { return std::nullopt; }
  Awaitable<void> intend(const CallIntent&) override { co_return; }
  Awaitable<void> settle(const CallIntent&, const CallOutcome& outcome) override {
    cost_ += outcome.cost;
    co_return;
  }
  Money cost() const noexcept { return cost_; }

 private:
  Money cost_;
};

bool chats(const StepSpec& step) {
  return step.kind->name() != "image" && step.kind->name() != "embed";
}

ProbedModel probe_model(const Workflow& workflow, const std::string& name, boost::asio::io_context& loop,
                        HttpSender& sender) {
  const ModelSpec& model = workflow.models.at(name);
  ProbedModel probed;
  probed.name = name;
  NoRecorder recorder;
  const auto ask = [&]() -> Awaitable<void> {
    LlmCall call(workflow.endpoints.at(model.endpoint), workflow.price_of(model), recorder);
    probed.profile = co_await probe_endpoint(sender, model.model, std::move(call));
  };
  std::exception_ptr failure;
  boost::asio::co_spawn(loop, ask(), [&](std::exception_ptr thrown) {
    failure = thrown;
    loop.stop();  // connections that are kept open would hold it up
  });
  loop.restart();
  loop.run();
  probed.cost = recorder.cost();
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const Error& error) {
    probed.failure = error;
  }
  return probed;
}

const char* written(StructuredOutput way) {
  switch (way) {
    case StructuredOutput::json_schema:
      return "json_schema";
    case StructuredOutput::json_object:
      return "json_object";
    case StructuredOutput::grammar:
      return "grammar";
    case StructuredOutput::prompt:
      return "prompt";
    default:
      return "automatic";
  }
}

}  // namespace

std::vector<std::string> chatted_models(const Workflow& workflow) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const StepSpec& step : workflow.steps) {
    if (!chats(step)) continue;
    for (std::string name : step.kind->models(step.with.written())) {
      while (!name.empty() && seen.insert(name).second) {
        names.push_back(name);
        name = workflow.models.at(name).cheaper;
      }
    }
  }
  return names;
}

std::vector<UnaskedModel> unasked_models(const Workflow& workflow) {
  const std::vector<std::string> asked = chatted_models(workflow);
  std::map<std::string, std::string> others;
  for (const auto& [name, model] : workflow.models) {
    if (std::find(asked.begin(), asked.end(), name) == asked.end()) others[name];
  }
  for (const StepSpec& step : workflow.steps) {
    if (chats(step)) continue;
    for (const std::string& name : step.kind->models(step.with.written())) {
      if (const auto other = others.find(name); other != others.end()) other->second = step.kind->name();
    }
  }
  std::vector<UnaskedModel> unasked;
  for (const auto& [name, kind] : others) unasked.push_back({name, kind});
  return unasked;
}

std::vector<ProbedModel> probe_models(const Workflow& workflow, const std::string& ca_file) {
  boost::asio::io_context loop(1);
  HttpClientOptions options;
  options.ca_file = ca_file;
  HttpClient client(loop, options);
  std::vector<ProbedModel> probed;
  for (const std::string& name : chatted_models(workflow)) {
    probed.push_back(probe_model(workflow, name, loop, client));
  }
  return probed;
}

std::vector<std::string> advised_settings(const Endpoint& endpoint, const EndpointProfile& profile) {
  const Endpoint better = with_profile(endpoint, profile);
  std::vector<std::string> lines;
  // Until something else is said a server is taken to follow json_schema.
  const bool is_assumed = endpoint.structured_output == StructuredOutput::automatic &&
                          better.structured_output == StructuredOutput::json_schema;
  if (better.structured_output != endpoint.structured_output && !is_assumed) {
    lines.push_back(std::string("structured_output: ") + written(better.structured_output));
  }
  if (better.max_tokens_name != endpoint.max_tokens_name) lines.push_back("max_tokens_name: " + better.max_tokens_name);
  if (better.usage_in_stream != endpoint.usage_in_stream) {
    lines.push_back(std::string("usage_in_stream: ") + (better.usage_in_stream ? "true" : "false"));
  }
  return lines;
}

}  // namespace coppice
