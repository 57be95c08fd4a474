// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/random.h"
#include "coppice/flow/template/template.h"
#include "coppice/flow/template/template_filters.h"

namespace coppice {
namespace {

using nlohmann::json;

/// What is known of the names in these tests: an article by its schema.
TypeScope scope() {
  TypeScope scope;
  scope.names["article"] = StaticType::of_schema(parse_json(R"({
    "type": "object", "additionalProperties": false, "required": ["title"],
    "properties": {"title": {"type": "string"}, "score": {"type": "number"}, "tags": {"type": "array", "items": {"type": "string"}},
      "parts": {"type": "array", "items": {"type": "object", "additionalProperties": false,
                                           "properties": {"head": {"type": "string"}, "words": {"type": "integer"}}}},
      "either": {"type": ["string", "array"]}, "pair": {"prefixItems": [{"type": "string"}, {"type": "integer"}], "type": "array"},
      "free": {"type": "object"}}})"));
  scope.names["number"] = StaticType::of(schema::kInteger);
  return scope;
}

/// "a string", or the faults with their places: "1:4 what (hint)".
std::string typed(const std::string& text) {
  const Template::Typed typed = Template::parse(text, {"t", 1, 1}).type(scope());
  if (typed.faults.empty()) return typed.type.text();
  std::string faults;
  for (const TypeFault& fault : typed.faults) {
    faults += std::to_string(fault.line) + ":" + std::to_string(fault.column) + " " + fault.what;
    if (!fault.hint.empty()) faults += " (" + fault.hint + ")";
    faults += "\n";
  }
  return faults;
}

TEST(TemplateTyping, ValuesHaveTheTypesOfTheirSchemas) {
  EXPECT_EQ(typed("{{ article }}"), "an object");
  EXPECT_EQ(typed("{{ article.title }}"), "a string");
  EXPECT_EQ(typed("{{ article.score }}"), "a number");
  EXPECT_EQ(typed("{{ article.parts[0].words }}"), "an integer");
  EXPECT_EQ(typed("{{ article.parts[-1]['head'] }}"), "a string");
  EXPECT_EQ(typed("{{ article.either }}"), "a string or an array");
  EXPECT_EQ(typed("{{ article.pair[1] }}"), "an integer");
  EXPECT_EQ(typed("{{ article.title[0] }}"), "a string") << "a character";
  EXPECT_EQ(typed("{{ unknown.x.y }}"), "anything");
  EXPECT_EQ(typed("{{ article.free.x[3] }}"), "anything");
  EXPECT_EQ(typed("{{ article.title }} "), "a string") << "with a blank it is a text";
}

TEST(TemplateTyping, WhatIsMadeOfThemHasATypeToo) {
  EXPECT_EQ(typed("{{ article.tags | join(', ') }}"), "a string");
  EXPECT_EQ(typed("{{ article.tags | length }}"), "an integer");
  EXPECT_EQ(typed("{{ article.tags | first }}"), "a string");
  EXPECT_EQ(typed("{{ (article.parts | sort(attribute='words') | last).words }}"), "an integer");
  EXPECT_EQ(typed("{{ article.parts | map(attribute='head') | list }}"), "an array");
  EXPECT_EQ(typed("{{ (article.parts | map(attribute='words') | max) + 1 }}"), "an integer");
  EXPECT_EQ(typed("{{ article.title | split(',') }}"), "an array");
  EXPECT_EQ(typed("{{ article | tojson }}"), "a string");
  EXPECT_EQ(typed("{{ article.title | int }}"), "an integer");
  EXPECT_EQ(typed("{{ article.title | int('none') }}"), "a string or an integer");
  EXPECT_EQ(typed("{{ article.title | default(3) }}"), "a string or an integer");
  EXPECT_EQ(typed("{{ article.title if number > 1 else [] }}"), "a string or an array");
  EXPECT_EQ(typed("{{ number / 2 }}"), "a number");
  EXPECT_EQ(typed("{{ number // 2 }}"), "an integer");
  EXPECT_EQ(typed("{{ '-' * number }}"), "a string");
  EXPECT_EQ(typed("{{ number > 2 and true }}"), "a boolean");
  EXPECT_EQ(typed("{{ article.title ~ number }}"), "a string");
  EXPECT_EQ(typed("{{ [1, 'a'][0] }}"), "a string or an integer");
  EXPECT_EQ(typed("{{ {'a': {'b': none}}.a.b }}"), "null");
  EXPECT_EQ(typed("{{ article.tags[1:] }}"), "an array");
  EXPECT_EQ(typed("{{ article.tags + ['x'] }}"), "an array");
}

TEST(TemplateTyping, WhatIsSureToFailIsNamedWithItsPlace) {
  EXPECT_EQ(typed("{{ article.titel }}"), "1:4 there is no 'article.titel' (did you mean 'title'?)\n");
  EXPECT_EQ(typed("{{ article.title.x }}"), "1:4 there is no 'article.title.x': 'article.title' is a string\n");
  EXPECT_EQ(
      typed("{{ article.tags.x }}"),
      "1:4 there is no 'article.tags.x': 'article.tags' is an array (loop over it, or take an item by its number: "
      "[0])\n");
  EXPECT_EQ(typed("a\n{% for x in article.title %}{{ x }}{% endfor %}"),
            "2:13 got a string, expected a list or an object to loop over ('| split' cuts a text into its words, "
            "'| list' into its characters)\n");
  EXPECT_EQ(typed("{% for x in number %}{% endfor %}"),
            "1:13 got an integer, expected a list or an object to loop over\n");
  EXPECT_EQ(typed("{{ number[0] }}"), "1:4 there is no 'number.0': 'number' is an integer\n");
  EXPECT_EQ(typed("{{ article.title | join(',') }}"),
            "1:20 got a string, expected an object or an array before '| join'\n");
  EXPECT_EQ(typed("{{ article.title + 1 }}"),
            "1:18 cannot calculate with a string and an integer ('~' joins values of any kind as text)\n");
  EXPECT_EQ(typed("{{ -article.title }}"), "1:4 got a string, expected a number after the sign\n");
  EXPECT_EQ(typed("{{ article.parts | map(attribute='hed') }}"), "1:20 an item has no 'hed' (did you mean 'head'?)\n");
  EXPECT_EQ(typed("{{ article.parts | selectattr('wrds') }}"), "1:20 an item has no 'wrds' (did you mean 'words'?)\n");
  EXPECT_EQ(
      typed("{% for k, v in article.free %}{% endfor %}"),
      "1:16 got a string as an item, expected a list for so many names ('| items' makes pairs of an object's keys "
      "and values)\n");
}

TEST(TemplateTyping, NamesOfATemplateKeepTheirTypes) {
  EXPECT_EQ(typed("{% for p in article.parts %}{{ p.wrds }}{% endfor %}"),
            "1:32 there is no 'p.wrds' (did you mean 'words'?)\n");
  EXPECT_EQ(typed("{% set t = article.title %}{{ t.x }}"), "1:31 there is no 't.x': 't' is a string\n");
  EXPECT_EQ(typed("{% if number %}{% set t = [] %}{% else %}{% set t = '' %}{% endif %}{% for x in t %}{% endfor %}"),
            "a string")
      << "it may be a list";
  EXPECT_EQ(typed("{% for k, v in article.free | items %}{{ k.x }}{{ v.x }}{% endfor %}"), "a string");
  EXPECT_EQ(typed("{% for p in article.parts %}{{ loop.index.x }}{% endfor %}"),
            "1:42 there is no 'x': the value is an integer\n");
}

TEST(TemplateTyping, WhatMayBeRightIsNoFault) {
  for (const char* text :
       {"{% for x in article.either %}{{ x }}{% endfor %}", "{{ article.missing | default('x') }}",
        "{{ article.title.x.y | default('x') }}", "{% if article.missing is defined %}{{ article.missing }}{% endif %}",
        "{% if article.title is mapping %}{{ article.title.x }}{% endif %}",
        "{{ article.title.x if article.title is mapping else article.title }}",
        "{{ article.title is mapping and article.title.x }}", "{% for x in unknown %}{{ x.y[0].z + 1 }}{% endfor %}",
        "{% for key in article.free %}{{ key | upper }}{% endfor %}", "{{ article.either | join }}",
        "{{ article.parts | selectattr('words', 'defined') | list }}",
        "{{ article.parts | map(attribute='x', default=0) | list }}",
        "{% for x in article.parts if x is mapping %}{{ x.y }}{% endfor %}", "{{ article.free.x + 1 }}"}) {
    EXPECT_TRUE(Template::parse(text, {"t", 1, 1}).type(scope()).faults.empty()) << text << "\n" << typed(text);
  }
}

TEST(TemplateTyping, ATestNarrowsOnlyWhatItAsks) {
  EXPECT_EQ(typed("{% if article.title is mapping %}{{ article.score.x }}{% endif %}"),
            "1:37 there is no 'article.score.x': 'article.score' is a number\n");
  EXPECT_EQ(typed("{% if article.title is mapping %}{% endif %}{{ article.title.x }}"),
            "1:48 there is no 'article.title.x': 'article.title' is a string\n");
}

TEST(TemplateTyping, EachFilterTakesSomethingAndGivesAType) {
  for (const auto* table : {&templates::text_filters(), &templates::number_filters(), &templates::list_filters()}) {
    for (const templates::Filter& filter : *table) {
      ASSERT_NE(filter.takes, 0u) << filter.name;
      const std::vector<std::optional<StaticType>> none(filter.parameters.size());
      EXPECT_NE(filter.type(StaticType(), none).types(), 0u) << filter.name;
    }
  }
}

// ---- What is known is true: of whatever can be evaluated the value has a type that was foreseen, and nothing of it
// was called wrong.

class Expressions {
 public:
  explicit Expressions(uint64_t seed) : random_(seed, 7) {}

