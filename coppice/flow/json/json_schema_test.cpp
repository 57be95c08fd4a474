// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/random.h"
#include "coppice/flow/json/json_compare.h"
#include "coppice/flow/json/json_schema_formats.h"
#include "coppice/flow/json/json_schema_multiple.h"

namespace coppice {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

/// "path: message" of each fault.
Texts faults(const std::string& schema, const std::string& value, size_t most = 10) {
  Texts texts;
  for (const SchemaFault& fault : JsonSchema(parse_json(schema)).faults(parse_json(value), most)) {
    texts.push_back(fault.path + ": " + fault.message);
  }
  return texts;
}

/// How a schema is refused: "where: what", and its hint.
std::string refusal(const std::string& schema) {
  try {
    JsonSchema{parse_json(schema)};
    return "not refused";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::usage || error.code() == ErrorCode::unsupported);
    return error.message();
  }
}

const char* const kArticle = R"({
  "type": "object", "required": ["title", "sections"], "additionalProperties": false,
  "properties": {
    "title": {"type": "string", "minLength": 3, "maxLength": 10},
    "kind": {"enum": ["short", "long"]},
    "score": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
    "sections": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/section"}}
  },
  "$defs": {"section": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}}
})";

TEST(JsonSchema, AValidValueHasNoFaults) {
  EXPECT_EQ(faults(kArticle, R"({"title":"abc","sections":[{"text":""}],"kind":"long","score":0})"), Texts{});
}

TEST(JsonSchema, FaultsSayWhatWasGotAndExpected) {
  EXPECT_EQ(faults(kArticle, "[]"), Texts{": got an array, expected an object"});
  EXPECT_EQ(faults(kArticle, R"({"title":"ab","sections":[{"text":1},{}],"kind":"medium","score":1,"titel":2})"),
            (Texts{R"(/kind: got "medium", expected one of "short", "long")", "/score: got 1, expected less than 1",
                   "/sections/0/text: got a number, expected a string", "/sections/1: 'text' is missing",
                   "/titel: 'titel' is not allowed here; did you mean 'title'?",
                   "/title: got 2 characters, expected at least 3"}));
  EXPECT_EQ(faults(R"({"type":"integer"})", "1.5"), Texts{": got 1.5, expected an integer"});
  EXPECT_EQ(faults(R"({"type":["string","null"]})", "1"), Texts{": got a number, expected a string or null"});
  EXPECT_EQ(faults(R"({"const":{"a":1}})", "2"), Texts{": got 2, expected an object"});
  EXPECT_EQ(faults(R"({"pattern":"^a+$"})", R"("b")"), Texts{R"(: got "b", expected a string that matches ^a+$)"});
  EXPECT_EQ(faults(R"({"format":"date"})", R"("5.1.20")"),
            Texts{R"(: got "5.1.20", expected a string of the format date)"});
  EXPECT_EQ(faults(R"({"multipleOf":0.1})", "0.35"), Texts{": got 0.35, expected a multiple of 0.1"});
  EXPECT_EQ(faults(R"({"uniqueItems":true})", "[1,2,1.0]"), Texts{": items 0 and 2 are equal, expected all to differ"});
  EXPECT_EQ(faults(R"({"dependentRequired":{"a":["b"]}})", R"({"a":1})"), Texts{": 'b' is missing, which 'a' needs"});
  EXPECT_EQ(faults(R"({"propertyNames":{"maxLength":2}})", R"({"abc":1})"),
            Texts{": the name 'abc': got 3 characters, expected at most 2"});
  EXPECT_EQ(faults(R"({"not":{"type":"string"}})", R"("x")"), Texts{": got what the schema excludes with 'not'"});
  EXPECT_EQ(faults("false", "1"), Texts{": nothing is allowed here"});
}

TEST(JsonSchema, OfAlternativesTheNearestExplains) {
  const std::string by_type = R"({"anyOf":[{"type":"string"},{"type":"array"}]})";
  EXPECT_EQ(faults(by_type, "1"), Texts{": got a number, expected a string or an array"});
  const std::string by_kind = R"({"oneOf":[
    {"type":"object","properties":{"kind":{"const":"a"},"x":{"type":"string"}},"required":["kind","x"]},
    {"type":"object","properties":{"kind":{"const":"b"},"y":{"type":"string"}},"required":["kind","y"]}]})";
  EXPECT_EQ(faults(by_kind, R"({"kind":"b","y":1})"), Texts{"/y: got a number, expected a string"});
  EXPECT_EQ(faults(R"({"anyOf":[{"minLength":3},{"const":"x"}]})", R"("ab")"),
            Texts{": fits none of 2 alternatives; of the nearest: got 2 characters, expected at least 3"});
  EXPECT_EQ(faults(R"({"oneOf":[{"type":"integer"},{"minimum":2}]})", "3"),
            Texts{": fits 2 of 2 alternatives, expected one"});
}

