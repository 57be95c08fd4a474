// SPDX-License-Identifier: Apache-2.0
// What is known of what filters and tests come to before they are applied.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "coppice/flow/template/template_filters.h"

namespace coppice::templates {
namespace {

using schema::kArray;
using schema::kObject;
using schema::kString;

std::vector<std::optional<StaticType>> types_of(Typing& typing, const std::vector<ExpressionPtr>& arguments) {
  std::vector<std::optional<StaticType>> types(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i]) types[i] = typing.type_of(*arguments[i]);
  }
  return types;
}

/// Says so where a filter cannot be applied.
void expect_taken(Typing& typing, const StaticType& input, schema::Types takes, const Place& place,
                  std::string_view filter) {
  if (input.may_be(takes)) return;
  const schema::Types shown = (takes & schema::kNumber) != 0 ? takes & ~schema::kInteger : takes;
  typing.fault(place, "got " + input.text() + ", expected " + schema::types_text(shown) + " before '| " +
                          std::string(filter) + "'");
}

/// "a.b", written out; nothing where it is computed, or has numbers in it.
std::optional<std::vector<std::string>> names_in(const Expression* attribute) {
  const auto* const constant = dynamic_cast<const Constant*>(attribute);
  if (!constant || !constant->value.is_string()) return std::nullopt;
  std::vector<std::string> names(1);
  for (const char c : constant->value.get_ref<const std::string&>()) {
    if (c == '.') {
      names.emplace_back();
    } else {
      names.back() += c;
    }
  }
  const bool has_number = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.empty() || name.find_first_not_of("-0123456789") == std::string::npos;
  });
  return has_number ? std::nullopt : std::optional(std::move(names));
}

/// Asks only whether an item has a value there.
bool looks_for_value(const Test* test) {
  return test && (test->name == "defined" || test->name == "undefined");
}

/// Does it depend on the type of what it is asked of?
bool looks_at_type(const Test& test) {
  static constexpr std::string_view kOthers[] = {"odd", "even", "divisibleby", "in"};
  if (test.n_arguments > 0) return false;
  return std::find(std::begin(kOthers), std::end(kOthers), test.name) == std::end(kOthers);
}

}  // namespace

StaticType text_type(const StaticType& /*input*/, ArgumentTypes /*arguments*/) {
  return StaticType::of(kString);
}

StaticType texts_type(const StaticType& /*input*/, ArgumentTypes /*arguments*/) {
  return StaticType::list_of(StaticType::of(kString));
}

StaticType count_type(const StaticType& /*input*/, ArgumentTypes /*arguments*/) {
  return StaticType::of(schema::kInteger);
}

StaticType listed_type(const StaticType& input) {
  std::optional<StaticType> item;
  if (input.may_be(kArray)) item = input.any_item().type;
  if (input.may_be(kObject | kString)) {
    const StaticType text = StaticType::of(kString);
    item = item ? StaticType::either(*item, text) : text;
  }
  return StaticType::list_of(item.value_or(StaticType()));
}

StaticType FilterNode::type(Typing& typing, IfAbsent /*if_absent*/) const {
  const StaticType from = typing.type_of(*input);
  const std::vector<std::optional<StaticType>> given = types_of(typing, arguments);
  expect_taken(typing, from, filter->takes, place, filter->name);
  return from.may_be(filter->takes) ? filter->type(from, given) : StaticType();
}

StaticType DefaultNode::type(Typing& typing, IfAbsent if_absent) const {
  const StaticType from = typing.type_of(*input, IfAbsent::unknown);
  const StaticType instead = otherwise ? typing.type_of(*otherwise, if_absent) : StaticType::of(kString);
  if (for_false) (void)typing.type_of(*for_false);
  return StaticType::either(from, instead);
}

StaticType MapNode::type(Typing& typing, IfAbsent /*if_absent*/) const {
  const StaticType from = typing.type_of(*input);
  for (const ExpressionPtr* part : {&attribute, &otherwise}) {
    if (*part) (void)typing.type_of(**part);
  }
  const std::vector<std::optional<StaticType>> given = types_of(typing, arguments);
  expect_taken(typing, from, kListTypes, place, "map");
  StaticType item = listed_type(from).any_item().type.value_or(StaticType());
  if (filter) {
    expect_taken(typing, item, filter->takes, place, filter->name);
    return StaticType::list_of(filter->type(item, given));
  }
  const auto names = names_in(attribute.get());
  if (!names || otherwise) return StaticType::of(kArray);
  for (const std::string& name : *names) {
    StaticType::Part part = item.member(name);
    if (!part.type) {
      const std::string hint = part.nearest.empty() ? "" : "did you mean '" + part.nearest + "'?";
      typing.fault(place, "an item has no '" + name + "'", hint);
      return StaticType::of(kArray);
    }
    item = std::move(*part.type);
  }
  return StaticType::list_of(std::move(item));
}

StaticType SelectNode::type(Typing& typing, IfAbsent /*if_absent*/) const {
  const StaticType from = typing.type_of(*input);
  for (const ExpressionPtr* part : {&attribute, &argument}) {
    if (*part) (void)typing.type_of(**part);
  }
  expect_taken(typing, from, kListTypes, place, name);
  const StaticType list = listed_type(from);
  const auto names = names_in(attribute.get());
  if (names && !looks_for_value(test)) {
    const StaticType::Part part = list.any_item().type.value_or(StaticType()).member(names->front());
    const std::string hint = part.nearest.empty() ? "" : "did you mean '" + part.nearest + "'?";
    if (!part.type) typing.fault(place, "an item has no '" + names->front() + "'", hint);
  }
  // What is told apart by its type is of another one behind this.
  return test && looks_at_type(*test) ? StaticType::of(kArray) : list;
}

StaticType TestNode::type(Typing& typing, IfAbsent /*if_absent*/) const {
  const bool may_be_absent = looks_for_value(test);
  (void)typing.type_of(*input, may_be_absent ? IfAbsent::unknown : IfAbsent::fault);
  if (argument) (void)typing.type_of(*argument);
  if (looks_at_type(*test)) typing.note_test(*input);
  return StaticType::of(schema::kBoolean);
}

}  // namespace coppice::templates
