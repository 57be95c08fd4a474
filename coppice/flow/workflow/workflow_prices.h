// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// What stands under `price` of a model: "free", or an entry of a price table. Throws `ErrorCode::data`.
ModelPrice read_price(const nlohmann::ordered_json& written, const std::string& file);

/// Models without a price that steps within a budget may ask: what they cost could not be held against it.
std::vector<Error> check_prices(const Workflow& workflow, const YamlDocument& document);

}  // namespace coppice
