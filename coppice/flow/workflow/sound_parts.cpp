// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/sound_parts.h"

#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <utility>

namespace coppice {
namespace {

using Ordered = nlohmann::ordered_json;

class FaultyParts {
 public:
  FaultyParts(Ordered& workflow, const nlohmann::json& schema)
      : workflow_(workflow), sections_(schema["properties"]), name_rule_(schema["$defs"]["name"]) {}

  void take_out(const SchemaFault& fault) {
    const std::vector<std::string> path = pointer_names(fault.path);
    if (path.empty()) return;  // something is missing
    const std::string& section = path.front();
    if (!sections_.contains(section)) {
      has_unknown_section_ = true;
      workflow_.erase(section);
    } else if (BrokenNames* const names = names_of_section(section); names != nullptr) {
      take_out_named(section, path, *names);
    } else if (section == "outputs" && path.size() > 1) {
      take_out_output(path);
    } else {
      if (section == "prices" || section == "budget") broken_.prices = true;
      workflow_.erase(section);
    }
  }

  BrokenParts take() {
    if (has_unknown_section_) expect_missing_sections();
    broken_.prices = broken_.prices || !broken_.models.empty() || !broken_.endpoints.empty();
    return std::move(broken_);
  }

 private:
  BrokenNames* names_of_section(const std::string& section) {
    if (section == "steps") return &broken_.steps;
    if (section == "files") return &broken_.files;
    if (section == "models") return &broken_.models;
    return section == "endpoints" ? &broken_.endpoints : nullptr;
  }

  void take_out_named(const std::string& section, const std::vector<std::string>& path, BrokenNames& broken) {
    const auto found = workflow_.find(section);
    if (found == workflow_.end()) return;
    if (path.size() > 1) {
      broken.names.insert(path[1]);
      if (section == "steps" && take_out_key(*found, path)) return;
      if (found->is_object()) found->erase(path[1]);
    } else if (found->is_object()) {
      take_out_misnamed(*found, broken);
    } else {
      broken.may_be_any = true;
      workflow_.erase(section);
    }
  }

  /// Of a step whose kind is known: what is right in it is looked at, all the same. False where it is not known.
  static bool take_out_key(Ordered& steps, const std::vector<std::string>& path) {
    if (path.size() < 3 || path[2] == "kind" || !steps.is_object()) return false;
    const auto step = steps.find(path[1]);
    if (step == steps.end()) return true;  // gone already
    if (!step->is_object() || !step->contains("kind")) return false;
    step->erase(path[2]);
    return true;
  }

  void take_out_misnamed(Ordered& section, BrokenNames& broken) {
    std::vector<std::string> names;
    for (const auto& [name, value] : section.items()) {
      if (!name_rule_.faults(name, 1).empty()) names.push_back(name);
    }
    for (const std::string& name : names) {
      section.erase(name);
      broken.names.insert(name);
    }
  }

  /// An output file leaves a gap, so that the places of the others stay what they are.
  void take_out_output(const std::vector<std::string>& path) {
    if (!workflow_.contains("outputs") || !workflow_["outputs"].is_object()) return;
    Ordered& outputs = workflow_["outputs"];
    const bool is_one_file = path[1] == "files" && path.size() > 2 && outputs.contains("files");
    if (is_one_file) {
      outputs["files"][std::stoul(path[2])] = nullptr;
    } else {
      outputs.erase(path[1]);
    }
  }

  void expect_missing_sections() {
    for (const char* const section : {"steps", "files", "models", "endpoints"}) {
      if (!workflow_.contains(section)) names_of_section(section)->may_be_any = true;
    }
    if (!workflow_.contains("prices")) broken_.prices = true;
  }

  Ordered& workflow_;
  const nlohmann::json& sections_;
  JsonSchema name_rule_;
  BrokenParts broken_;
  bool has_unknown_section_ = false;
};

/// Of "file:line:column"; zeros of anything else.
std::pair<unsigned long, unsigned long> line_and_column(const std::string& where) {
  const size_t column = where.rfind(':');
  if (column == std::string::npos || column == 0) return {0, 0};
  const size_t line = where.rfind(':', column - 1);
  if (line == std::string::npos) return {0, 0};
  return {std::strtoul(where.c_str() + line + 1, nullptr, 10), std::strtoul(where.c_str() + column + 1, nullptr, 10)};
}

}  // namespace

BrokenParts take_out_faulty(Ordered& workflow, const std::vector<SchemaFault>& faults, const nlohmann::json& schema) {
  FaultyParts parts(workflow, schema);
  for (const SchemaFault& fault : faults) parts.take_out(fault);
  return parts.take();
}

void sort_by_place(std::vector<Error>& faults) {
  std::stable_sort(faults.begin(), faults.end(), [](const Error& one, const Error& other) {
    return line_and_column(one.where()) < line_and_column(other.where());
  });
  const auto is_same = [](const Error& one, const Error& other) { return one.message() == other.message(); };
  faults.erase(std::unique(faults.begin(), faults.end(), is_same), faults.end());
}

}  // namespace coppice
