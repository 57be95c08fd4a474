// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template_nodes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "coppice/core/options.h"
#include "coppice/flow/json/code_points.h"

namespace coppice::templates {
namespace {

using nlohmann::json;

const json& boolean(bool value) {
  static const json kTrue = true, kFalse = false;
  return value ? kTrue : kFalse;
}

/// Enough to help; an object with as many members as a data set is not searched.
constexpr size_t kMostNames = 1000, kMostNameBytes = 64;

std::string hint_for(std::string_view name, const std::vector<std::string>& names) {
  const std::string nearest = name.size() > kMostNameBytes ? std::string() : nearest_name(name, names);
  if (!nearest.empty()) return "did you mean '" + nearest + "'?";
  if (names.empty() || names.size() > 12) return {};
  std::string list;
  for (const std::string& each : names) list += (list.empty() ? "there is: " : ", ") + each;
  return list;
}

std::vector<std::string> keys_of(const Value& value) {
  std::vector<std::string> keys;
  if (!value.is_object() || value.size() > kMostNames) return keys;
  for (const auto& [key, member] : value.object()) {
    if (key.size() <= kMostNameBytes) keys.push_back(key);
  }
  return keys;
}

/// "'a.b' has no 'c'", or what else keeps it from having one.
Absence absence_in(const Place& place, const Value& value, const std::string& whole, const Path::Step& step) {
  if (value.is_list() && step.index) {
    return {place, whole + " has " + std::to_string(value.size()) + " items, got [" + step.name + "]", {}};
  }
  if (value.is_object()) return {place, whole + " has no '" + step.name + "'", hint_for(step.name, keys_of(value))};
  const std::string hint = value.is_list() ? "loop over it, or take an item by its number: [0]" : std::string();
  return {place, whole + " is " + std::string(kind_name(value)) + " and has no '" + step.name + "'", hint};
}

}  // namespace

Absence Expression::absence(Evaluation& /*evaluation*/) const {
  return {place, "the expression has no value", "give one with default(...), or test it with 'is defined'"};
}

Value Constant::find(Evaluation& /*evaluation*/) const {
  return value;
}

Value Path::find(Evaluation& evaluation) const {
  evaluation.charge();
  Value value = base ? base->find(evaluation) : evaluation.look_up(root, slots);
  for (const Step& step : steps) {
    if (value.is_undefined()) return value;
    value = step.index ? element(evaluation, value, *step.index) : value.member(step.name);
  }
  return value;
}

Absence Path::absence(Evaluation& evaluation) const {
  Value value = base ? base->find(evaluation) : evaluation.look_up(root, slots);
  if (value.is_undefined()) {
    if (base) return base->absence(evaluation);
    std::vector<std::string> names = evaluation.names_in_scope();
    if (!near.empty()) names.push_back(near);
    return {place, "'" + root + "' is not defined", hint_for(root, names)};
  }
  std::string whole = base ? "the value" : "'" + root + "'";
  for (const Step& step : steps) {
    const Value next = step.index ? element(evaluation, value, *step.index) : value.member(step.name);
    if (next.is_undefined()) return absence_in(place, value, whole, step);
    if (!base) whole.insert(whole.size() - 1, step.index ? "[" + step.name + "]" : "." + step.name);
    value = next;
  }
  return Expression::absence(evaluation);
}

Value element(Evaluation& evaluation, const Value& base, int64_t index) {
  if (!base.is_text()) return base.item(index);
  const std::string& text = base.text();
  evaluation.charge_bytes(text.size());
  const auto n = static_cast<int64_t>(count_code_points(text));
  if (index < 0) index += n;
  if (index < 0 || index >= n) return {};
  const size_t begin = byte_of_code_point(text, static_cast<size_t>(index));
  return evaluation.keep(json(text.substr(begin, first_code_point(std::string_view(text).substr(begin)).n_bytes)));
}

Value element(Evaluation& evaluation, const Value& base, const Value& index) {
  if (index.is_text()) return base.member(index.text());
  if (index.is_integer()) {
    if (index.json()->is_number_unsigned() && index.json()->get<uint64_t>() > INT64_MAX) return {};
    return element(evaluation, base, index.json()->get<int64_t>());
  }
  evaluation.fail("got " + std::string(kind_name(index)) + " in [], expected a text or a whole number");
}

Value Subscript::find(Evaluation& evaluation) const {
  const Value value = base->find(evaluation);
  if (value.is_undefined()) return value;
  const Value position = evaluation.value(*index);
  const Evaluation::At at(evaluation, place);
  return element(evaluation, value, position);
}

Absence Subscript::absence(Evaluation& evaluation) const {
  const Value value = base->find(evaluation);
  if (value.is_undefined()) return base->absence(evaluation);
  const Value position = evaluation.value(*index);
  Path::Step step;
  step.name = position.is_text() ? position.text().substr(0, kMostNameBytes) : number_literal(*position.json());
  if (!position.is_text()) step.index = 0;
  return absence_in(place, value, "the value", step);
}

namespace {

int64_t integer_in_slice(Evaluation& evaluation, const Expression& expression) {
  const Value value = evaluation.value(expression);
  if (!value.is_integer()) {
    evaluation.fail("got " + std::string(kind_name(value)) + " in a slice, expected a whole number");
  }
  const bool is_huge = value.json()->is_number_unsigned() && value.json()->get<uint64_t>() > INT64_MAX;
  return is_huge ? INT64_MAX : value.json()->get<int64_t>();
}

/// A bound of a slice of n items, from the end where it is negative, kept within [lowest, highest].
int64_t bound_of_slice(Evaluation& evaluation, const Expression& expression, int64_t n, std::array<int64_t, 2> range) {
  int64_t bound = integer_in_slice(evaluation, expression);
  if (bound < 0) bound = std::max(bound, -n - 1) + n;
  return std::clamp(bound, range[0], range[1]);
}

struct Range {
  int64_t begin, end, stride;
};

Value slice_of_text(Evaluation& evaluation, const std::string& text, const Range& range) {
  evaluation.charge_bytes(text.size());
  if (range.stride == 1) {
    const size_t begin = byte_of_code_point(text, static_cast<size_t>(range.begin));
    const size_t end = byte_of_code_point(text, static_cast<size_t>(std::max(range.begin, range.end)));
    return evaluation.keep(json(text.substr(begin, end - begin)));
  }
  std::vector<std::string_view> characters;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(characters.back().size())) {
    evaluation.charge();
    characters.push_back(rest.substr(0, first_code_point(rest).n_bytes));
  }
  std::string result;
  for (int64_t i = range.begin; range.stride > 0 ? i < range.end : i > range.end; i += range.stride) {
    result += characters[static_cast<size_t>(i)];
  }
  return evaluation.keep(json(std::move(result)));
}

}  // namespace

