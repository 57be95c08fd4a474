// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/trusted_places.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

namespace coppice {
namespace {

/// Is one of the two pointers the other, or above it?
bool overlap(const std::string& one, const std::string& other) {
  const std::string& above = one.size() < other.size() ? one : other;
  const std::string& below = one.size() < other.size() ? other : one;
  return below.starts_with(above) && (below.size() == above.size() || below[above.size()] == '/');
}

bool refers_to(const Template& text, const char* name) {
  const std::vector<TemplateReference> all = text.references();
  return std::any_of(all.begin(), all.end(), [&](const auto& reference) { return reference.path.front() == name; });
}

}  // namespace

bool reads_outputs(const StepSpec& step, const Template& text) {
  if (refers_to(text, "steps")) return true;
  return step.foreach && refers_to(*step.foreach, "steps") && refers_to(text, "item");
}

std::vector<Error> check_trusted_places(const std::vector<StepSpec>& steps, const YamlDocument& document) {
  std::vector<Error> faults;
  for (const StepSpec& step : steps) {
    for (const std::string& place : step.kind->trusted_places()) {
      for (const TemplatedValue::Leaf& leaf : step.with.leaves()) {
        if (!overlap(leaf.pointer_text, place) || !reads_outputs(step, leaf.text)) continue;
        const std::string at = pointer_to("/steps", step.name) + "/with" + leaf.pointer_text;
        faults.emplace_back(ErrorCode::data,
                            fmt::format("what a step puts out may not decide 'with{}' of a {}: a model may have "
                                        "written it",
                                        place, step.kind->name()),
                            place_text(document.place_of(at)), "write it out, or take it from the input");
      }
    }
  }
  return faults;
}

}  // namespace coppice
