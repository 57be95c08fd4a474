// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_gbnf.h"

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/random.h"
#include "coppice/flow/json/json_schema.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

/// Draws sentences of a grammar: an own reading of GBNF, so that a fault of the writer is not shared.
class Sampler {
 public:
  explicit Sampler(std::string_view grammar) {
    while (!grammar.empty()) {
      const size_t end = std::min(grammar.find('\n'), grammar.size());
      const std::string_view line = grammar.substr(0, end);
      grammar.remove_prefix(std::min(end + 1, grammar.size()));
      const size_t is = line.find(" ::= ");
      if (is == line.npos) throw std::runtime_error("no rule: " + std::string(line));
      if (!rules_.emplace(line.substr(0, is), line.substr(is + 5)).second) throw std::runtime_error("twice");
    }
  }

  std::string draw(Random& random) {
    random_ = &random;
    steps_ = 0;
    return rule("root");
  }

 private:
  std::string rule(const std::string& name) {
    // After many steps the shortest way is taken, so that recursion ends.
    const auto found = rules_.find(name);
    if (found == rules_.end()) throw std::runtime_error("no rule '" + name + "'");
    if (++steps_ > 100'000) throw std::runtime_error("'" + name + "' does not end");
    std::string_view body = found->second;
    std::string text = alternatives(body, true);
    if (!body.empty()) throw std::runtime_error("left over: " + std::string(body));
    return text;
  }

  /// Reads on, and draws where `live`.
  std::string alternatives(std::string_view& body, bool live) {
    std::vector<std::string_view> options;
    for (;;) {
      options.push_back(body);
      sequence(body, false);
      if (!body.starts_with("|")) break;
      body.remove_prefix(1);
    }
    if (!live) return {};
    std::string_view chosen =
        options[steps_ > 300 ? options.size() - 1 : random_->below(static_cast<uint32_t>(options.size()))];
    return sequence(chosen, true);
  }

  std::string sequence(std::string_view& body, bool live) {
    std::string text;
    for (;;) {
      while (body.starts_with(" ")) body.remove_prefix(1);
      if (body.empty() || body.front() == '|' || body.front() == ')') return text;
      const std::string_view item = body;
      element(body, false);
      const auto [least, most] = repeats(body);
      if (!live) continue;
      const uint32_t spread = steps_ > 300 ? 0 : std::min(most - least, 3u);
      for (uint32_t n = least + random_->below(spread + 1); n > 0; --n) {
        std::string_view again = item;
        text += element(again, true);
      }
    }
  }

  std::pair<uint32_t, uint32_t> repeats(std::string_view& body) {
    constexpr uint32_t kMany = 1'000'000;
    const char c = body.empty() ? ' ' : body.front();
    if (c == '?' || c == '*' || c == '+') {
      body.remove_prefix(1);
      return {c == '+' ? 1 : 0, c == '?' ? 1 : kMany};
    }
    if (c != '{') return {1, 1};
    const size_t comma = body.find(','), end = body.find('}');
    if (comma > end || end == body.npos) throw std::runtime_error("bad repetition");
    const auto least = static_cast<uint32_t>(std::stoul(std::string(body.substr(1, comma - 1))));
    const bool is_open = comma + 1 == end;
    const auto most = is_open ? kMany : static_cast<uint32_t>(std::stoul(std::string(body.substr(comma + 1))));
    if (most < least || most == 0) throw std::runtime_error("empty repetition");
    body.remove_prefix(end + 1);
    return {least, most};
  }

  std::string element(std::string_view& body, bool live) {
    if (body.front() == '"') return literal(body);
    if (body.front() == '[') return one_of(body, live);
    if (body.front() == '(') {
      body.remove_prefix(1);
      std::string text = alternatives(body, live);
      if (!body.starts_with(")")) throw std::runtime_error("no )");
      body.remove_prefix(1);
      return text;
    }
    size_t end = 0;
    while (end < body.size() && (std::isalnum(static_cast<unsigned char>(body[end])) || body[end] == '-')) ++end;
    if (end == 0) throw std::runtime_error("what is " + std::string(body));
    const std::string name(body.substr(0, end));
    body.remove_prefix(end);
    return live ? rule(name) : "";
  }

  std::string literal(std::string_view& body) {
    std::string text;
    body.remove_prefix(1);
    for (; body.front() != '"'; body.remove_prefix(1)) {
      if (body.front() == '\\') {
        body.remove_prefix(1);
        text += body.front() == 'n' ? '\n' : body.front();
      } else {
        text += body.front();
      }
    }
    body.remove_prefix(1);
    return text;
  }

  char class_character(std::string_view& body) {
    char c = body.front();
    body.remove_prefix(1);
    if (c != '\\') return c;
    c = body.front();
    body.remove_prefix(1);
    if (c != 'x') return c;
    const auto value = static_cast<char>(std::stoi(std::string(body.substr(0, 2)), nullptr, 16));
    body.remove_prefix(2);
    return value;
  }

  std::string one_of(std::string_view& body, bool live) {
    body.remove_prefix(1);
    const bool is_not = body.front() == '^';
    if (is_not) body.remove_prefix(1);
    std::string all;
    while (body.front() != ']') {
      const char from = class_character(body);
      char to = from;
      if (body.front() == '-' && body[1] != ']') body.remove_prefix(1), to = class_character(body);
      for (int c = from; c <= to; ++c) all += static_cast<char>(c);
    }
    body.remove_prefix(1);
    if (!live) return {};
    if (!is_not) return {all[random_->below(static_cast<uint32_t>(all.size()))]};
    for (;;) {
      const auto c = static_cast<char>(random_->below(128));
      if (all.find(c) == all.npos) return {c};
    }
  }

  std::map<std::string, std::string, std::less<>> rules_;
  Random* random_ = nullptr;
  size_t steps_ = 0;
};

const char* const kSchemas[]{
    R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a","b"],
        "additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"null"},"c":{"type":"number"}},
        "additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"enum":["x\"y","z",1,null,{"k":[]}]},"b":{"const":"q\\\n"}},"required":["b"]})",
    R"({"type":"array","items":{"type":"string","minLength":2,"maxLength":4},"minItems":1,"maxItems":3})",
    R"({"type":"array","items":{"type":"boolean"},"minItems":2})",
    R"({"type":"array","maxItems":0})",
    R"({"type":"array","maxItems":1})",
    R"({"type":"string","maxLength":0})",
    R"({"type":"string","minLength":3})",
    R"({"type":["string","null"]})",
    R"({"anyOf":[{"type":"integer"},{"type":"array","items":{"type":"integer"}}]})",
    R"({"oneOf":[{"const":"a"},{"const":"b"}],"description":"one of two"})",
    R"({"allOf":[{"type":"object"}]})",
    R"({"type":"object","additionalProperties":{"type":"integer"}})",
    R"({"type":"object","additionalProperties":false})",
    R"({"type":"object","required":["free"]})",
    "true",
    "{}",
    R"({"properties":{"a":{}},"required":["a"]})",
    R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},
        "next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"]}}})",
    R"({"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#"}}},"required":["kids"]})",
    R"({"type":"object","properties":{"caf\u00e9 \"q\"":{"type":"integer","minimum":3}},"required":["caf\u00e9 \"q\""]})"};

