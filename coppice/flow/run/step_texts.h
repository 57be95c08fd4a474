// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace coppice {

/// What stands in each question that a step asks, as far as it is written out: its persona, and its system message and
/// prompt between their templates, each up to 400 bytes; a file that is a whole prompt, too. None where all is made by
/// templates. `workflow` is `Workflow::text`, read.
std::vector<std::string> step_texts(const nlohmann::json& workflow, const std::string& step);

}  // namespace coppice