Value Slice::find(Evaluation& evaluation) const {
  const Evaluation::At at(evaluation, place);
  const Value value = evaluation.value(*base);
  if (!value.is_list() && !value.is_text()) {
    evaluation.fail("got " + std::string(kind_name(value)) + ", expected a list or a text to take a slice of");
  }
  const auto n = static_cast<int64_t>(value.is_text() ? count_code_points(value.text()) : value.size());
  const int64_t step = stride ? std::clamp(integer_in_slice(evaluation, *stride), -n - 1, n + 1) : 1;
  if (step == 0) evaluation.fail("got a slice with steps of 0");
  const std::array<int64_t, 2> limits = step > 0 ? std::array<int64_t, 2>{0, n} : std::array<int64_t, 2>{-1, n - 1};
  Range range{step > 0 ? 0 : n - 1, step > 0 ? n : -1, step};
  if (begin) range.begin = bound_of_slice(evaluation, *begin, n, limits);
  if (end) range.end = bound_of_slice(evaluation, *end, n, limits);
  if (value.is_text()) return slice_of_text(evaluation, value.text(), range);
  Value::List items;
  for (int64_t i = range.begin; step > 0 ? i < range.end : i > range.end; i += step) {
    items.push_back(value.at(static_cast<size_t>(i)));
  }
  return evaluation.keep(std::move(items));
}