TEST(Gbnf, EachSentenceIsJsonOfTheSchema) {
  Random random(29);
  for (const char* text : kSchemas) {
    const Json schema = parse_json(text);
    ASSERT_FALSE(schema.is_discarded()) << text;
    Sampler sampler(make_gbnf(schema));
    Json loose = schema;
    if (std::string_view(text).find("minimum") != std::string_view::npos) loose["properties"].begin()->erase("minimum");
    const JsonSchema valid(loose);
    for (int i = 0; i < 100; ++i) {
      const std::string sentence = sampler.draw(random);
      const Json value = parse_json(sentence);
      ASSERT_FALSE(value.is_discarded()) << sentence << "\nof " << text;
      const auto faults = valid.faults(value);
      EXPECT_TRUE(faults.empty()) << sentence << "\nof " << text << "\n" << (faults.empty() ? "" : faults[0].message);
    }
  }
}

TEST(Gbnf, OptionalPropertiesComeInEachCombination) {
  Random random(31);
  Sampler sampler(make_gbnf(parse_json(
      R"({"type":"object","properties":{"a":{"const":1},"b":{"const":1},"c":{"const":1}},"additionalProperties":false})")));
  std::set<std::string> seen;
  for (int i = 0; i < 2'000; ++i) {
    std::string keys;
    const Json value = parse_json(sampler.draw(random));
    for (const auto& [key, inner] : value.items()) keys += key;
    seen.insert(keys);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"", "a", "b", "c", "ab", "ac", "bc", "abc"}));
}

