// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/json/schema_place.h"

namespace coppice {
namespace {

/// None where it may be of any.
std::vector<std::string> names_of(schema::Types types) {
  std::vector<std::string> names;
  if (types == kAnyType) return names;
  if ((types & schema::kNumber) != 0) types &= ~schema::kInteger;
  for (const char* name : {"string", "number", "integer", "boolean", "object", "array", "null"}) {
    if ((types & schema::type_named(name)) != 0) names.emplace_back(name);
  }
  return names;
}

}  // namespace

SchemaPath look_up(const nlohmann::json& schema, const std::vector<std::string>& path) {
  SchemaPlace place(std::shared_ptr<const nlohmann::json>(&schema, [](const nlohmann::json* /*borrowed*/) {}));
  for (const std::string& part : path) {
    SchemaPlace::Part found = place.item_or_member(part);
    if (!found.may_exist) return {false, found.nearest, {}};
    if (!found.place) return {};
    place = std::move(*found.place);
  }
  return {true, {}, names_of(place.types())};
}

}  // namespace coppice
