// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/workflow_references.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "coppice/core/options.h"
#include "coppice/flow/json/json_schema.h"

namespace coppice {
namespace {

/// "a string or a number".
std::string any_of_text(const std::vector<std::string>& types) {
  std::string text;
  for (const std::string& type : types) {
    if (!text.empty()) text += &type == &types.back() ? " or " : ", ";
    text += (type == "integer" || type == "array" || type == "object" ? "an " : "a ") + type;
  }
  return text;
}

/// Is there a type that both have? An integer is a number. Numbers and truth values are written as texts where texts
/// alone are taken.
bool overlap(std::vector<std::string> some, const std::vector<std::string>& others) {
  if (others == std::vector<std::string>{"string"}) {
    for (std::string& one : some) one = one == "number" || one == "integer" || one == "boolean" ? "string" : one;
  }
  const auto as_number = [](const std::string& type) { return type == "integer" ? std::string("number") : type; };
  return std::any_of(some.begin(), some.end(), [&](const std::string& one) {
    return std::any_of(others.begin(), others.end(),
                       [&](const std::string& other) { return as_number(one) == as_number(other); });
  });
}

/// "/a/0" -> a, 0.
std::vector<std::string> names_in(const std::string& pointer) {
  std::vector<std::string> names;
  for (nlohmann::json::json_pointer at(pointer); !at.empty(); at.pop_back()) names.push_back(at.back());
  std::reverse(names.begin(), names.end());
  return names;
}

/// Does one step at a time, then the outputs.
class ReferenceCheck {
 public:
  ReferenceCheck(Workflow& workflow, const YamlDocument& document) : workflow_(workflow), document_(document) {
    for (const StepSpec& step : workflow.steps) {
      names_.push_back(step.name);
      nlohmann::json schema = known_output_schema(*step.kind, step.with.written());
      if (step.foreach) schema = {{"type", "array"}, {"items", std::move(schema)}};
      outputs_.push_back(std::move(schema));
    }
  }

  std::vector<Error> run() {
    for (size_t i = 0; i < names_.size(); ++i) check_step(i);
    step_ = nullptr;
    for (const OutputSpec& output : workflow_.outputs) {
      extra_ = {};
      if (output.foreach) check_all(output.foreach->references());
      if (output.foreach) extra_ = {"item", "index"};
      check_all(output.path.references());
      check_all(output.content.references());
    }
    workflow_.file_steps = workflow_.output_steps;
    extra_ = {};
    if (workflow_.checks) check_all(workflow_.checks->references(TemplatedValue::Which::early));
    if (workflow_.result) check_all(workflow_.result->references(TemplatedValue::Which::early));
    return std::move(faults_);
  }

 private:
  void check_step(size_t number) {
    step_ = &workflow_.steps[number];
    extra_ = {};
    read_needs();
    if (step_->condition) check_all(step_->condition->references());
    if (step_->foreach) check_all(step_->foreach->references());
    if (step_->foreach) extra_ = {"item", "index"};
    check_all(step_->with.references(TemplatedValue::Which::early));
    check_types();
    const std::vector<std::string> late = step_->kind->late().names;
    extra_.insert(extra_.end(), late.begin(), late.end());
    check_all(step_->with.references(TemplatedValue::Which::late));
    for (std::vector<size_t>* numbers : {&step_->needs, &step_->reads, &step_->fails_with}) {
      std::sort(numbers->begin(), numbers->end());
      numbers->erase(std::unique(numbers->begin(), numbers->end()), numbers->end());
    }
  }

  /// Those that are written.
  void read_needs() {
    const std::string at = pointer_to("/steps", step_->name) + "/needs";
    const auto& written = document_.value["steps"][step_->name];
    if (!written.contains("needs")) return;
    size_t i = 0;
    for (const auto& need : written["needs"]) {
      const TextPlace place = document_.place_of(at + "/" + std::to_string(i++));
      if (const auto number = step_number(need.get<std::string>(), place)) step_->needs.push_back(*number);
    }
  }

  std::optional<size_t> step_number(const std::string& name, const TextPlace& place) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found != names_.end()) return static_cast<size_t>(found - names_.begin());
    const std::string nearest = nearest_name(name, names_);
    fault(place, fmt::format("unknown step '{}'", name), nearest);
    return std::nullopt;
  }

