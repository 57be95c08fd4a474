// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace coppice::app {

/// The input of a run: a JSON file, "-" for standard input; {} where the path is empty.
nlohmann::json read_flow_input(const std::string& path);

/// Inputs, one on each line (JSON lines). Throws `ErrorCode::data` where there is none.
std::vector<nlohmann::json> read_flow_inputs(const std::string& path);

/// Settings of a stand-in (YAML or JSON); {} where the path is empty.
nlohmann::json read_stand_in_settings(const std::string& path);

}  // namespace coppice::app