  std::string next(int depth = 4) {
    if (depth == 0 || chance(4)) return leaf();
    const std::string a = next(depth - 1);
    switch (random_.below(12)) {
      case 0:
        return a + "." + pick({"t", "n", "l", "o", "x"});
      case 1:
        return a + "[" + pick({"0", "-1", "1", "'t'", "i"}) + "]";
      case 2:
        return a + "[" + pick({"0:", ":1", "::-1"}) + "]";
      case 3:
        return "(" + a + pick({" + ", " - ", " * ", " / ", " // ", " % ", " ~ ", " == ", " < "}) + next(depth - 1) +
               ")";
      case 4:
        return "(" + a + " | default(" + leaf() + pick({")", ", true)"}) + ")";
      case 5:
        return "[" + a + ", " + next(depth - 1) + "]";
      case 6:
        return "{'t': " + a + ", 'x': " + next(depth - 1) + "}";
      case 7:
        return "(" + a + " is " + pick({"string", "mapping", "defined", "number", "none"}) + ")";
      case 8:
        return "(" + a + " | map(attribute='" + pick({"t", "n", "x"}) + "') | list)";
      case 9:
        return "(" + a + " | " + pick({"select('defined')", "reject('undefined')", "map('string')", "map('length')"}) +
               ")";
      case 10:
        return "(-" + a + ")";
      default:
        return "(" + a + " | " + filter() + ")";
    }
  }

