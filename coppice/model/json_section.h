// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "coppice/core/held_json.h"
#include "coppice/model/format.h"

namespace coppice {

/// Throws `ErrorCode::data`: the file is damaged, and how.
[[noreturn]] void refuse_file(const ModelFile& file, const std::string& what);

/// A section that holds a JSON object. Throws `ErrorCode::data` for any other.
HeldJson json_section(const ModelFile& file, SectionType type);

/// The number from 0 to `most` of that name. Throws `ErrorCode::data` when there is none.
uint64_t number_at(const nlohmann::json& object, const char* key, uint64_t most, const ModelFile& file);

/// The text of that name. Throws `ErrorCode::data` when there is none.
const std::string& text_at(const nlohmann::json& object, const char* key, const ModelFile& file);

/// Whether `list` is one of these numbers.
bool holds_numbers(const nlohmann::json& list, std::span<const uint64_t> numbers) noexcept;

/// The list of that name, of at most `most` entries. Throws `ErrorCode::data` when there is none.
const nlohmann::json& list_at(const nlohmann::json& object, const char* key, size_t most, const ModelFile& file);

/// The same of texts, which are valid UTF-8.
std::vector<std::string> texts_at(const nlohmann::json& object, const char* key, size_t most, const ModelFile& file);

}  // namespace coppice
