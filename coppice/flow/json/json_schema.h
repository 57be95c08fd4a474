// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace coppice {

/// One way in which a value breaks a schema.
struct SchemaFault {
  std::string path;     ///< JSON pointer into the value, "/steps/writer/retry"
  std::string message;  ///< "got a number, expected a string"
};

/// A compiled JSON Schema.
///
/// Keywords of draft 2020-12: type enum const; minimum maximum exclusiveMinimum exclusiveMaximum multipleOf; minLength
/// maxLength pattern format (date-time, date, email, uri, uuid are checked; others are let pass); items prefixItems
/// contains minContains maxContains minItems maxItems uniqueItems; properties patternProperties additionalProperties
/// propertyNames required minProperties maxProperties dependentRequired dependentSchemas; allOf anyOf oneOf not; if
/// then else; $ref within the schema ("#/...", "#anchor", or an $id that is in it), $defs and definitions, $anchor;
/// true and false. Annotations (title, description, default, examples, $schema, $id, $comment, deprecated, readOnly,
/// writeOnly) are let pass. Any other keyword is refused: a constraint that is not understood must not be passed over.
/// Lengths count code points; numbers compare by their exact value (1.0 is an integer, and equals 1), multiples by
/// their decimals (0.3 is one of 0.1). `pattern` is a RegularExpression: without lookaround and references back.
/// Threads: const methods from any. Source: JSON Schema draft 2020-12, Core and Validation.
class JsonSchema {
 public:
  /// Throws `ErrorCode::usage`, of a pattern also `unsupported`, naming the place in the schema: "#/properties/a/type".
  explicit JsonSchema(const nlohmann::json& schema);
  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;
  ~JsonSchema();

  /// At most `most` faults, in the order of the value; none = it is valid. Of alternatives none of which fits, those of
  /// the nearest. Throws `ErrorCode::data` where alternatives within alternatives take millions of steps.
  std::vector<SchemaFault> faults(const nlohmann::json& value, size_t most = 10) const;

  const nlohmann::json& schema() const noexcept;

 private:
  class Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

/// Whether a path of names ("title", or "items" then a number, from the end where it is negative) can be there in a
/// value that a schema allows: what `flow check` says of references to fields. Says yes where the schema leaves it
/// open.
struct SchemaPath {
  bool may_exist = true;
  std::string nearest;             ///< where it cannot: the name that looks like it, or ""
  std::vector<std::string> types;  ///< the types the value may have; empty = any
};
SchemaPath look_up(const nlohmann::json& schema, const std::vector<std::string>& path);

}  // namespace coppice
