// SPDX-License-Identifier: Apache-2.0
// What is known of the values of expressions and statements before they are evaluated.
#include "coppice/flow/template/template_typing.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/flow/template/template_nodes.h"

namespace coppice::templates {
namespace {

using schema::kArray;
using schema::kBoolean;
using schema::kInteger;
using schema::kNumber;
using schema::kObject;
using schema::kString;

constexpr schema::Types kNumbers = kNumber | kInteger;

const char* advice_for(const StaticType& type) {
  return type.is_surely(kArray) ? "loop over it, or take an item by its number: [0]" : "";
}

/// "'a.b' is a string".
std::string no_part_text(const std::string& whole, const StaticType& type, const std::string& step) {
  const std::string text = "there is no '" + (whole.empty() ? "" : whole + ".") + step + "'";
  if (type.may_be(kObject)) return text;
  return text + ": " + (whole.empty() ? "the value" : "'" + whole + "'") + " is " + type.text();
}

}  // namespace

StaticType Typing::type_of(const Expression& expression, IfAbsent if_absent) {
  return expression.type(*this, if_absent);
}

StaticType Typing::look_up(const Path& path) const {
  std::optional<StaticType> type;
  const auto add = [&](const StaticType& one) { type = type ? StaticType::either(*type, one) : one; };
  for (const uint32_t slot : path.slots) {
    if (slots_[slot]) add(*slots_[slot]);
  }
  if (path.reference || path.slots.empty()) {
    const auto found = scope_.names.find(path.root);
    add(found == scope_.names.end() ? StaticType() : found->second);
  }
  return type.value_or(StaticType());
}

void Typing::set(uint32_t slot, const StaticType& type) {
  slots_[slot] = slots_[slot] ? StaticType::either(*slots_[slot], type) : type;
}

void Typing::fault(const Place& place, std::string what, std::string hint) {
  if (!is_tested("")) faults_.push_back({place.line, place.column, std::move(what), std::move(hint)});
}

void Typing::note_test(const Expression& expression) {
  const auto* const path = dynamic_cast<const Path*>(&expression);
  std::string text;
  if (path && !path->base) {
    text = path->root;
    for (const Path::Step& step : path->steps) text += "." + step.name;
  }
  tested_.push_back(std::move(text));
}

bool Typing::is_tested(const std::string& path) const {
  return std::find(tested_.begin(), tested_.end(), path) != tested_.end();
}

void Typing::expect(const StaticType& type, schema::Types wanted, const Place& place, std::string_view expected) {
  if (!type.may_be(wanted)) fault(place, "got " + type.text() + ", expected " + std::string(expected));
}

StaticType Constant::type(Typing& /*typing*/, IfAbsent /*if_absent*/) const {
  return StaticType::of_value(value);
}

StaticType Path::type(Typing& typing, IfAbsent if_absent) const {
  StaticType type = base ? typing.type_of(*base, if_absent) : typing.look_up(*this);
  std::string whole = root;
  if (!base && typing.is_tested(whole)) return {};
  for (const Step& step : steps) {
    const std::string longer = whole + "." + step.name;
    if (!base && typing.is_tested(longer)) return {};
    StaticType::Part part = step.index ? type.item(*step.index) : type.member(step.name);
    if (!part.type) {
      if (if_absent == IfAbsent::unknown) return {};
      const std::string hint = part.nearest.empty() ? advice_for(type) : "did you mean '" + part.nearest + "'?";
      typing.fault(place, no_part_text(whole, type, step.name), hint);
      return {};
    }
    type = std::move(*part.type);
    if (!base) whole = longer;
  }
  return type;
}

StaticType Subscript::type(Typing& typing, IfAbsent if_absent) const {
  const StaticType from = typing.type_of(*base, if_absent);
  const StaticType position = typing.type_of(*index);
  typing.expect(position, kString | kInteger, place, "a text or a whole number in []");
  if (if_absent == IfAbsent::fault) typing.expect(from, kArray | kObject | kString, place, "a list before []");
  if (from.is_surely(kString)) return StaticType::of(kString);
  return from.is_surely(kArray) ? from.any_item().type.value_or(StaticType()) : StaticType();
}

StaticType Slice::type(Typing& typing, IfAbsent /*if_absent*/) const {
  const StaticType from = typing.type_of(*base);
  typing.expect(from, kArray | kString, place, "a list or a text before [:]");
  for (const ExpressionPtr* part : {&begin, &end, &stride}) {
    if (*part) typing.expect(typing.type_of(**part), kInteger, place, "a whole number in a slice");
  }
  if (from.is_surely(kString)) return StaticType::of(kString);
  return from.is_surely(kArray) ? StaticType::list_of(from.any_item().type.value_or(StaticType()))
                                : StaticType::of(from.types() & (kArray | kString));
}

StaticType ListLiteral::type(Typing& typing, IfAbsent /*if_absent*/) const {
  if (items.empty()) return StaticType::of(kArray);
  StaticType item = typing.type_of(*items.front());
  for (size_t i = 1; i < items.size(); ++i) item = StaticType::either(item, typing.type_of(*items[i]));
  return StaticType::list_of(std::move(item));
}

StaticType ObjectLiteral::type(Typing& typing, IfAbsent /*if_absent*/) const {
  StaticType::Members known;
  bool is_known = true;
  for (const auto& [key, member] : members) {
    const auto* const name = dynamic_cast<const Constant*>(key.get());
    typing.expect(typing.type_of(*key), kString, key->place, "a text as the key of an object");
    StaticType type = typing.type_of(*member);
    is_known = is_known && name && name->value.is_string();
    if (is_known) known.insert_or_assign(name->value.get<std::string>(), std::move(type));
  }
  return is_known ? StaticType::object_of(std::move(known)) : StaticType::of(kObject);
}

StaticType LoopValue::type(Typing& /*typing*/, IfAbsent /*if_absent*/) const {
  return StaticType::of(field == LoopField::first || field == LoopField::last ? kBoolean : kInteger);
}

StaticType LogicalNot::type(Typing& typing, IfAbsent /*if_absent*/) const {
  (void)typing.type_of(*operand);
  return StaticType::of(kBoolean);
}

/// In `x is mapping and x.a` the first operand knows what x is when the second one is evaluated.
StaticType Logical::type(Typing& typing, IfAbsent /*if_absent*/) const {
  StaticType type = typing.type_of(*operands.front());
  for (size_t i = 1; i < operands.size(); ++i) type = StaticType::either(type, typing.type_of(*operands[i]));
  return type;
}

StaticType Compare::type(Typing& typing, IfAbsent /*if_absent*/) const {
  (void)typing.type_of(*first);
  for (const auto& [comparison, operand] : rest) (void)typing.type_of(*operand);
  return StaticType::of(kBoolean);
}

namespace {

/// What `left operation right` comes to; nothing where it is sure to fail.
std::optional<StaticType> calculated(Arithmetic operation, const StaticType& left, const StaticType& right) {
  schema::Types types = 0;
  if (left.may_be(kNumbers) && right.may_be(kNumbers)) {
    const bool is_whole = operation != Arithmetic::divide && left.is_surely(kInteger) && right.is_surely(kInteger);
    types |= is_whole ? kInteger : kNumbers;
  }
  if (operation == Arithmetic::add) types |= left.types() & right.types() & (kString | kArray);
  const bool repeats =
      (left.may_be(kString) && right.may_be(kInteger)) || (left.may_be(kInteger) && right.may_be(kString));
  if (operation == Arithmetic::multiply && repeats) types |= kString;
  return types == 0 ? std::nullopt : std::optional(StaticType::of(types));
}

}  // namespace

StaticType Calculation::type(Typing& typing, IfAbsent /*if_absent*/) const {
  const StaticType a = typing.type_of(*left), b = typing.type_of(*right);
  if (const auto type = calculated(operation, a, b)) return *type;
  const bool joins = operation == Arithmetic::add && (a.may_be(kString) || b.may_be(kString));
  typing.fault(place, "cannot calculate with " + a.text() + " and " + b.text(),
               joins ? "'~' joins values of any kind as text" : "");
  return {};
}

StaticType Negation::type(Typing& typing, IfAbsent /*if_absent*/) const {
  const StaticType type = typing.type_of(*operand);
  typing.expect(type, kNumbers, place, "a number after the sign");
  return StaticType::of(type.is_surely(kInteger) ? kInteger : kNumbers);
}

StaticType Concatenation::type(Typing& typing, IfAbsent /*if_absent*/) const {
  for (const ExpressionPtr& operand : operands) (void)typing.type_of(*operand);
  return StaticType::of(kString);
}

StaticType Conditional::type(Typing& typing, IfAbsent if_absent) const {
  const Typing::Scope scope(typing);
  (void)typing.type_of(*condition);
  const StaticType type = typing.type_of(*then, if_absent);
  return otherwise ? StaticType::either(type, typing.type_of(*otherwise, if_absent)) : type;
}

void infer(const Body& body, Typing& typing) {
  for (const auto& statement : body) {
    const Typing::Scope scope(typing);
    statement->infer(typing);
  }
}

void Text::infer(Typing& /*typing*/) const {}

void Print::infer(Typing& typing) const {
  (void)typing.type_of(*expression);
}

void If::infer(Typing& typing) const {
  for (const Branch& branch : branches) {
    if (branch.condition) (void)typing.type_of(*branch.condition);
    templates::infer(branch.body, typing);
  }
}

void Set::infer(Typing& typing) const {
  typing.set(slot, typing.type_of(*expression));
}

void For::infer_targets(Typing& typing, const StaticType& item) const {
  if (targets.size() == 1) return typing.set(targets[0], item);
  if (!item.may_be(kArray)) {
    typing.fault(iterable->place, "got " + item.text() + " as an item, expected a list for so many names",
                 "'| items' makes pairs of an object's keys and values");
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    typing.set(targets[i], item.item(static_cast<int64_t>(i)).type.value_or(StaticType()));
  }
}

void For::infer(Typing& typing) const {
  const StaticType from = typing.type_of(*iterable);
  if (!from.may_be(kArray | kObject)) {
    typing.fault(iterable->place, "got " + from.text() + ", expected a list or an object to loop over",
                 from.may_be(kString) ? "'| split' cuts a text into its words, '| list' into its characters" : "");
    return;
  }
  StaticType item = StaticType::of(kString);
  if (from.may_be(kArray)) {
    const StaticType of_list = from.any_item().type.value_or(StaticType());
    item = from.may_be(kObject) ? StaticType::either(of_list, item) : of_list;
  }
  infer_targets(typing, item);
  if (filter) (void)typing.type_of(*filter);
  templates::infer(body, typing);
  templates::infer(otherwise, typing);
}

}  // namespace coppice::templates
