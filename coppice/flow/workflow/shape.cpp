// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/shape.h"

#include <cmath>
#include <set>
#include <vector>

namespace coppice {
namespace {

/// For each step the model-calling steps whose output reaches it, not through another one of them.
std::vector<std::set<size_t>> nearest_model_steps(const Workflow& workflow) {
  std::vector<std::set<size_t>> sources(workflow.steps.size());
  for (size_t i = 0; i < workflow.steps.size(); ++i) {
    for (const size_t other : workflow.steps[i].reads) {
      if (asks_model(workflow.steps[other])) {
        sources[i].insert(other);
      } else {
        sources[i].insert(sources[other].begin(), sources[other].end());
      }
    }
  }
  return sources;
}

}  // namespace

bool asks_model(const StepSpec& step) {
  return !step.kind->models(step.with.written()).empty();
}

double coordination_exponent(size_t model_steps, size_t edges) noexcept {
  if (edges == 0) return 0;
  if (model_steps <= 2) return 1;
  const double k = static_cast<double>(model_steps);
  return 1 + std::log(static_cast<double>(edges) / (k - 1)) / std::log(k / 2);
}

Shape shape_of(const Workflow& workflow) {
  Shape shape;
  shape.steps = workflow.steps.size();
  const std::vector<std::set<size_t>> sources = nearest_model_steps(workflow);
  for (size_t i = 0; i < workflow.steps.size(); ++i) {
    if (!asks_model(workflow.steps[i])) continue;
    ++shape.model_steps;
    shape.edges += sources[i].size();
  }
  shape.exponent = coordination_exponent(shape.model_steps, shape.edges);
  return shape;
}

}  // namespace coppice