TEST(JsonSchema, FaultsStandInTheOrderOfTheValueAndAreNotTooMany) {
  const std::string schema = R"({"items":{"type":"string"},"allOf":[{"prefixItems":[{"type":"string"}]}]})";
  std::string list = "[";
  for (int i = 0; i < 30; ++i) list += (i > 0 ? "," : "") + std::to_string(i);
  const Texts found = faults(schema, list + "]", 12);
  ASSERT_EQ(found.size(), 12u);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], "/" + std::to_string(i) + ": got a number, expected a string");
  }
  EXPECT_EQ(faults(schema, list + "]", 0).size(), 0u);
}

TEST(JsonSchema, PointersEscapeWhatTheyMust) {
  EXPECT_EQ(faults(R"({"additionalProperties":{"type":"null"}})", R"({"a/b~c":1})"),
            Texts{"/a~1b~0c: got a number, expected null"});
  EXPECT_EQ(faults(R"({"$ref":"#/$defs/a~1b%25","$defs":{"a/b%":{"type":"null"}}})", "1").size(), 1u);
}

TEST(JsonSchema, NumbersCompareByValue) {
  EXPECT_EQ(faults(R"({"enum":[1,9007199254740993]})", "1.0"), Texts{});
  EXPECT_EQ(faults(R"({"const":9007199254740993})", "9007199254740992.0").size(), 1u);
  EXPECT_EQ(faults(R"({"maximum":9223372036854775807})", "9223372036854775808").size(), 1u);
  EXPECT_EQ(faults(R"({"const":false})", "0").size(), 1u);
  EXPECT_TRUE(compare_numbers(json(-1), json(UINT64_MAX)) < 0);
  EXPECT_TRUE(compare_numbers(json(INT64_MIN), json(-0x1.0p63)) == 0);
  EXPECT_TRUE(compare_numbers(json(UINT64_MAX), json(0x1.0p64)) < 0);
  EXPECT_TRUE(compare_numbers(json(0), json(-0.5)) > 0);
  EXPECT_TRUE(compare_numbers(json(-1), json(-1.5)) > 0);
  EXPECT_TRUE(compare_numbers(json(-0.0), json(0)) == 0);
}

/// Order and equality agree, and the order is one.
TEST(JsonSchema, TheOrderOfValuesIsTotal) {
  std::vector<json> values;
  for (const char* text : {"null",
                           "false",
                           "true",
                           "0",
                           "-0.0",
                           "1",
                           "1.0",
                           "1.5",
                           "-7",
                           "18446744073709551615",
                           "1e300",
                           R"("")",
                           R"("a")",
                           R"("ab")",
                           "[]",
                           "[1]",
                           "[1.0]",
                           "[1,2]",
                           "{}",
                           R"({"a":1})",
                           R"({"a":2})",
                           R"({"b":1})",
                           R"({"a":1,"b":2})"}) {
    values.push_back(parse_json(text));
  }
  for (const json& a : values) {
    for (const json& b : values) {
      EXPECT_EQ(order_json(a, b) == 0, equal_json(a, b)) << a << b;
      EXPECT_EQ(order_json(a, b) < 0, order_json(b, a) > 0) << a << b;
      for (const json& c : values) {
        EXPECT_TRUE(!(order_json(a, b) < 0 && order_json(b, c) < 0) || order_json(a, c) < 0) << a << b << c;
      }
    }
  }
}

TEST(JsonSchema, MultiplesAreTakenByTheirDecimals) {
  const auto is_multiple = [](const char* value, const char* of) {
    return schema::is_multiple(parse_json(value), parse_json(of));
  };
  EXPECT_TRUE(is_multiple("0.3", "0.1"));
  EXPECT_TRUE(is_multiple("1.1", "0.01"));
  EXPECT_FALSE(is_multiple("0.35", "0.1"));
  EXPECT_TRUE(is_multiple("-9", "3"));
  EXPECT_TRUE(is_multiple("0", "7"));
  EXPECT_TRUE(is_multiple("1e300", "0.5"));
  EXPECT_FALSE(is_multiple("1e-300", "1e300"));
  EXPECT_TRUE(is_multiple("18446744073709551615", "5"));
  EXPECT_FALSE(is_multiple("18446744073709551615", "2"));
  EXPECT_FALSE(is_multiple("1e300", "7"));
}

/// Against whole numbers scaled by a power of ten.
TEST(JsonSchema, MultiplesAgreeWithWholeNumbers) {
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    const int64_t a = random.below(100'000), b = 1 + random.below(500);
    const double scale = random.below(2) == 0 ? 100.0 : 1000.0;
    const json value = static_cast<double>(a) / scale, of = static_cast<double>(b) / scale;
    ASSERT_EQ(schema::is_multiple(value, of), a % b == 0) << value << " of " << of;
  }
}

TEST(JsonSchema, FormatsAreThoseOfTheirStandards) {
  using schema::Format;
  const auto expect = [](Format format, bool fits, const std::vector<const char*>& texts) {
    for (const char* text : texts) EXPECT_EQ(schema::fits(format, text), fits) << text;
  };
  expect(Format::date, true, {"2024-02-29", "2000-02-29", "0000-01-01", "9999-12-31"});
  expect(Format::date, false,
         {"", "2023-02-29", "1900-02-29", "2024-13-01", "2024-04-31", "2024-1-01", "24-01-01", "2024-01-01Z"});
  expect(Format::date_time, true, {"1985-04-12T23:20:50.52Z", "1998-12-31t23:59:60z", "1998-12-31T15:59:60.123-08:00"});
  expect(Format::date_time, false,
         {"1985-04-12 23:20:50Z", "1985-04-12T23:20:50", "1998-12-31T22:59:60Z", "1985-04-12T24:00:00Z",
          "1985-04-12T23:20:50.Z", "1985-04-12T23:20:50+24:00", "1985-04-12T23:20:50Zx"});
  expect(Format::email, true,
         {"a@b.c", "te~st@example.com", "\"a b\"@x.org", "a@[127.0.0.1]", "a@[IPv6:::1]", "a+b@x-y.org"});
  expect(Format::email, false,
         {"", "a", "@b.c", "a@", ".a@b.c", "a..b@c.d", "a@b..c", "a@-b.c", "a b@c.d", "a@[300.0.0.1]"});
  expect(Format::uri, true,
         {"http://a.b/c?d=e#f", "urn:isbn:0", "mailto:a@b.c", "ftp://[::1]:8080/", "http://u:p@h:1/", "file:///x"});
  expect(Format::uri, false,
         {"", "a", "/a", "//a/b", ":a", "1a:b", "http://a b", "http://[::1", "http://a/%zz", "http://a:b/", "a:\\b",
          "http://x/<>"});
  expect(Format::uuid, true, {"2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"});
  expect(Format::uuid, false,
         {"", "2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g",
          "2eb8aa08-aa98-11ea-b4aa-73b441d163800"});
  EXPECT_EQ(faults(R"({"format":"anything"})", R"("x")"), Texts{});
}

TEST(JsonSchema, WhatIsNotUnderstoodIsRefused) {
  EXPECT_EQ(refusal(R"({"minLenght":1})"), "#: unknown keyword 'minLenght'\n  hint: did you mean 'minLength'?");
  EXPECT_EQ(refusal(R"({"properties":{"a":{"unevaluatedItems":false}}})"),
            "#/properties/a: unknown keyword 'unevaluatedItems'\n"
            "  hint: a constraint that is not understood must not be passed over");
  EXPECT_EQ(refusal(R"({"items":{"type":"strin"}})"),
            "#/items/type: unknown type 'strin'\n  hint: did you mean 'string'?");
  EXPECT_EQ(refusal(R"({"$defs":{"a":{"minItems":-1}}})"),
            "#/$defs/a/minItems: got a number, expected a whole number from 0");
  EXPECT_EQ(refusal(R"({"$ref":"#/$defs/b","$defs":{}})"),
            "#/$ref: got the reference '#/$defs/b', which leads to nothing in this schema");
  EXPECT_EQ(refusal("{\"pattern\":\"(?=a)\"}").substr(0, 30), "#/pattern: got a look around, ");
  for (const char* schema : {"1",
                             "null",
                             R"("x")",
                             "[]",
                             R"({"type":[]})",
                             R"({"type":1})",
                             R"({"enum":1})",
                             R"({"minimum":"1"})",
                             R"({"multipleOf":0})",
                             R"({"pattern":"("})",
                             R"({"pattern":1})",
                             R"({"items":[{}]})",
                             R"({"anyOf":[]})",
                             R"({"anyOf":{}})",
                             R"({"properties":[]})",
                             R"({"properties":{"a":1}})",
                             R"({"required":"a"})",
                             R"({"required":[1]})",
                             R"({"uniqueItems":1})",
                             R"({"$ref":1})",
                             R"({"$ref":"other.json"})",
                             R"({"minItems":1.5})",
                             R"({"dependentRequired":{"a":"b"}})",
                             R"({"patternProperties":{"[":{}}})"}) {
    EXPECT_NE(refusal(schema), "not refused") << schema;
  }
  EXPECT_EQ(refusal(R"({"title":"t","description":"d","default":1,"examples":[],"$schema":"s","$id":"i","$comment":"c",
                        "deprecated":true,"readOnly":true,"writeOnly":false})"),
            "not refused");
}

TEST(JsonSchema, ACircleOfReferencesIsRefusedUnlessAValueEndsIt) {
  for (const char* schema :
       {R"({"$ref":"#"})", R"({"allOf":[{"$ref":"#"}]})", R"({"not":{"$ref":"#"}})",
        R"({"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}}})"}) {
    EXPECT_TRUE(refusal(schema).find("refers to itself") != std::string::npos) << schema;
  }
  const std::string tree = R"({"type":"object","properties":{"next":{"$ref":"#"},"all":{"items":{"$ref":"#node"}}},
                               "$defs":{"n":{"$anchor":"node","$ref":"#"}}})";
  EXPECT_EQ(faults(tree, R"({"next":{"next":{}},"all":[{},{"next":{}}]})"), Texts{});
  EXPECT_EQ(faults(tree, R"({"next":{"all":[{"next":1}]}})"),
            Texts{"/next/all/0/next: got a number, expected an object"});
}

