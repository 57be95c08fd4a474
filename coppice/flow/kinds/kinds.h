// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/workflow/step_kind.h"

namespace coppice {

/// Our own models as tools: the program hands them in, since this folder knows nothing of them. Absent ones fail their
/// steps with `ErrorCode::unsupported`.
///
/// Threads: called from the event loop. What they throw fails the step.
struct Engines {
  /// The passages that answer a query best: a list of objects with `id`, `score`, `text` and what else the index holds.
  std::function<nlohmann::json(const std::string& index, const std::string& query, size_t top_k)> retrieve;
  /// The labels of a text, the best first: a list of objects with `label` and `score`.
  std::function<nlohmann::json(const std::string& model, const std::string& text, size_t top_k)> classify;
};

/// The kinds that every workflow may use.
void add_kinds(StepKinds& kinds, const Engines& engines);

// One or a few in a file each; `add_kinds` calls them all.
void add_llm_kinds(StepKinds& kinds);                             // llm, image, embed
void add_engine_kinds(StepKinds& kinds, const Engines& engines);  // retrieve, classify
void add_text_kinds(StepKinds& kinds);                            // template, json_to_text
void add_check_kinds(StepKinds& kinds);                           // check, repair
void add_outside_kinds(StepKinds& kinds);                         // http, sql, command
void add_file_kind(StepKinds& kinds);                             // file
void add_approve_kind(StepKinds& kinds);                          // approve

}  // namespace coppice
