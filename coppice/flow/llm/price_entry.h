// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "coppice/flow/llm/prices.h"

namespace coppice {

/// One model's entry of a price table, an object; nothing where it has no price of a token or an image. `PriceTable`
/// says which keys are read; others are passed over. Throws `ErrorCode::data` with `where` for a value that is none.
std::optional<ModelPrice> read_price_entry(const nlohmann::json& entry, const std::string& where);

/// What `read_price_entry` reads as the same prices again.
nlohmann::json price_entry(const ModelPrice& price);

/// Does `read_price_entry` read that key?
bool is_price_key(std::string_view key);

}  // namespace coppice