TEST(JsonSchema, DepthAndTimeAreBounded) {
  const std::string list = R"({"type":"array","items":{"$ref":"#"}})";
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  EXPECT_EQ(faults(list, deep), Texts{});
  json deeper = json::array();
  for (int i = 0; i < 5'000; ++i) {
    json around = json::array();
    around.push_back(std::move(deeper));
    deeper = std::move(around);
  }
  EXPECT_THROW(JsonSchema(parse_json(list)).faults(deeper), Error);
  const std::string twice = R"({"type":"array","anyOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]})";
  const std::string bad = std::string(100, '[') + "1" + std::string(100, ']');
  EXPECT_THROW(faults(twice, bad), Error);
}

TEST(JsonSchema, AThousandItemsAreToldApartInTime) {
  json list = json::array();
  for (int i = 0; i < 50'000; ++i) list.push_back({{"a", i}, {"b", std::to_string(i)}});
  const JsonSchema unique(parse_json(R"({"uniqueItems":true})"));
  EXPECT_TRUE(unique.faults(list).empty());
  list.push_back(list[0]);
  EXPECT_EQ(unique.faults(list).size(), 1u);
}

TEST(JsonSchema, ItOutlivesTheSchemaItWasMadeOf) {
  json source = parse_json(kArticle);
  JsonSchema first(source);
  source = nullptr;
  JsonSchema second = std::move(first);
  EXPECT_EQ(second.schema(), parse_json(kArticle));
  EXPECT_EQ(second.faults(parse_json("{}")).size(), 2u);
}

TEST(JsonSchema, MutatedSchemasAreReadOrRefused) {
  const std::string text = R"({"type":["object"],"properties":{"a":{"$ref":"#/$defs/x"}},"required":["a"],"$defs":{"x":
    {"anyOf":[{"minimum":1},{"pattern":"^a{2}$"}],"if":{"const":1},"then":false}},"patternProperties":{"^b":{"items":{}}}})";
  const json value = parse_json(R"({"a":[1,"aa",{"a":null}],"b":[]})");
  const std::string bytes = "{}[]\",:#/$^a0-1. ";
  Random random(11);
  size_t n_read = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::string mutated = text;
    mutated[random.below(static_cast<uint32_t>(text.size()))] =
        bytes[random.below(static_cast<uint32_t>(bytes.size()))];
    const json schema = parse_json(mutated);
    if (schema.is_discarded()) continue;
    try {
      JsonSchema(schema).faults(value);
      look_up(schema, {"a", "0", "b"});
      ++n_read;
    } catch (const Error& error) {
      ASSERT_NE(error.code(), ErrorCode::internal) << mutated;
    }
  }
  EXPECT_GT(n_read, 100u);
}

