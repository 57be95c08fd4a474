// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace coppice::schema {

/// Whether a number is a whole multiple of another that is above 0, by their decimals as written: 0.3 is one of 0.1,
/// which it is not by the binary numbers nearest to them.
bool is_multiple(const nlohmann::json& value, const nlohmann::json& of);

}  // namespace coppice::schema
