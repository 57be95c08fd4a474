// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <functional>
#include <unordered_map>

#include "coppice/core/error.h"
#include "coppice/core/options.h"
#include "coppice/flow/json/json_schema_document.h"
#include "coppice/flow/json/json_schema_rules.h"

namespace coppice::schema {
namespace {

using nlohmann::json;

class Compiler {
 public:
  explicit Compiler(const json& schema) : root_(schema), document_(schema) {}

  std::vector<Rule> compile_all() {
    rule_of(root_, "");
    // What a schema holds is read after it: by turns, not by recursion.
    for (size_t next = 0; next < pending_.size(); ++next) read(next);
    expect_no_circle();
    return std::move(rules_);
  }

 private:
  using Read = void (Compiler::*)(Rule&, const json&, const std::string& place);

  [[noreturn]] void fail(const std::string& place, const std::string& what, const std::string& hint = {}) const {
    throw Error(ErrorCode::usage, what, "#" + place, hint);
  }

  /// The number of a schema's rule, which is read now or later.
  RuleNumber rule_of(const json& schema, const std::string& place) {
    const auto [entry, is_new] = numbers_.try_emplace(&schema, rules_.size());
    if (!is_new) return entry->second;
    if (!schema.is_object() && !schema.is_boolean()) {
      fail(place, "got " + std::string(type_text(schema)) + ", expected a schema: an object, true or false");
    }
    pending_.push_back(&schema);
    rules_.emplace_back().place = place;
    return entry->second;
  }

  void read(RuleNumber number) {
    const json& schema = *pending_[number];
    Rule rule;  // apart: those of what it holds are added to the list meanwhile
    rule.place = rules_[number].place;
    rule.allows_nothing = schema.is_boolean() && !schema.get<bool>();
    if (schema.is_object()) {
      for (auto keyword = schema.begin(); keyword != schema.end(); ++keyword) {
        const Read reader = reader_of(keyword.key(), rule.place);
        if (reader) (this->*reader)(rule, *keyword, rule.place + "/" + pointer_step(keyword.key()));
      }
      if (const auto reference = schema.find("$ref"); reference != schema.end())
        read_reference(rule, schema, *reference);
    }
    rules_[number] = std::move(rule);
  }

  /// Null for an annotation, which needs no reader.
  Read reader_of(const std::string& keyword, const std::string& place) const;

  const std::string& text_of(const json& value, const std::string& place) const {
    if (!value.is_string()) fail(place, "got " + std::string(type_text(value)) + ", expected a string");
    return value.get_ref<const std::string&>();
  }
  uint64_t count_of(const json& value, const std::string& place) const {
    const bool is_count = value.is_number() && value.get<double>() >= 0 && value.get<double>() < 0x1.0p53 &&
                          std::floor(value.get<double>()) == value.get<double>();
    if (!is_count) fail(place, "got " + std::string(type_text(value)) + ", expected a whole number from 0");
    return static_cast<uint64_t>(value.get<double>());
  }
  const json& number_of(const json& value, const std::string& place) const {
    if (!value.is_number()) fail(place, "got " + std::string(type_text(value)) + ", expected a number");
    return value;
  }
  TextRule expression_of(const std::string& text, const std::string& place) const {
    try {
      return {RegularExpression(text), text};
    } catch (const Error& error) {
      throw Error(error.code(), error.what(), "#" + place);
    }
  }
  std::vector<std::string> names_of(const json& value, const std::string& place) const {
    if (!value.is_array()) fail(place, "got " + std::string(type_text(value)) + ", expected an array of strings");
    std::vector<std::string> names;
    for (const json& each : value) names.push_back(text_of(each, place + "/" + std::to_string(names.size())));
    return names;
  }
  void expect_object(const json& value, const std::string& place) const {
    if (!value.is_object()) fail(place, "got " + std::string(type_text(value)) + ", expected an object");
  }
  std::vector<RuleNumber> list_of(const json& value, const std::string& place) {
    if (!value.is_array() || value.empty()) fail(place, "expected an array of one schema or more");
    std::vector<RuleNumber> numbers;
    for (const json& each : value) numbers.push_back(rule_of(each, place + "/" + std::to_string(numbers.size())));
    return numbers;
  }
  std::map<std::string, RuleNumber> members_of(const json& value, const std::string& place) {
    expect_object(value, place);
    std::map<std::string, RuleNumber> numbers;
    for (auto each = value.begin(); each != value.end(); ++each) {
      numbers[each.key()] = rule_of(*each, place + "/" + pointer_step(each.key()));
    }
    return numbers;
  }

  template <auto member>
  void read_schema(Rule& rule, const json& value, const std::string& place) {
    rule.*member = rule_of(value, place);
  }
  template <auto member>
  void read_list(Rule& rule, const json& value, const std::string& place) {
    rule.*member = list_of(value, place);
  }
  template <auto member>
  void read_members(Rule& rule, const json& value, const std::string& place) {
    rule.*member = members_of(value, place);
  }
  template <auto member>
  void read_number(Rule& rule, const json& value, const std::string& place) {
    rule.*member = number_of(value, place);
  }
  template <auto member>
  void read_count(Rule& rule, const json& value, const std::string& place) {
    rule.*member = count_of(value, place);
  }