TEST(Gbnf, WhatItCannotExpressIsRefusedWithItsPlace) {
  const std::pair<const char*, const char*> kRefused[]{
      {R"({"not":{}})", "#"},
      {R"({"properties":{"a":{"if":{}}}})", "#/properties/a"},
      {R"({"type":"object","patternProperties":{}})", "#"},
      {R"({"type":"array","prefixItems":[]})", "#"},
      {R"({"type":"array","contains":{}})", "#"},
      {R"({"allOf":[{},{}]})", "#"},
      {R"({"anyOf":[]})", "#"},
      {R"({"anyOf":[{}],"type":"object"})", "#"},
      {R"({"enum":[]})", "#"},
      {R"({"type":"wine"})", "#"},
      {R"({"type":3})", "#"},
      {R"({"type":[]})", "#"},
      {R"({"items":false})", "#/items"},
      {R"({"$ref":"#"})", "#"},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}}})", "#/$defs/a"},
      {R"({"$ref":"other.json"})", "#"},
      {R"({"$ref":"#/none"})", "#"},
      {R"({"$ref":"#","type":"object"})", "#"},
      {R"({"type":"array","minItems":3,"maxItems":2})", "#"},
      {R"({"type":"string","minLength":-1})", "#"},
      {R"({"required":"a"})", "#"},
      {"false", "#"},
      {"3", "#"}};
  for (const auto& [text, place] : kRefused) {
    try {
      make_gbnf(parse_json(text));
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported) << text;
      EXPECT_EQ(error.where(), place) << text;
    }
  }
}

TEST(Gbnf, ACircleThroughAKnownRuleIsFound) {
  // `a` is known when `b` refers to it, and begins with `b` later on.
  const Json schema = parse_json(R"({"$ref":"#/$defs/a","$defs":{
      "a":{"anyOf":[{"type":"object","properties":{"x":{"$ref":"#/$defs/b"}}},{"$ref":"#/$defs/b"}]},
      "b":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}}})");
  EXPECT_THROW(make_gbnf(schema), Error);
}

TEST(Gbnf, DeepAndLongSchemasEnd) {
  Json deep = {{"type", "integer"}};
  for (int i = 0; i < 200; ++i) deep = {{"type", "array"}, {"items", deep}};
  EXPECT_THROW(make_gbnf(deep), Error);
  Json wide = {{"type", "object"}};
  for (int i = 0; i < 2'000; ++i) wide["properties"]["p" + std::to_string(i)] = {{"type", "integer"}};
  EXPECT_LT(make_gbnf(wide).size(), 2'000'000u);
  EXPECT_EQ(make_gbnf(parse_json(R"({"type":"string","maxLength":100000})")).find("100000"), std::string::npos);
}

}  // namespace
}  // namespace coppice
