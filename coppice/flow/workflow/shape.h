// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// How a workflow is decomposed.
///
/// k steps ask a model; E pairs of them hand data from one to the other, directly or through steps that ask none. The
/// exponent of the cost of coordination, O(k^m), is m = 1 + ln(E / (k - 1)) / ln(k / 2) for k > 2: a chain (E = k - 1)
/// has 1, all pairs (E = k (k - 1) / 2) have 2; 1 for k <= 2; 0 where there are no edges.
/// Source: the orders of cost are those of "How task decomposition and smaller LLMs can make AI more affordable",
/// Amazon Science, 2024; the formula for m between its ends is ours.
struct Shape {
  size_t steps = 0, model_steps = 0, edges = 0;
  double exponent = 0;
};
Shape shape_of(const Workflow& workflow);

/// m of the formula above.
double coordination_exponent(size_t model_steps, size_t edges) noexcept;

/// Something about a workflow that may be overdone.
struct Advice {
  std::string rule;  ///< "merge", "coordination", "repeated-text", "long-prompt", "unused", "missing-file"
  TextPlace place;
  std::string text;
};

/// What can be said before anything has run: two steps that ask the same model, one for the other alone (merge them?);
/// every step hands data to every other (coordination); the same file stands in the prompts of several steps
/// (repeated-text); a prompt is far longer than the answer may be (long-prompt); nobody reads a step's output (unused).
std::vector<Advice> advise(const Workflow& workflow);

/// Files that steps need and that are not there yet (missing-file); `folder` is where the workflow's paths begin. What
/// a template names is not known yet.
std::vector<Advice> missing_files(const Workflow& workflow, const std::string& folder);

}  // namespace coppice
