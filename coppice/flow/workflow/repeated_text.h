// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// What templates put into the questions of several steps: "files.guidelines", "steps.writer.output", "inputs.brief".
struct RepeatedText {
  std::string name;
  std::vector<const StepSpec*> steps;     ///< that send it, two or more
  std::optional<uint64_t> likely_tokens;  ///< each time: of a file
  std::optional<uint64_t> most_tokens;    ///< each time: of an answer that has a bound
};

/// All of them but those that are surely short (numbers, choices, bounded texts). A part of a value counts for those
/// that send the whole, too. Not told where each of these steps has a condition: perhaps one of them alone runs. In a
/// `foreach`, `item` is a part of its list.
std::vector<RepeatedText> repeated_texts(const Workflow& workflow);

/// The pointers into `with` to the questions that a step puts to models: "" where all of it is one.
std::vector<std::string> question_places(const StepSpec& step);

/// The most tokens of an answer to the question at that place, by what it says or its model's settings; 0 = no bound.
uint64_t most_answer_tokens(const Workflow& workflow, const StepSpec& step, const std::string& question);

}  // namespace coppice
