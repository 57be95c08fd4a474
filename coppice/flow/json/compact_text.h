// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace coppice {

/// A value as JSON on one line without blanks; keys in the order of `value`'s type. What is no UTF-8 becomes U+FFFD, so
/// that nothing which others sent stops a message, a request or a line of the journal. As `dump()` writes it, at a
/// third of its time for the small values that steps pass on.
std::string compact_text(const nlohmann::json& value);
std::string compact_text(const nlohmann::ordered_json& value);

}  // namespace coppice
