// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/json/json_schema.h"

namespace coppice {
namespace {

using nlohmann::json;

json made(const json& schema, uint64_t seed = 1) {
  StandInWriter writer({"rose", "wall", "stone", "garden", "größe"}, Random(seed));
  return schema_instance(schema, writer);
}

/// Each of many instances is valid.
void expect_valid(const json& schema) {
  const JsonSchema compiled(schema);
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const json value = made(schema, seed);
    for (const SchemaFault& fault : compiled.faults(value)) {
      ADD_FAILURE() << schema << "\n" << value << "\n" << fault.path << ": " << fault.message;
    }
  }
}

TEST(StandInSchema, InstancesAreValidByTheirSchema) {
  for (
      const char* text : {
          R"({"type": "object", "properties": {"title": {"type": "string", "minLength": 30, "maxLength": 31},
               "n": {"type": "integer", "minimum": 3, "exclusiveMaximum": 5},
               "price": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.01},
               "tags": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 5, "uniqueItems": true},
               "kind": {"enum": ["a", 2, null]}, "fixed": {"const": {"x": [1]}}, "on": {"type": "boolean"}},
               "required": ["title", "n", "tags", "kind", "fixed"], "additionalProperties": false})",
          R"({"type": "array", "minItems": 6, "items": {"type": "array", "minItems": 2, "items": {"type": "integer"}}})",
          R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "required": ["name", "children"],
               "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
               "additionalProperties": false}}})",
          R"({"$defs": {"e": {"anyOf": [{"type": "object", "properties": {"left": {"$ref": "#/$defs/e"}},
               "required": ["left"]}, {"type": "null"}]}}, "$ref": "#/$defs/e"})",
          R"({"anyOf": [{"type": "string", "maxLength": 3}, {"type": "integer", "minimum": 1000}]})",
          R"({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
               {"$ref": "#/$defs/b"}], "$defs": {"b": {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}}})",
          R"({"type": ["string", "null"]})",
          R"({"type": ["null", "integer"], "minimum": 5})",
          R"({"type": "null"})",
          R"({"type": "string", "pattern": "^#[0-9a-f]{6}$"})",
          R"({"type": "string", "format": "date-time"})",
          R"({"type": "string", "format": "date"})",
          R"({"type": "string", "format": "uuid"})",
          R"({"type": "string", "format": "email"})",
          R"({"type": "string", "format": "uri"})",
          R"({"type": "string", "maxLength": 0})",
          R"({"type": "string", "minLength": 1000})",
          R"({"type": "number", "multipleOf": 0.25, "minimum": 0.3, "maximum": 0.6})",
          R"({"type": "integer", "multipleOf": 7, "exclusiveMinimum": 7, "maximum": 14})",
          R"({"type": "number", "maximum": -5})",
          R"({"type": "integer", "exclusiveMaximum": 0})",
          R"({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 9})",
          R"({"type": "object", "required": ["x", "y"], "additionalProperties": {"type": "string", "minLength": 2}})",
          R"({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "items": false})",
          R"({"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}, "minItems": 4})",
          R"({"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": true, "minItems": 3, "maxItems": 3})",
          R"({"type": "array", "items": {"type": "string"}, "uniqueItems": true, "minItems": 60})",
          R"({"properties": {"a": {"items": {"minimum": 4}}}, "required": ["a"]})",
          R"({})"}) {
    expect_valid(json::parse(text));
  }
}

TEST(StandInSchema, TextsAreOfThePromptsWords) {
  const json value = made(json::parse(R"({"properties": {"title": {}, "description": {}}})"));
  EXPECT_NE(value["description"].get<std::string>().find('.'), std::string::npos) << "a sentence";
  EXPECT_EQ(value["title"].get<std::string>().find('.'), std::string::npos);
  EXPECT_EQ(made(true, 5), made(true, 5));
  EXPECT_NE(made(true, 5), made(true, 6));
}

TEST(StandInSchema, WhatCannotBeFollowedIsSaid) {
  for (const char* text :
       {R"({"$ref": "#/$defs/none"})", R"({"$ref": "http://example.com"})", R"({"$ref": 5})", R"({"$ref": "#/%zz"})",
        R"({"$ref": "#"})", R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})",
        R"({"type": "array", "minItems": 1000000000})", R"({"type": "object", "minProperties": 1e12})",
        R"({"type": "string", "minLength": 1e12})",
        R"({"type": "array", "items": {"type": "string", "minLength": 60000}, "minItems": 1000})",
        R"({"type": "array", "minItems": 20000, "uniqueItems": true})"}) {
    EXPECT_THROW(made(json::parse(text)), Error) << text;
  }
}

/// A schema out of any keywords with any values.
json wild(Random& random, int depth) {
  static constexpr std::array kKeys = {"type",
                                       "enum",
                                       "const",
                                       "minimum",
                                       "maximum",
                                       "exclusiveMinimum",
                                       "multipleOf",
                                       "minLength",
                                       "maxLength",
                                       "pattern",
                                       "format",
                                       "items",
                                       "prefixItems",
                                       "minItems",
                                       "maxItems",
                                       "uniqueItems",
                                       "properties",
                                       "required",
                                       "additionalProperties",
                                       "minProperties",
                                       "$ref",
                                       "allOf",
                                       "anyOf",
                                       "oneOf"};
  static constexpr std::array kTexts = {"object", "array", "string", "integer", "null", "#", "a", ""};
  switch (random.below(depth > 3 ? 5 : 8)) {
    case 0:
      return random.below(2) == 0;
    case 1:
      return static_cast<int>(random.below(9)) - 3;
    case 2:
      return random.uniform() * 1e3;
    case 3:
      return nullptr;
    case 4:
      return kTexts[random.below(kTexts.size())];
    case 5: {
      json list = json::array();
      for (uint32_t n = random.below(4); n > 0; --n) list.push_back(wild(random, depth + 1));
      return list;
    }
    default: {
      json object = json::object();
      for (uint32_t n = random.below(4); n > 0; --n) {
        object[kKeys[random.below(kKeys.size())]] = wild(random, depth + 1);
      }
      return object;
    }
  }
}

TEST(StandInSchema, AnySchemaGivesAValueOrAnError) {
  Random random(17);
  int n_values = 0;
  for (int i = 0; i < 5000; ++i) {
    const json schema = wild(random, 0);
    try {
      made(schema);
      ++n_values;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data) << schema;
    }
  }
  EXPECT_GT(n_values, 1000);
}

}  // namespace
}  // namespace coppice
