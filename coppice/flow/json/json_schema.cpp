// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/json_schema.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/flow/json/json_schema_rules.h"

namespace coppice {

class JsonSchema::Compiled {
 public:
  explicit Compiled(const nlohmann::json& of) : schema(of), rules(schema::compile(schema)) {}

  const nlohmann::json schema;
  const std::vector<schema::Rule> rules;
};

JsonSchema::JsonSchema(const nlohmann::json& schema) : compiled_(std::make_unique<const Compiled>(schema)) {}
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;
JsonSchema::~JsonSchema() = default;

std::vector<SchemaFault> JsonSchema::faults(const nlohmann::json& value, size_t most) const {
  return schema::faults(compiled_->rules, value, most);
}

const nlohmann::json& JsonSchema::schema() const noexcept {
  return compiled_->schema;
}

}  // namespace coppice
