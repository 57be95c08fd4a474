// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// Something about a workflow that may be overdone, or dangerous.
struct Advice {
  std::string rule;  ///< "merge", "coordination", "repeated-text", "long-prompt", "unused", "open-url", "may-be-missing", "missing-file"
  TextPlace place;
  std::string text;
};

/// What can be said before anything has run:
/// - two steps that ask the same model, one for the other alone (merge);
/// - every step hands data to every other (coordination);
/// - the same file, input or output stands in the questions of several steps (repeated-text);
/// - a prompt is far longer than the answer may be (long-prompt);
/// - nobody reads the output of a step that asks a model (unused);
/// - what a step puts out decides which server `http` asks (open-url);
/// - what the workflow gives out reads, without a default, a step that may be skipped or fail (may-be-missing).
/// Whether a run is as good without a step, which must be tried, `coppice flow optimize --ablate` tells.
std::vector<Advice> advise(const Workflow& workflow);

/// Files that steps need and that are not there yet (missing-file); `folder` is where the workflow's paths begin. What
/// a template names is not known yet.
std::vector<Advice> missing_files(const Workflow& workflow, const std::string& folder);

}  // namespace coppice