  void read_definitions(Rule& /*rule*/, const json& value, const std::string& place) { members_of(value, place); }

  void read_type(Rule& rule, const json& value, const std::string& place) {
    const std::vector<std::string> names =
        value.is_array() ? names_of(value, place) : std::vector<std::string>{text_of(value, place)};
    if (names.empty()) fail(place, "got no type, expected one or more");
    for (const std::string& name : names) {
      if (type_named(name) == 0) {
        const std::string nearest =
            nearest_name(name, {"string", "number", "integer", "boolean", "null", "array", "object"});
        fail(place, "unknown type '" + name + "'", nearest.empty() ? "" : "did you mean '" + nearest + "'?");
      }
      rule.types |= type_named(name);
    }
  }

  void read_enum(Rule& rule, const json& value, const std::string& place) {
    if (!value.is_array()) fail(place, "got " + std::string(type_text(value)) + ", expected an array");
    rule.choices = value;
  }
  void read_const(Rule& rule, const json& value, const std::string& /*place*/) { rule.constant = value; }

  void read_multiple_of(Rule& rule, const json& value, const std::string& place) {
    if (!(number_of(value, place).get<double>() > 0))
      fail(place, "got a number that is not above 0, expected one that is");
    rule.multiple_of = value;
  }
  void read_pattern(Rule& rule, const json& value, const std::string& place) {
    rule.pattern = expression_of(text_of(value, place), place);
  }
  void read_format(Rule& rule, const json& value, const std::string& place) {
    rule.format = format_named(text_of(value, place));
  }
  void read_unique_items(Rule& rule, const json& value, const std::string& place) {
    if (!value.is_boolean()) fail(place, "got " + std::string(type_text(value)) + ", expected true or false");
    rule.has_unique_items = value.get<bool>();
  }
  void read_pattern_properties(Rule& rule, const json& value, const std::string& place) {
    for (const auto& [pattern, number] : members_of(value, place)) {
      rule.pattern_properties.emplace_back(expression_of(pattern, place + "/" + pointer_step(pattern)), number);
    }
  }
  void read_required(Rule& rule, const json& value, const std::string& place) {
    rule.required = names_of(value, place);
  }
  void read_dependent_required(Rule& rule, const json& value, const std::string& place) {
    expect_object(value, place);
    for (auto each = value.begin(); each != value.end(); ++each) {
      rule.dependent_required[each.key()] = names_of(*each, place + "/" + pointer_step(each.key()));
    }
  }
  void read_text(Rule& /*rule*/, const json& value, const std::string& place) { text_of(value, place); }

  void read_reference(Rule& rule, const json& schema, const json& value) {
    const std::string place = rule.place + "/$ref";
    const std::string& reference = text_of(value, place);
    const json* const target = document_.find(schema, reference);
    if (!target) {
      fail(place, "got the reference '" + reference + "', which leads to nothing in this schema",
           reference.starts_with("#") ? "" : "other documents are not read: put the schema under $defs");
    }
    rule.reference = rule_of(*target, target == &root_ ? "" : place);
  }

  /// The schemas that a value has to fit beside this one: a circle of them would never come to an end.
  static std::vector<RuleNumber> beside(const Rule& rule) {
    std::vector<RuleNumber> numbers;
    for (const auto* list : {&rule.all_of, &rule.any_of, &rule.one_of})
      numbers.insert(numbers.end(), list->begin(), list->end());
    for (const auto* one : {&rule.reference, &rule.negated, &rule.condition, &rule.then, &rule.otherwise}) {
      if (*one) numbers.push_back(**one);
    }
    for (const auto& [name, number] : rule.dependent_schemas) numbers.push_back(number);
    return numbers;
  }

  void expect_no_circle() const {
    enum class State { unseen, open, done };
    std::vector<State> states(rules_.size(), State::unseen);
    for (RuleNumber start = 0; start < rules_.size(); ++start) {
      std::vector<std::pair<RuleNumber, std::vector<RuleNumber>>> path;
      const auto open = [&](RuleNumber number) {
        states[number] = State::open;
        path.emplace_back(number, beside(rules_[number]));
      };
      if (states[start] == State::unseen) open(start);
      while (!path.empty()) {
        if (path.back().second.empty()) {
          states[path.back().first] = State::done;
          path.pop_back();
          continue;
        }
        const RuleNumber next = path.back().second.back();
        path.back().second.pop_back();
        if (states[next] == State::open) fail(rules_[next].place, "the schema refers to itself for the same value");
        if (states[next] == State::unseen) open(next);
      }
    }
  }