 private:
  bool chance(uint32_t of) { return random_.below(of) == 0; }
  std::string pick(const std::vector<std::string>& from) {
    return from[random_.below(static_cast<uint32_t>(from.size()))];
  }
  std::string leaf() {
    return pick({"s", "i", "r", "b", "z", "l", "o", "ll", "lo", "1", "'ab'", "2.5", "true", "none"});
  }
  std::string filter() {
    return pick({"abs",
                 "batch(2)",
                 "batch(2, 0)",
                 "capitalize",
                 "count",
                 "escape",
                 "first",
                 "float",
                 "float('x')",
                 "indent",
                 "int",
                 "int([])",
                 "items",
                 "join",
                 "join(',')",
                 "keys",
                 "last",
                 "length",
                 "list",
                 "lower",
                 "max",
                 "min",
                 "replace('a', 'b')",
                 "reverse",
                 "round",
                 "round(1, 'ceil')",
                 "sort",
                 "split",
                 "string",
                 "sum",
                 "title",
                 "tojson",
                 "trim",
                 "truncate(9)",
                 "truncate_tokens(2)",
                 "unique",
                 "upper",
                 "values",
                 "wordcount"});
  }

  Random random_;
};

TEST(TemplateTyping, WhatIsForeseenIsWhatComes) {
  const json values = parse_json(R"({"s": "a b", "i": 3, "r": 1.5, "b": true, "z": null, "l": [3, 1, 2],
    "o": {"t": "x", "n": 2, "l": [1], "o": {"t": 1}}, "ll": [[1], ["a"]], "lo": [{"t": "x", "n": 1}, {"t": "y", "n": 2}]})");
  TemplateScope scope;
  TypeScope types;
  for (const auto& [name, value] : values.items()) {
    scope.emplace_back(name, &value);
    types.names[name] = StaticType::of_value(value);
  }
  std::vector<std::string> keys;  // `scope` borrows names, too
  for (const auto& [name, value] : values.items()) keys.push_back(name);
  for (size_t i = 0; i < keys.size(); ++i) scope[i].first = keys[i];
  Expressions expressions(11);
  size_t n_values = 0, n_narrow = 0, n_faults = 0;
  for (int i = 0; i < 40'000; ++i) {
    const std::string text = "{{ " + expressions.next() + " }}";
    const Template parsed = Template::parse(text, {"t", 1, 1});
    const Template::Typed typed = parsed.type(types);
    n_faults += typed.faults.empty() ? 0 : 1;
    try {
      const json value = parsed.evaluate(scope);
      ++n_values;
      n_narrow += typed.type.types() == kAnyType ? 0 : 1;
      ASSERT_TRUE(typed.faults.empty()) << text << " is " << value << "\n" << typed.faults[0].what;
      ASSERT_TRUE(typed.type.may_be(schema::types_of(value)))
          << text << " is " << value << ", not " << typed.type.text();
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::data) << text << error.message();
    }
  }
  EXPECT_GT(n_values, 8'000u);
  EXPECT_GT(n_narrow, n_values / 2) << "most types are known";
  EXPECT_GT(n_faults, 4'000u);
}

}  // namespace
}  // namespace coppice
