// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "coppice/core/error.h"

namespace coppice {

/// What is wrong with a text that `parse_json` has refused: `ErrorCode::data`, "what: no valid JSON: ...", with
/// file:line:column. `line` is the text's own in its file where it is one line of many, from 1; 0 = it is all of it.
Error json_error(std::string_view text, const std::string& what, const std::string& file, size_t line = 0);

}  // namespace coppice
