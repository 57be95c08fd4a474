// SPDX-License-Identifier: Apache-2.0
// coppice flow check, schema: what a workflow file says, and whether it can be run.
#include <fmt/core.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/flow_engines.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/workflow/advice.h"
#include "coppice/flow/workflow/shape.h"
#include "coppice/flow/workflow/sound_parts.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice::app {
namespace {

using nlohmann::ordered_json;

struct CheckArguments {
  CommonOptions common;
  std::string workflow;
  bool json = false;
};

void describe(OptionTable& table, CheckArguments& arguments) {
  table.add("json", arguments.json, "Print one JSON object for machines.");
}

/// What is found in one variant.
struct Checked {
  std::string variant;
  std::vector<Error> faults;
  Shape shape;
  std::vector<Advice> advice;
};

Checked check_variant(const std::string& path, const std::string& variant, const StepKinds& kinds) {
  Checked checked{variant, {}, {}, {}};
  try {
    const Workflow workflow = read_workflow(path, variant, kinds);
    checked.shape = shape_of(workflow);
    checked.advice = advise(workflow);
    const std::string folder = std::filesystem::path(path).parent_path().string();
    for (Advice& missing : missing_files(workflow, folder)) checked.advice.push_back(std::move(missing));
  } catch (const FaultyWorkflow& faulty) {
    checked.faults = faulty.faults();
  }
  return checked;
}

ordered_json to_json(const Checked& checked) {
  ordered_json made = {{"variant", checked.variant}, {"faults", ordered_json::array()}};
  for (const Error& fault : checked.faults) {
    made["faults"].push_back({{"where", fault.where()}, {"what", fault.what()}, {"hint", fault.hint()}});
  }
  if (!checked.faults.empty()) return made;
  made["steps"] = checked.shape.steps;
  made["k"] = checked.shape.model_steps;
  made["edges"] = checked.shape.edges;
  made["m"] = checked.shape.exponent;
  made["advice"] = ordered_json::array();
  for (const Advice& advice : checked.advice) {
    made["advice"].push_back({{"rule", advice.rule}, {"where", place_text(advice.place)}, {"what", advice.text}});
  }
  return made;
}

void print(const Checked& checked) {
  if (!checked.faults.empty()) return;
  const std::string title = checked.variant.empty() ? "as it is" : "variant " + checked.variant;
  print_out(fmt::format("{}: {}, of which k = {} ask a model; E = {} data edges between these, m = {:.2f}\n", title,
                        counted(checked.shape.steps, "step"), checked.shape.model_steps, checked.shape.edges,
                        checked.shape.exponent));
  for (const Advice& advice : checked.advice)
    print_out(fmt::format("  {}: {} [{}]\n", place_text(advice.place), advice.text, advice.rule));
}

/// What is found in variants alone says so: the line may be right where the workflow is as it is written.
class FaultsOfVariants {
 public:
  void add(const Checked& checked) {
    for (const Error& fault : checked.faults) {
      const auto [found, is_new] = number_.emplace(fault.message(), all_.size());
      if (is_new) all_.push_back({fault, {}});
      all_[found->second].variants.push_back(checked.variant);
    }
  }

  /// By line.
  std::vector<Error> all() const {
    std::vector<Error> made;
    for (const Found& found : all_) {
      const bool is_everywhere = found.variants.front().empty();
      made.push_back(is_everywhere ? found.fault
                                   : Error(found.fault.code(), in_variants(found.variants) + found.fault.what(),
                                           found.fault.where(), found.fault.hint()));
    }
    sort_by_place(made);
    return made;
  }

 private:
  struct Found {
    Error fault;
    std::vector<std::string> variants;  ///< the first is "" where it is found without a variant
  };

  static std::string in_variants(const std::vector<std::string>& names) {
    return fmt::format("in variant{} '{}': ", names.size() == 1 ? "" : "s", fmt::join(names, "', '"));
  }

  std::map<std::string, size_t> number_;
  std::vector<Found> all_;
};

void check_workflow(const CheckArguments& arguments) {
  const StepKinds kinds = make_kinds();
  std::vector<std::string> variants = {""};
  for (std::string& name : variant_names(arguments.workflow)) variants.push_back(std::move(name));
  ordered_json all = ordered_json::array();
  FaultsOfVariants found;
  std::vector<Checked> checked;
  for (const std::string& variant : variants) {
    checked.push_back(check_variant(arguments.workflow, variant, kinds));
    found.add(checked.back());
    if (arguments.json) all.push_back(to_json(checked.back()));
  }
  const std::vector<Error> faults = found.all();
  if (arguments.json) {
    print_out(json_text({{"workflow", arguments.workflow}, {"variants", all}}));
  } else {
    for (const Error& fault : faults) print_out(fault.message() + "\n");
    for (const Checked& one : checked) print(one);
  }
  if (!faults.empty())
    throw Error(ErrorCode::data, fmt::format("{} in the workflow", counted(faults.size(), "fault")),
                arguments.workflow);
}

}  // namespace

void add_flow_checks(CommandList& commands) {
  Command command(commands, "flow check", "Look for faults in a workflow, and for what is overdone.",
                  "  coppice flow check site.yaml\n");
  auto arguments = std::make_shared<CheckArguments>();
  command.app().add_option("workflow", arguments->workflow, "the workflow file (YAML or JSON)")->required();
  OptionTable own, common;
  describe(own, *arguments);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Check");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { check_workflow(*arguments); });

  Command schema(commands, "flow schema", "Print the JSON Schema of workflow files, for editors.",
                 "  coppice flow schema > workflow.schema.json\n");
  schema.action([] { print_out(json_text(ordered_json(workflow_schema(make_kinds())))); });
}

}  // namespace coppice::app
