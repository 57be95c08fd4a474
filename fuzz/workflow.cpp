// SPDX-License-Identifier: Apache-2.0
//
// Any text as a workflow file, in each of its variants, with all kinds of steps: it is refused with a place, or read;
// what is read can be judged, and what it writes of itself reads the same again.
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/workflow/advice.h"
#include "coppice/flow/workflow/shape.h"
#include "coppice/flow/workflow/workflow.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

namespace {

using coppice::require;
using coppice::Workflow;
using nlohmann::json;

#ifdef COPPICE_WORKFLOW_SCHEMA
/// A kind that the published schema tells of: clang cannot compile those that wait for something.
class SketchedKind : public coppice::StepKind {
 public:
  SketchedKind(std::string name, json schema) : name_(std::move(name)), schema_(std::move(schema)) {}
  std::string name() const override { return name_; }
  json with_schema() const override { return schema_; }
  bool must_be_allowed() const override { return name_ == "sql" || name_ == "command"; }
  std::vector<std::string> model_places() const override { return {"/model", "/fix/model", "/otherwise/model"}; }
  coppice::LateTemplates late() const override {
    if (name_ != "repair") return {};
    return {{"/files", "/fix"}, {"value", "findings", "round"}};
  }

 private:
  std::string name_;
  json schema_;
};

coppice::StepKinds all_kinds() {
  coppice::StepKinds kinds;
  coppice::add_text_kinds(kinds);
  const json schema = json::parse(std::ifstream(COPPICE_WORKFLOW_SCHEMA));
  for (const json& one : schema["$defs"]["step"]["allOf"]) {
    const std::string name = one["if"]["properties"]["kind"]["const"];
    if (kinds.find(name) != nullptr) continue;
    kinds.add(std::make_unique<SketchedKind>(name, one["then"]["properties"]["with"]));
  }
  return kinds;
}
#else
coppice::StepKinds all_kinds() {
  coppice::StepKinds kinds;
  coppice::add_kinds(kinds, {});
  return kinds;
}
#endif

const coppice::StepKinds& kinds() {
  static const coppice::StepKinds all = all_kinds();
  return all;
}

/// What may be thrown: a fault of the file with its place, or a file that cannot be read.
template <class Work>
void attempt(Work work) {
  try {
    work();
  } catch (const coppice::FaultyWorkflow& faulty) {
    require(!faulty.faults().empty());
    for (const coppice::Error& fault : faulty.faults()) require(!fault.where().empty());
  } catch (const coppice::Error& error) {
    require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::io);
    require(!error.where().empty());
  }
}

/// A price above a thousand dollars a token is written to fifteen digits, and may be a picodollar more when it is read.
std::string without_prices(const std::string& text) {
  json whole = coppice::parse_json(text);
  whole.erase("prices");
  return whole.dump();
}

void expect_sound(const Workflow& workflow, const std::string& folder) {
  for (size_t i = 0; i < workflow.steps.size(); ++i) {
    const coppice::StepSpec& step = workflow.steps[i];
    require(step.kind != nullptr && workflow.find(step.name) == &step);
    for (const size_t need : step.needs) require(need < i);
  }
  const coppice::Shape shape = coppice::shape_of(workflow);
  require(shape.model_steps <= shape.steps && shape.steps == workflow.steps.size());
  for (const auto& advice : coppice::advise(workflow)) require(!advice.text.empty() && !advice.place.file.empty());
  coppice::missing_files(workflow, folder);
  const Workflow again = coppice::read_workflow_text(workflow.text, kinds());
  require(without_prices(again.text) == without_prices(workflow.text));
  require(again.steps.size() == workflow.steps.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  constexpr size_t kMostVariants = 3;
  static const coppice::ScratchFolder folder;
  static const std::string guidelines = folder.write("guidelines.md", "Calm colours.\n");
  const std::string path = folder.write("flow.yaml", coppice::text_of(bytes, size));
  std::vector<std::string> variants = {""};
  attempt([&] {
    for (std::string& name : coppice::variant_names(path)) {
      if (variants.size() <= kMostVariants) variants.push_back(std::move(name));
    }
  });
  for (const std::string& variant : variants) {
    attempt([&] { expect_sound(coppice::read_workflow(path, variant, kinds()), folder.path("")); });
  }
  return 0;
}
