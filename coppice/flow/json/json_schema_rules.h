// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/json/json_schema_formats.h"
#include "coppice/flow/json/regular_expression.h"

namespace coppice::schema {

/// The types of JSON Schema, as bits. An integer is a number, too.
using Types = unsigned;
inline constexpr Types kNull = 1, kBoolean = 2, kInteger = 4, kNumber = 8, kString = 16, kArray = 32, kObject = 64;

/// 0 for what is no type.
Types type_named(std::string_view name);
/// "a string or null"; of no type "anything".
std::string types_text(Types types);
/// The bits that a value fits: of 1.0 both of the numbers'.
Types types_of(const nlohmann::json& value);
/// "a string", for messages; a number that is none that is expected in full.
std::string_view type_text(const nlohmann::json& value);

using RuleNumber = size_t;

struct TextRule {
  RegularExpression expression;
  std::string text;
};

/// One schema, read. Bounds that are not there hold of everything.
struct Rule {
  std::string place;                      ///< the JSON pointer to it
  bool allows_nothing = false;            ///< the schema `false`
  Types types = 0;                        ///< 0 = any
  std::optional<nlohmann::json> choices;  ///< of enum, a list
  std::optional<nlohmann::json> constant;

  std::optional<nlohmann::json> minimum, maximum, above, below, multiple_of;

  std::optional<uint64_t> min_length, max_length;
  std::optional<TextRule> pattern;
  std::optional<Format> format;

  std::vector<RuleNumber> prefix_items;
  std::optional<RuleNumber> items, contains;
  std::optional<uint64_t> min_contains, max_contains, min_items, max_items;
  bool has_unique_items = false;

  std::map<std::string, RuleNumber> properties;
  std::vector<std::pair<TextRule, RuleNumber>> pattern_properties;
  std::optional<RuleNumber> additional_properties, property_names;
  std::optional<uint64_t> min_properties, max_properties;
  std::vector<std::string> required;
  std::map<std::string, std::vector<std::string>> dependent_required;
  std::map<std::string, RuleNumber> dependent_schemas;

  std::vector<RuleNumber> all_of, any_of, one_of;
  std::optional<RuleNumber> reference, negated, condition, then, otherwise;
};

/// All schemas that a schema consists of; the first is the whole. Throws as JsonSchema does.
std::vector<Rule> compile(const nlohmann::json& schema);

/// The faults of a value, in the order of the value.
std::vector<SchemaFault> faults(const std::vector<Rule>& rules, const nlohmann::json& value, size_t most);

}  // namespace coppice::schema
