// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_gbnf.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/json/compact_text.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

// Blanks are bounded: a model that may write them for ever does. Escapes are those of one letter: half of a surrogate
// pair would be no JSON for our parser, and other characters need none.
constexpr std::string_view kShared = R"(ws ::= (" " | "\n" " "{0,16})?
char ::= [^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt]
string ::= "\"" char* "\""
integer ::= "-"? ("0" | [1-9] [0-9]{0,14})
number ::= integer ("." [0-9]{1,12})? ([eE] [-+]? [0-9]{1,2})?
boolean ::= "true" | "false"
null ::= "null"
value ::= object | array | string | number | boolean | null
member ::= string ws ":" ws value
object ::= "{" ws (member (ws "," ws member)*)? ws "}"
array ::= "[" ws (value (ws "," ws value)*)? ws "]"
)";

constexpr std::array<std::string_view, 19> kNarrowing{
    "title",   "description",      "default",          "examples",   "$schema",   "$id",     "$comment",
    "$defs",   "definitions",      "deprecated",       "readOnly",   "writeOnly", "minimum", "maximum",
    "pattern", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"};

[[noreturn]] void refuse(const std::string& place, const std::string& what) {
  throw Error(ErrorCode::unsupported, what, place, "the schema is sent in words");
}

/// A value as JSON, as a literal of the grammar.
std::string literal(const Json& value) {
  std::string result = "\"";
  for (const char c : compact_text(value)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;  // what control characters JSON has are escaped already
  }
  return result + "\"";
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string result;
  for (const std::string& part : parts) result += (result.empty() ? "" : std::string(between)) + part;
  return result;
}

/// Names of rules have letters, digits and dashes.
class Translator {
 public:
  explicit Translator(const Json& root) : root_(root) {}

  std::string run() {
    const std::string start = rule_of(root_, "#");
    for (const auto& [rule, target] : referred_by_) expect_beginning(rule, target);
    return "root ::= ws " + start + " ws\n" + rules_ + std::string(kShared);
  }

 private:
  /// What a schema allows, as a name of a rule. `place`: its JSON pointer.
  std::string rule_of(const Json& schema, const std::string& place) {
    if (schema.is_boolean()) {
      if (!schema.get<bool>()) refuse(place, "no grammar has a schema that allows nothing");
      return "value";
    }
    if (!schema.is_object()) refuse(place, "a schema is an object, true or false");
    if (++depth_ > kDeepest) refuse(place, "the schema nests too deep for a grammar");
    std::string rule = schema.contains("$ref") ? referred(schema, place) : body_of(schema, place);
    --depth_;
    return rule;
  }

  std::string body_of(const Json& schema, const std::string& place) {
    if (schema.contains("const")) {
      expect_only(schema, place, {"const", "type"});
      return named(literal(schema["const"]));
    }
    if (schema.contains("enum")) return enumerated(schema, place);
    for (const char* key : {"anyOf", "oneOf", "allOf"}) {
      if (schema.contains(key)) return alternatives(schema, key, place);
    }
    return typed(schema, place);
  }

  std::string enumerated(const Json& schema, const std::string& place) {
    expect_only(schema, place, {"enum", "type"});
    std::vector<std::string> items;
    for (const Json& item : schema["enum"]) items.push_back(literal(item));
    if (items.empty()) refuse(place, "no grammar has an empty enum");
    return named(joined(items, " | "));
  }

  std::string alternatives(const Json& schema, const std::string& key, const std::string& place) {
    expect_only(schema, place, {key});
    const Json& list = schema[key];
    if (!list.is_array() || list.empty()) refuse(place, fmt::format("'{}' is no list of schemas", key));
    if (key == "allOf" && list.size() > 1) refuse(place, "no grammar has an 'allOf' of several schemas");
    std::vector<std::string> items;
    for (size_t i = 0; i < list.size(); ++i) items.push_back(rule_of(list[i], fmt::format("{}/{}/{}", place, key, i)));
    return any_of(items);
  }

  /// A schema that is referred to has one rule, so that it may lead back to itself.
  std::string referred(const Json& schema, const std::string& place) {
    expect_only(schema, place, {"$ref"});
    const Json& to = schema["$ref"];
    if (!to.is_string()) refuse(place, "'$ref' is no text");
    const std::string& target = to.get_ref<const std::string&>();
    if (const auto known = referred_.find(target); known != referred_.end()) return known->second;
    const std::string rule = next_name();
    referred_[target] = rule;
    referred_by_[rule] = target;
    const std::string inner = rule_of(resolve(target, place), target);
    rules_ += rule + " ::= " + inner + "\n";
    begins_with_[rule] = {inner};
    return rule;
  }

  /// A rule that begins with itself never ends. What begins with a bracket or a quote is in no such circle.
  void expect_beginning(const std::string& rule, const std::string& target) const {
    std::set<std::string> seen;
    std::vector<std::string> next{rule};
    while (!next.empty()) {
      const auto inner = begins_with_.find(next.back());
      next.pop_back();
      if (inner == begins_with_.end()) continue;
      for (const std::string& name : inner->second) {
        if (name == rule) refuse(target, fmt::format("'{}' refers to itself", target));
        if (seen.insert(name).second) next.push_back(name);
      }
    }
  }

  const Json& resolve(const std::string& target, const std::string& place) const {
    if (target == "#") return root_;
    if (!target.starts_with("#/")) refuse(place, fmt::format("'{}' is no place in the schema", target));
    try {
      return root_.at(Json::json_pointer(target.substr(1)));
    } catch (const Json::exception&) {
      refuse(place, fmt::format("'{}' is not in the schema", target));
    }
  }

  std::string typed(const Json& schema, const std::string& place) {
    const auto type = schema.find("type");
    if (type == schema.end()) return untyped(schema, place);
    if (type->is_string()) return of_type(schema, type->get<std::string>(), place);
    if (!type->is_array() || type->empty()) refuse(place, "'type' is no name and no list of names");
    std::vector<std::string> items;
    for (const Json& one : *type) {
      if (!one.is_string()) refuse(place, "'type' is no name and no list of names");
      items.push_back(of_type(schema, one.get<std::string>(), place));
    }
    expect_only(schema, place,
                {"type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "minLength",
                 "maxLength", "minProperties", "maxProperties", "uniqueItems"});
    return any_of(items);
  }

  std::string untyped(const Json& schema, const std::string& place) {
    if (schema.contains("properties") || schema.contains("required")) return of_type(schema, "object", place);
    if (schema.contains("items")) return of_type(schema, "array", place);
    expect_only(schema, place, {});
    return "value";
  }

  std::string of_type(const Json& schema, const std::string& type, const std::string& place) {
    const bool is_one = schema.contains("type") ? schema["type"].is_string() : true;
    const auto expect = [&](const std::set<std::string>& known) {
      if (is_one) expect_only(schema, place, known);
    };
    if (type == "object") {
      expect({"type", "properties", "required", "additionalProperties", "minProperties", "maxProperties"});
      return object(schema, place);
    }
    if (type == "array") {
      expect({"type", "items", "minItems", "maxItems", "uniqueItems"});
      return array(schema, place);
    }
    if (type == "string") {
      expect({"type", "minLength", "maxLength"});
      return text(schema, place);
    }
    expect({"type"});
    if (type == "integer" || type == "number" || type == "boolean" || type == "null") return type;
    refuse(place, fmt::format("no grammar has the type '{}'", type));
  }

  std::string text(const Json& schema, const std::string& place) {
    const std::string times = repeats(schema, "minLength", "maxLength", place);
    return times == "*" ? "string" : named(R"("\"" )" + (times.empty() ? "" : "char" + times + " ") + R"("\"")");
  }

  std::string array(const Json& schema, const std::string& place) {
    const std::string item = inner(schema, "items", place);
    const auto [least, most] = bounds(schema, "minItems", "maxItems", place);
    if (most == 0) return named(R"("[" ws "]")");
    const unsigned rest_least = least > 0 ? least - 1 : 0;
    const std::string others = times(rest_least, most ? *most - 1 : most);
    const std::string items = item + (others.empty() ? "" : fmt::format(R"( (ws "," ws {}){})", item, others));
    return named(R"("[" ws )" + (least > 0 ? items : "(" + items + ")?") + R"( ws "]")");
  }

  std::string object(const Json& schema, const std::string& place) {
    const auto properties = schema.find("properties");
    std::set<std::string> required = required_names(schema, place);
    std::vector<std::string> must, may;
    if (properties != schema.end()) {
      if (!properties->is_object()) refuse(place, "'properties' is no object");
      for (const auto& [name, property] : properties->items()) {
        const std::string rule = member(name, property, place + "/properties/" + name);
        (required.erase(name) > 0 ? must : may).push_back(rule);
      }
    }
    for (const std::string& name : required) must.push_back(member(name, Json(true), place));
    if (must.empty() && may.empty()) return free_object(schema, place);
    return named(R"("{" ws )" + members(must, may) + R"( ws "}")");
  }

  std::string member(const std::string& name, const Json& schema, const std::string& place) {
    return literal(name) + R"( ws ":" ws )" + rule_of(schema, place);
  }

  /// Those that must be there, then, in their order, any of the others.
  std::string members(const std::vector<std::string>& must, const std::vector<std::string>& may) {
    const std::string comma = R"( ws "," ws )";
    std::string rest;  // rule for what may follow, each with its comma before it
    std::vector<std::string> firsts;
    for (size_t i = may.size(); i-- > 0;) {
      firsts.push_back(may[i] + (rest.empty() ? "" : " " + rest));
      rest = named(fmt::format("({}{})?{}", comma.substr(1), may[i], rest.empty() ? "" : " " + rest));
    }
    if (!must.empty()) return joined(must, comma) + (rest.empty() ? "" : " " + rest);
    return "(" + joined(firsts, " | ") + ")?";
  }

  std::string free_object(const Json& schema, const std::string& place) {
    const auto others = schema.find("additionalProperties");
    if (others == schema.end() || *others == Json(true)) return "object";
    if (*others == Json(false)) return named(R"("{" ws "}")");
    const std::string value = inner(schema, "additionalProperties", place);
    const std::string one = named(R"(string ws ":" ws )" + value);
    return named(fmt::format(R"("{{" ws ({0} (ws "," ws {0})*)? ws "}}")", one));
  }

  std::string inner(const Json& schema, const char* key, const std::string& place) {
    const auto found = schema.find(key);
    if (found == schema.end()) return "value";
    return rule_of(*found, place + "/" + key);
  }

  std::set<std::string> required_names(const Json& schema, const std::string& place) const {
    std::set<std::string> names;
    const auto required = schema.find("required");
    if (required == schema.end()) return names;
    if (!required->is_array()) refuse(place, "'required' is no list of names");
    for (const Json& name : *required) {
      if (!name.is_string()) refuse(place, "'required' is no list of names");
      names.insert(name.get<std::string>());
    }
    return names;
  }

  using Bounds = std::pair<unsigned, std::optional<unsigned>>;

  Bounds bounds(const Json& schema, const char* least_name, const char* most_name, const std::string& place) const {
    const auto number = [&](const char* name) -> std::optional<uint64_t> {
      const auto found = schema.find(name);
      if (found == schema.end()) return {};
      if (!found->is_number() || *found < 0) refuse(place, fmt::format("'{}' is no number from 0 on", name));
      return static_cast<uint64_t>(std::min(found->get<double>(), 1e9));
    };
    const uint64_t least = std::min<uint64_t>(number(least_name).value_or(0), kMostGbnfRepeats);
    const auto most = number(most_name);
    if (most && *most < least) refuse(place, fmt::format("'{}' is below '{}'", most_name, least_name));
    if (!most || *most > kMostGbnfRepeats) return {static_cast<unsigned>(least), {}};
    return {static_cast<unsigned>(least), static_cast<unsigned>(*most)};
  }

  /// "" = none at all.
  static std::string times(unsigned least, std::optional<unsigned> most) {
    if (most == 0) return {};
    if (!most) return least == 0 ? "*" : fmt::format("{{{},}}", least);
    return fmt::format("{{{},{}}}", least, *most);
  }

  std::string repeats(const Json& schema, const char* least, const char* most, const std::string& place) const {
    const auto [from, to] = bounds(schema, least, most, place);
    return times(from, to);
  }

  void expect_only(const Json& schema, const std::string& place, const std::set<std::string>& known) const {
    for (const auto& [key, value] : schema.items()) {
      if (known.contains(key)) continue;
      if (std::find(kNarrowing.begin(), kNarrowing.end(), key) != kNarrowing.end()) continue;
      refuse(place, fmt::format("no grammar has the keyword '{}' here", key));
    }
  }

  std::string any_of(const std::vector<std::string>& rules) {
    const std::string name = named(joined(rules, " | "));
    if (rules.size() > 1) begins_with_[name] = rules;
    return name;
  }

  std::string next_name() { return fmt::format("r{}", ++rules_made_); }

  /// The name of a rule with that body; a body that is a name already is not named again.
  std::string named(const std::string& body) {
    if (body.find_first_of(" \"|(") == body.npos) return body;
    const std::string name = next_name();
    rules_ += name + " ::= " + body + "\n";
    return name;
  }

  static constexpr size_t kDeepest = 100;

  const Json& root_;
  std::string rules_;
  std::map<std::string, std::string> referred_;                  ///< the rule of each target of a $ref
  std::map<std::string, std::string> referred_by_;               ///< the other way round
  std::map<std::string, std::vector<std::string>> begins_with_;  ///< rules that say nothing before these
  size_t rules_made_ = 0, depth_ = 0;
};

}  // namespace

std::string make_gbnf(const Json& schema) {
  return Translator(schema).run();
}

}  // namespace coppice
