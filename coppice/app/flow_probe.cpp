// SPDX-License-Identifier: Apache-2.0
// coppice flow probe: what the servers of a workflow can do, before a run needs it.
#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/output.h"
#include "coppice/app/stop_runner.h"
#include "coppice/flow/run/probed_models.h"

namespace coppice::app {
namespace {

using nlohmann::ordered_json;

struct ProbeArguments {
  CommonOptions common;
  std::string workflow, variant, ca_file;
  std::vector<std::string> endpoints;
  bool json = false;
};

void describe(OptionTable& table, ProbeArguments& arguments) {
  table.add("ca_file", arguments.ca_file,
            "Certificates (PEM) that servers may be known by; those of the system unless given.");
  table.add("json", arguments.json, "Print one JSON object for machines.");
}

std::vector<std::string> ways_of(const EndpointProfile& profile) {
  std::vector<std::string> ways;
  if (profile.json_schema) ways.emplace_back("json_schema");
  if (profile.json_object) ways.emplace_back("json_object");
  if (profile.grammar) ways.emplace_back("grammar");
  return ways;
}

ordered_json to_json(const ProbedModel& probed, const Workflow& workflow) {
  const ModelSpec& model = workflow.models.at(probed.name);
  ordered_json made = {{"model", probed.name}, {"endpoint", model.endpoint}, {"cost_usd", probed.cost.dollars()}};
  if (probed.failure) {
    made["error"] = probed.failure->message();
    return made;
  }
  made["structured_output"] = ways_of(probed.profile);
  made["max_tokens_name"] = probed.profile.max_tokens_name;
  made["usage_in_stream"] = probed.profile.usage_in_stream;
  made["advice"] = advised_settings(workflow.endpoints.at(model.endpoint), probed.profile);
  return made;
}

void print(const ProbedModel& probed, const Workflow& workflow) {
  const ModelSpec& model = workflow.models.at(probed.name);
  const Endpoint& endpoint = workflow.endpoints.at(model.endpoint);
  print_out(fmt::format("{} ({} at {}, {}): ", probed.name, model.model, model.endpoint, endpoint.url));
  if (probed.failure) return print_out(probed.failure->message() + "\n");
  const std::vector<std::string> ways = ways_of(probed.profile);
  print_out(
      fmt::format("answers; {}; {}; {}; {}\n",
                  ways.empty() ? "follows no schema: it is asked in words"
                               : "follows schemas by " + fmt::format("{}", fmt::join(ways, ", ")),
                  probed.profile.max_tokens_name.empty() ? "keeps to no limit of tokens"
                                                         : "limits by " + probed.profile.max_tokens_name,
                  probed.profile.usage_in_stream ? "counts tokens of streams" : "does not count tokens of streams",
                  money_text(probed.cost)));
  for (const std::string& line : advised_settings(endpoint, probed.profile)) {
    print_out(fmt::format("  set under endpoints.{}: {}\n", model.endpoint, line));
  }
}

/// The first variant of the workflow that chats with the model; nothing = none does.
std::optional<std::string> variant_that_asks(const std::string& model, const ProbeArguments& arguments,
                                             const StepKinds& kinds) {
  for (const std::string& variant : variant_names(arguments.workflow)) {
    if (variant == arguments.variant) continue;
    const auto asked = chatted_models(read_workflow(arguments.workflow, variant, kinds));
    if (std::find(asked.begin(), asked.end(), model) != asked.end()) return variant;
  }
  return std::nullopt;
}

/// So that nobody takes silence for an answer.
ordered_json tell_unasked(const Workflow& workflow, const ProbeArguments& arguments, const StepKinds& kinds) {
  ordered_json told = ordered_json::array();
  for (const UnaskedModel& model : unasked_models(workflow)) {
    const auto variant = variant_that_asks(model.name, arguments, kinds);
    ordered_json one = {{"model", model.name}};
    if (!model.kind.empty()) one["kind"] = model.kind;
    if (variant) one["variant"] = *variant;
    told.push_back(std::move(one));
    if (arguments.json) continue;
    print_out(fmt::format("{} ({}): not asked{}\n", model.name,
                          model.kind.empty() ? "no step here asks it" : model.kind,
                          variant ? fmt::format("; --variant {} asks it", *variant) : ""));
  }
  return told;
}

void probe(const ProbeArguments& arguments) {
  const StepKinds kinds = make_kinds();
  Workflow workflow = read_workflow(arguments.workflow, arguments.variant, kinds);
  redirect(workflow, arguments.endpoints);
  ordered_json models = ordered_json::array();
  const std::vector<ProbedModel> all = probe_models(workflow, arguments.ca_file);
  for (const ProbedModel& probed : all) {
    if (arguments.json) {
      models.push_back(to_json(probed, workflow));
    } else {
      print(probed, workflow);
    }
  }
  const ordered_json unasked = tell_unasked(workflow, arguments, kinds);
  if (arguments.json) {
    print_out(json_text({{"workflow", workflow.name}, {"models", models}, {"not_asked", unasked}}));
  }
  if (all.empty()) throw Error(ErrorCode::data, "no step chats with a model", arguments.workflow);
  for (const ProbedModel& probed : all) {
    if (probed.failure) throw Error(probed.failure->code(), fmt::format("the model '{}' does not answer", probed.name));
  }
}

}  // namespace

void add_flow_probe(CommandList& commands) {
  Command command(commands, "flow probe",
                  "Ask the servers of a workflow what they can do: six small questions a model.",
                  "  coppice flow probe site.yaml\n"
                  "  coppice flow probe site.yaml --endpoint local=http://127.0.0.1:8080/v1\n");
  auto arguments = std::make_shared<ProbeArguments>();
  command.app().add_option("workflow", arguments->workflow, "the workflow file (YAML or JSON)")->required();
  command.app().add_option("--variant", arguments->variant, "one of the workflow's variants");
  command.app().add_option("--endpoint", arguments->endpoints, "NAME=URL: another server for one of the endpoints");
  OptionTable own, common;
  describe(own, *arguments);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Probe");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { probe(*arguments); });
}

}  // namespace coppice::app
