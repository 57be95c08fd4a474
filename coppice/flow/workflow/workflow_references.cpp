// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/workflow_references.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "coppice/core/options.h"

namespace coppice {
namespace {

/// Does one step at a time, then the outputs.
class ReferenceCheck {
 public:
  ReferenceCheck(Workflow& workflow, const BrokenParts& broken, const YamlDocument& document)
      : workflow_(workflow), broken_(broken), document_(document) {
    for (const StepSpec& step : workflow.steps) names_.push_back(step.name);
  }

  std::vector<Error> run(std::vector<StepSpec>& broken_steps) {
    for (StepSpec& step : workflow_.steps) check_step(step, static_cast<bool>(step.foreach));
    for (StepSpec& step : broken_steps) check_step(step, true);  // its `foreach` may be what is broken
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
  void check_step(StepSpec& step, bool may_have_items) {
    step_ = &step;
    extra_ = {};
    read_needs();
    if (step_->condition) check_all(step_->condition->references());
    if (step_->foreach) check_all(step_->foreach->references());
    if (may_have_items) extra_ = {"item", "index"};
    check_all(step_->with.references(TemplatedValue::Which::early));
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
    if (broken_.steps.contains(name)) return std::nullopt;
    fault(place, fmt::format("unknown step '{}'", name), nearest_name(name, with_broken(names_, broken_.steps)));
    return std::nullopt;
  }

  static std::vector<std::string> with_broken(std::vector<std::string> names, const BrokenNames& broken) {
    names.insert(names.end(), broken.names.begin(), broken.names.end());
    return names;
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
    } else if (first == "files") {
      check_file(reference, place);
    } else if (first != "inputs" && first != "run" && std::find(extra_.begin(), extra_.end(), first) == extra_.end()) {
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
    if (!number && !broken_.steps.contains(reference.path[1])) return;
    const bool reads_output = reference.path.size() < 3 || reference.path[2] == "output";
    if (step_ == nullptr) workflow_.output_steps.insert(reference.path[1]);
    if (step_ != nullptr && number) {
      step_->needs.push_back(*number);
      if (reads_output) step_->reads.push_back(*number);
      if (!reference.has_default && reads_output) step_->fails_with.push_back(*number);
    }
    if (reference.path.size() < 3 || reference.path[2] == "state") return;
    if (reference.path[2] == "output") return;
    fault(place, fmt::format("a step has no '{}', expected 'output' or 'state'", reference.path[2]),
          nearest_name(reference.path[2], {"output", "state"}));
  }

  void check_file(const TemplateReference& reference, const TextPlace& place) {
    if (reference.path.size() < 2 || workflow_.files.contains(reference.path[1])) return;
    if (broken_.files.contains(reference.path[1])) return;
    std::vector<std::string> names;
    for (const auto& [name, text] : workflow_.files.items()) names.push_back(name);
    fault(place, fmt::format("unknown file '{}'", reference.path[1]),
          nearest_name(reference.path[1], with_broken(std::move(names), broken_.files)));
  }

  Workflow& workflow_;
  const BrokenParts& broken_;
  const YamlDocument& document_;
  std::vector<std::string> names_, extra_;
  StepSpec* step_ = nullptr;
  std::vector<Error> faults_;
};

}  // namespace

std::vector<Error> check_references(Workflow& workflow, std::vector<StepSpec>& broken_steps, const BrokenParts& broken,
                                    const YamlDocument& document) {
  return ReferenceCheck(workflow, broken, document).run(broken_steps);
}

}  // namespace coppice