/// "yes" and the types, or "no" and the nearest name.
std::string looked_up(const std::string& schema, const std::vector<std::string>& path) {
  const SchemaPath found = look_up(parse_json(schema), path);
  std::string text = found.may_exist ? "yes" : "no " + found.nearest;
  for (const std::string& type : found.types) text += " " + type;
  return text;
}

TEST(SchemaPath, LeadsThroughMembersItemsAndReferences) {
  EXPECT_EQ(looked_up(kArticle, {}), "yes object");
  EXPECT_EQ(looked_up(kArticle, {"title"}), "yes string");
  EXPECT_EQ(looked_up(kArticle, {"sections", "0", "text"}), "yes string");
  EXPECT_EQ(looked_up(kArticle, {"sections", "-1", "text"}), "yes string");
  EXPECT_EQ(looked_up(kArticle, {"kind"}), "yes string");
  EXPECT_EQ(looked_up(kArticle, {"score"}), "yes number");
  EXPECT_EQ(looked_up(kArticle, {"sections", "0", "anything"}), "yes");
}

TEST(SchemaPath, WhatCannotBeThereHasANearestName) {
  EXPECT_EQ(looked_up(kArticle, {"titel"}), "no title");
  EXPECT_EQ(looked_up(kArticle, {"title", "x"}), "no ");
  EXPECT_EQ(looked_up(kArticle, {"sections", "text"}), "no ");
  EXPECT_EQ(looked_up(kArticle, {"0"}), "no ");
  EXPECT_EQ(looked_up(R"({"type":"array","prefixItems":[{"type":"null"}],"items":false})", {"0"}), "yes null");
  EXPECT_EQ(looked_up(R"({"type":"array","prefixItems":[{"type":"null"}],"items":false})", {"1"}), "no ");
  EXPECT_EQ(looked_up(R"({"type":"array","maxItems":2})", {"2"}), "no ");
  EXPECT_EQ(looked_up(R"({"type":"array","maxItems":2})", {"-2"}), "yes");
  EXPECT_EQ(looked_up(R"({"properties":{"a":false}})", {"a"}), "no a");
}

