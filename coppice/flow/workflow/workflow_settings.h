// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "coppice/flow/workflow/workflow.h"

namespace coppice {

// The parts of a workflow file that need nothing else of it, and are valid by its schema.

Endpoint read_endpoint(const std::string& name, const nlohmann::ordered_json& written);
/// All but its price.
ModelSpec read_model(const nlohmann::ordered_json& written);
/// Throws `ErrorCode::usage` for an amount that is none.
BudgetSpec read_budget(const nlohmann::ordered_json& written);
/// All that neither refers to anything nor depends on the kind. Throws as `read_budget`.
void read_step_settings(const nlohmann::ordered_json& written, StepSpec& step);

}  // namespace coppice
