// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/template/template.h"

namespace coppice {

/// A YAML text as JSON, which knows where each value stands.
struct YamlDocument {
  nlohmann::ordered_json value;
  std::string file;
  std::map<std::string, TextPlace> places;  ///< by JSON pointer: of a text, where its first character stands

  /// Of that value, or of the nearest one around it. "file:line:column" by `place_text`.
  TextPlace place_of(std::string_view pointer) const;
};

/// "site.yaml:3:14".
std::string place_text(const TextPlace& place);

/// One more step of a JSON pointer, RFC 6901.
std::string pointer_to(std::string_view parent, std::string_view key);

/// The names in a JSON pointer, the outermost first.
std::vector<std::string> pointer_names(const std::string& pointer);

/// Reads the first document of a YAML 1.2 text (JSON is YAML, too). Plain scalars are null, true, false, numbers or
/// text by the core schema: `no` and `on` are texts. Keys are texts, and each stands once. Aliases are followed within
/// `kMostYamlValues` values in all. Throws `ErrorCode::data` with file:line:column.
YamlDocument read_yaml(std::string_view text, const std::string& file);

inline constexpr size_t kMostYamlValues = 200'000, kMostYamlBytes = size_t{16} << 20;

}  // namespace coppice
