// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/app/command.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice::app {

/// The input of a run: a JSON file, "-" for standard input; {} where the path is empty.
nlohmann::json read_flow_input(const std::string& path);

/// Inputs, one on each line (JSON lines), each one that all of `workflows` take. Throws `ErrorCode::data` naming the
/// line, and the place in it, of one that they do not, and where there is none.
std::vector<nlohmann::json> read_flow_inputs(const std::string& path, std::span<const Workflow> workflows);

/// Says it where inputs stand several times: they count as repeats.
void tell_equal_inputs(const std::vector<nlohmann::json>& inputs, const CommonOptions& common);

/// Settings of a stand-in (YAML or JSON); {} where the path is empty.
nlohmann::json read_stand_in_settings(const std::string& path);

}  // namespace coppice::app