  void fault(const TextPlace& place, const std::string& what, const std::string& nearest) {
    faults_.emplace_back(ErrorCode::data, what, place_text(place),
                         nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
  }

  void check_all(const std::vector<TemplateReference>& references) {
    for (const TemplateReference& reference : references) check(reference);
  }

  void check(const TemplateReference& reference) {
    const TextPlace place{document_.file, reference.line, reference.column};
    const std::string& first = reference.path.front();
    if (first == "steps") {
      check_output(reference, place);
    } else if (first == "inputs") {
      check_path(workflow_.input_schema, reference, 1, place);
    } else if (first == "files") {
      check_file(reference, place);
    } else if (first != "run" && std::find(extra_.begin(), extra_.end(), first) == extra_.end()) {
      std::vector<std::string> known(std::begin(kTemplateNames), std::end(kTemplateNames));
      known.insert(known.end(), extra_.begin(), extra_.end());
      const bool of_items = first == "item" || first == "index";
      fault(place,
            of_items ? fmt::format("'{}' is there in a foreach alone", first) : fmt::format("unknown name '{}'", first),
            nearest_name(first, known));
    }
  }

  void check_output(const TemplateReference& reference, const TextPlace& place) {
    if (reference.path.size() < 2) return fault(place, "'steps' needs the name of a step: steps.NAME.output", "");
    const std::optional<size_t> number = step_number(reference.path[1], place);
    if (!number) return;
    const bool reads_output = reference.path.size() < 3 || reference.path[2] == "output";
    if (step_ == nullptr) workflow_.output_steps.insert(reference.path[1]);
    if (step_ != nullptr) {
      step_->needs.push_back(*number);
      if (reads_output) step_->reads.push_back(*number);
      if (!reference.has_default && reads_output) step_->fails_with.push_back(*number);
    }
    if (reference.path.size() < 3 || reference.path[2] == "state") return;
    if (reference.path[2] != "output") {
      return fault(place, fmt::format("a step has no '{}', expected 'output' or 'state'", reference.path[2]),
                   nearest_name(reference.path[2], {"output", "state"}));
    }
    check_path(outputs_[*number], reference, 3, place);
  }

  void check_file(const TemplateReference& reference, const TextPlace& place) {
    if (reference.path.size() < 2 || workflow_.files.contains(reference.path[1])) return;
    std::vector<std::string> names;
    for (const auto& [name, text] : workflow_.files.items()) names.push_back(name);
    fault(place, fmt::format("unknown file '{}'", reference.path[1]), nearest_name(reference.path[1], names));
  }

  /// Can what follows the first `skip` names be there?
  void check_path(const nlohmann::json& schema, const TemplateReference& reference, size_t skip,
                  const TextPlace& place) {
    const std::vector<std::string> rest(reference.path.begin() + static_cast<ptrdiff_t>(skip), reference.path.end());
    const SchemaPath found = look_up(schema, rest);
    if (found.may_exist || reference.has_default) return;
    std::string whole;
    for (const std::string& name : reference.path) whole += (whole.empty() ? "" : ".") + name;
    fault(place, fmt::format("there is no '{}'", whole), found.nearest);
  }

  /// Of texts under `with` that are one reference: can it be of a type that the kind takes there?
  void check_types() {
    const nlohmann::json taken = step_->kind->with_schema();
    for (const auto& [pointer, reference] : step_->with.single_references()) {
      const std::vector<std::string> given = types_of(reference);
      const std::vector<std::string> wanted = look_up(taken, names_in(pointer)).types;
      if (given.empty() || wanted.empty() || overlap(given, wanted)) continue;
      fault({document_.file, reference.line, reference.column},
            fmt::format("this is {}, expected {}", any_of_text(given), any_of_text(wanted)), "");
    }
  }

  std::vector<std::string> types_of(const TemplateReference& reference) const {
    const std::vector<std::string>& path = reference.path;
    const auto from = [&](size_t skip) {
      return std::vector<std::string>(path.begin() + static_cast<ptrdiff_t>(skip), path.end());
    };
    if (path.front() == "inputs") return look_up(workflow_.input_schema, from(1)).types;
    if (path.front() != "steps" || path.size() < 3 || path[2] != "output") return {};
    const auto found = std::find(names_.begin(), names_.end(), path[1]);
    if (found == names_.end()) return {};
    return look_up(outputs_[static_cast<size_t>(found - names_.begin())], from(3)).types;
  }

  Workflow& workflow_;
  const YamlDocument& document_;
  std::vector<std::string> names_, extra_;
  std::vector<nlohmann::json> outputs_;
  StepSpec* step_ = nullptr;
  std::vector<Error> faults_;
};

}  // namespace

std::vector<Error> check_references(Workflow& workflow, const YamlDocument& document) {
  return ReferenceCheck(workflow, document).run();
}

}  // namespace coppice
