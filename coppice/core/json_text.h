// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace coppice {

/// How deep lists and objects may nest in the JSON of a model or of a folder to import. Copying and printing nested
/// values goes by recursion, so that a text of brackets alone would use up the stack.
inline constexpr size_t kDeepestJson = 256;

/// Whether lists and objects nest deeper than `levels`; of a text that is no JSON, any answer. Cost: one pass.
bool nests_deeper(std::string_view json, size_t levels) noexcept;

/// As `parse_held_json`.
nlohmann::json parse_json(std::string_view text);

/// The place of a byte as the parser counts them, from 1: "3:14", line and column, from 1, too.
std::string line_and_column(std::string_view text, size_t byte);

/// `json_fault` without the place that a syntax error begins with, which stands elsewhere in our messages.
std::string json_fault_without_place(std::string_view what);

/// A number as a message shows it: a whole one in full, others to nine digits.
std::string number_text(double value);

/// A value as a message shows it: a list or an object by its kind alone, however much is in it.
std::string json_value_text(const nlohmann::json& value);

}  // namespace coppice
