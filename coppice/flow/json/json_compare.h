// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>

#include <nlohmann/json_fwd.hpp>

namespace coppice {

/// How two JSON numbers stand to each other by their exact value: 1 equals 1.0, and 2^63 is above any int64, which
/// nlohmann's own comparison, by casts, gets wrong. Unordered for what is no number.
std::partial_ordering compare_numbers(const nlohmann::json& a, const nlohmann::json& b) noexcept;

/// Equal as JSON Schema has it: numbers by value, all else of one type and with the same content.
bool equal_json(const nlohmann::json& a, const nlohmann::json& b) noexcept;

/// A total order that has as equal what `equal_json` has: by type first, then by content.
std::weak_ordering order_json(const nlohmann::json& a, const nlohmann::json& b) noexcept;

}  // namespace coppice