TEST(SchemaPath, SaysYesWhereTheSchemaLeavesItOpen) {
  EXPECT_EQ(looked_up("true", {"a", "b"}), "yes");
  EXPECT_EQ(looked_up("{}", {"a", "0", "b"}), "yes");
  EXPECT_EQ(looked_up(R"({"type":"object"})", {"a", "b"}), "yes");
  EXPECT_EQ(looked_up(R"({"patternProperties":{"^x":{"type":"integer"}},"additionalProperties":false})", {"xy"}),
            "yes integer");
  EXPECT_EQ(looked_up(R"({"patternProperties":{"^x":{"type":"integer"}},"additionalProperties":false})", {"yx"}),
            "no ");
}

TEST(SchemaPath, TakesAlternativesTogether) {
  const std::string either =
      R"({"anyOf":[{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false},
    {"type":"object","properties":{"a":{"type":"integer"},"b":{}},"additionalProperties":false},{"type":"null"}]})";
  EXPECT_EQ(looked_up(either, {}), "yes object null");
  EXPECT_EQ(looked_up(either, {"a"}), "yes string integer");
  EXPECT_EQ(looked_up(either, {"b"}), "yes");
  EXPECT_EQ(looked_up(either, {"c"}), "no a");
  const std::string both = R"({"allOf":[{"properties":{"a":{"type":["string","number"]}}},
    {"properties":{"a":{"type":["integer","null"]}},"required":["a"]}],"additionalProperties":true})";
  EXPECT_EQ(looked_up(both, {"a"}), "yes integer");
  EXPECT_EQ(
      looked_up(R"({"if":{},"then":{"properties":{"a":false}},"else":{"properties":{"a":{"type":"null"}}}})", {"a"}),
      "yes null");
  EXPECT_EQ(looked_up(R"({"properties":{"next":{"$ref":"#"},"x":{"type":"null"}},"additionalProperties":false})",
                      {"next", "next", "next", "x"}),
            "yes null");
}

TEST(SchemaPath, TooManyAlternativesLeaveItOpen) {
  json all = json::array();
  const json choice =
      parse_json(R"({"anyOf":[{"properties":{"a":false}},{"properties":{"a":false},"type":"object"}]})");
  for (int i = 0; i < 40; ++i) all.push_back(choice);
  EXPECT_TRUE(look_up({{"allOf", all}}, {"a"}).may_exist);
  EXPECT_FALSE(look_up({{"allOf", {choice}}}, {"a"}).may_exist);
  EXPECT_TRUE(look_up(parse_json(R"({"$ref":"#"})"), {"a"}).may_exist);
}

}  // namespace
}  // namespace coppice