  const json& root_;
  Document document_;
  std::vector<Rule> rules_;
  std::vector<const json*> pending_;  ///< by number, the schema
  std::unordered_map<const json*, RuleNumber> numbers_;
};

Compiler::Read Compiler::reader_of(const std::string& keyword, const std::string& place) const {
  using C = Compiler;
  static const std::map<std::string, Read> kReaders{
      {"type", &C::read_type},
      {"enum", &C::read_enum},
      {"const", &C::read_const},
      {"minimum", &C::read_number<&Rule::minimum>},
      {"maximum", &C::read_number<&Rule::maximum>},
      {"exclusiveMinimum", &C::read_number<&Rule::above>},
      {"exclusiveMaximum", &C::read_number<&Rule::below>},
      {"multipleOf", &C::read_multiple_of},
      {"minLength", &C::read_count<&Rule::min_length>},
      {"maxLength", &C::read_count<&Rule::max_length>},
      {"pattern", &C::read_pattern},
      {"format", &C::read_format},
      {"items", &C::read_schema<&Rule::items>},
      {"prefixItems", &C::read_list<&Rule::prefix_items>},
      {"contains", &C::read_schema<&Rule::contains>},
      {"minContains", &C::read_count<&Rule::min_contains>},
      {"maxContains", &C::read_count<&Rule::max_contains>},
      {"minItems", &C::read_count<&Rule::min_items>},
      {"maxItems", &C::read_count<&Rule::max_items>},
      {"uniqueItems", &C::read_unique_items},
      {"properties", &C::read_members<&Rule::properties>},
      {"patternProperties", &C::read_pattern_properties},
      {"additionalProperties", &C::read_schema<&Rule::additional_properties>},
      {"propertyNames", &C::read_schema<&Rule::property_names>},
      {"required", &C::read_required},
      {"minProperties", &C::read_count<&Rule::min_properties>},
      {"maxProperties", &C::read_count<&Rule::max_properties>},
      {"dependentRequired", &C::read_dependent_required},
      {"dependentSchemas", &C::read_members<&Rule::dependent_schemas>},
      {"allOf", &C::read_list<&Rule::all_of>},
      {"anyOf", &C::read_list<&Rule::any_of>},
      {"oneOf", &C::read_list<&Rule::one_of>},
      {"not", &C::read_schema<&Rule::negated>},
      {"if", &C::read_schema<&Rule::condition>},
      {"then", &C::read_schema<&Rule::then>},
      {"else", &C::read_schema<&Rule::otherwise>},
      {"$defs", &C::read_definitions},
      {"definitions", &C::read_definitions},
      {"$anchor", &C::read_text},
      {"$id", &C::read_text},
      {"$ref", nullptr},  // read when all else is
      {"title", nullptr},
      {"description", nullptr},
      {"default", nullptr},
      {"examples", nullptr},
      {"$schema", nullptr},
      {"$comment", nullptr},
      {"deprecated", nullptr},
      {"readOnly", nullptr},
      {"writeOnly", nullptr}};
  const auto found = kReaders.find(keyword);
  if (found != kReaders.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, reader] : kReaders) names.push_back(name);
  const std::string nearest = keyword.size() > 64 ? std::string() : nearest_name(keyword, names);
  fail(place, "unknown keyword '" + keyword + "'",
       nearest.empty() ? "a constraint that is not understood must not be passed over"
                       : "did you mean '" + nearest + "'?");
}

}  // namespace

Types type_named(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Types>, 7> kTypes{{{"null", kNull},
                                                                             {"boolean", kBoolean},
                                                                             {"integer", kInteger},
                                                                             {"number", kNumber},
                                                                             {"string", kString},
                                                                             {"array", kArray},
                                                                             {"object", kObject}}};
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
  }
  return 0;
}

std::string types_text(Types types) {
  static constexpr std::array<std::pair<Types, std::string_view>, 7> kTexts{{{kString, "a string"},
                                                                             {kNumber, "a number"},
                                                                             {kInteger, "an integer"},
                                                                             {kBoolean, "a boolean"},
                                                                             {kObject, "an object"},
                                                                             {kArray, "an array"},
                                                                             {kNull, "null"}}};
  std::string text;
  for (const auto& [type, name] : kTexts) {
    if ((types & type) == 0) continue;
    text += (text.empty() ? "" : " or ") + std::string(name);
  }
  return text.empty() ? "anything" : text;
}

Types types_of(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return kNull;
    case json::value_t::boolean:
      return kBoolean;
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return kInteger | kNumber;
    case json::value_t::number_float: {
      const double number = value.get<double>();
      return std::floor(number) == number ? kInteger | kNumber : kNumber;
    }
    case json::value_t::string:
      return kString;
    case json::value_t::array:
      return kArray;
    case json::value_t::object:
      return kObject;
    default:
      return 0;
  }
}

std::string_view type_text(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::string:
      return "a string";
    case json::value_t::array:
      return "an array";
    case json::value_t::object:
      return "an object";
    default:
      return value.is_number() ? "a number" : "nothing";
  }
}

std::vector<Rule> compile(const json& schema) {
  return Compiler(schema).compile_all();
}

}  // namespace coppice::schema
