// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace coppice::schema {

/// How a keyword of JSON Schema holds other schemas.
enum class Holds { nothing, schema, list, members };
Holds what_keyword_holds(std::string_view keyword);

/// Where the parts of one schema are: what "#/..." and "#anchor" lead to.
class Document {
 public:
  /// Borrows the schema.
  explicit Document(const nlohmann::json& root);

  /// What a $ref in `schema` leads to, null where there is nothing or where it leaves the document.
  const nlohmann::json* find(const nlohmann::json& schema, std::string_view reference) const;

 private:
  void enter(const nlohmann::json& schema, const nlohmann::json* resource);

  const nlohmann::json* root_;
  /// For each schema the one that its references begin from: the nearest around it with an $id, or the root.
  std::map<const nlohmann::json*, const nlohmann::json*> resources_;
  std::map<std::string, const nlohmann::json*, std::less<>> by_id_;
  std::map<std::pair<const nlohmann::json*, std::string>, const nlohmann::json*> anchors_;
};

/// What a JSON pointer leads to, null where there is nothing.
const nlohmann::json* at_pointer(const nlohmann::json& value, std::string_view pointer);

/// A step of a JSON pointer: ~ and / escaped.
std::string pointer_step(std::string_view name);

}  // namespace coppice::schema