Value ListLiteral::find(Evaluation& evaluation) const {
  Value::List values;
  values.reserve(items.size());
  for (const ExpressionPtr& item : items) values.push_back(evaluation.value(*item));
  return evaluation.keep(std::move(values));
}

Value ObjectLiteral::find(Evaluation& evaluation) const {
  json object = json::object();
  for (const auto& [key, member] : members) {
    const Value name = evaluation.value(*key);
    const Evaluation::At at(evaluation, key->place);
    if (!name.is_text()) {
      evaluation.fail("got " + std::string(kind_name(name)) + " as the key of an object, expected a text");
    }
    object[name.text()] = evaluation.json_of(evaluation.value(*member));
  }
  return evaluation.keep(std::move(object));
}

Value LoopValue::find(Evaluation& evaluation) const {
  const Evaluation::Loop& state = evaluation.loops[loop];
  switch (field) {
    case LoopField::index:
      return evaluation.keep(json(state.index + 1));
    case LoopField::index0:
      return evaluation.keep(json(state.index));
    case LoopField::revindex:
      return evaluation.keep(json(state.length - state.index));
    case LoopField::revindex0:
      return evaluation.keep(json(state.length - state.index - 1));
    case LoopField::first:
      return boolean(state.index == 0);
    case LoopField::last:
      return boolean(state.index + 1 == state.length);
    case LoopField::length:
      return evaluation.keep(json(state.length));
  }
  return {};
}

Value LogicalNot::find(Evaluation& evaluation) const {
  return boolean(!evaluation.is_true(*operand));
}

Value Logical::find(Evaluation& evaluation) const {
  for (size_t i = 0; i + 1 < operands.size(); ++i) {
    const Value value = evaluation.value(*operands[i]);
    if (value.is_true() != is_and) return value;
  }
  return evaluation.value(*operands.back());
}

Value Compare::find(Evaluation& evaluation) const {
  Value left = evaluation.value(*first);
  for (const auto& [comparison, operand] : rest) {
    const Value right = evaluation.value(*operand);
    const Evaluation::At at(evaluation, place);
    if (!compare(evaluation, comparison, left, right)) return boolean(false);
    left = right;
  }
  return boolean(true);
}

Value Calculation::find(Evaluation& evaluation) const {
  const Value a = evaluation.value(*left);
  const Value b = evaluation.value(*right);
  const Evaluation::At at(evaluation, place);
  return calculate(evaluation, operation, a, b);
}

Value Negation::find(Evaluation& evaluation) const {
  static const json kZero = 0;
  const Value value = evaluation.value(*operand);
  const Evaluation::At at(evaluation, place);
  if (!value.is_number())
    evaluation.fail("got " + std::string(kind_name(value)) + ", expected a number after the sign");
  if (keeps_sign) return value;
  if (value.json()->is_number_float()) return evaluation.keep(json(-value.json()->get<double>()));
  return calculate(evaluation, Arithmetic::subtract, kZero, value);
}

Value Concatenation::find(Evaluation& evaluation) const {
  std::string text;
  for (const ExpressionPtr& operand : operands) {
    const Value value = evaluation.value(*operand);
    const Evaluation::At at(evaluation, place);
    evaluation.append(value, text);
  }
  const Evaluation::At at(evaluation, place);
  evaluation.charge_bytes(text.size());
  return evaluation.keep(json(std::move(text)));
}

Value Conditional::find(Evaluation& evaluation) const {
  if (evaluation.is_true(*condition)) return then->find(evaluation);
  return otherwise ? otherwise->find(evaluation) : Value();
}

Absence Conditional::absence(Evaluation& evaluation) const {
  if (evaluation.is_true(*condition)) return then->absence(evaluation);
  if (otherwise) return otherwise->absence(evaluation);
  return {place, "the condition is false and there is no 'else'", {}};
}

}  // namespace coppice::templates
