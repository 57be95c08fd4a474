// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template_filters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace coppice::templates {
namespace {

using nlohmann::json;

std::vector<Value> evaluated(Evaluation& evaluation, const std::vector<ExpressionPtr>& arguments) {
  std::vector<Value> values(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i]) values[i] = evaluation.value(*arguments[i]);
  }
  return values;
}

const json& boolean(bool value) {
  static const json kTrue = true, kFalse = false;
  return value ? kTrue : kFalse;
}

}  // namespace

const Filter* find_filter(std::string_view name) {
  for (const std::vector<Filter>* table : {&text_filters(), &number_filters(), &list_filters()}) {
    for (const Filter& filter : *table) {
      if (filter.name == name) return &filter;
    }
  }
  return nullptr;
}

std::vector<std::string> filter_names() {
  std::vector<std::string> names{"default", "d", "map", "select", "reject", "selectattr", "rejectattr"};
  for (const std::vector<Filter>* table : {&text_filters(), &number_filters(), &list_filters()}) {
    for (const Filter& filter : *table) names.emplace_back(filter.name);
  }
  return names;
}

void fail_input(Evaluation& evaluation, const FilterCall& call, std::string_view expected) {
  evaluation.fail("got " + std::string(kind_name(call.input)) + ", expected " + std::string(expected) + " before '| " +
                      std::string(call.name) + "'",
                  call.input.is_none() ? "'| default(\"\", true)' replaces what is none" : "");
}

const std::string& text_argument(Evaluation& evaluation, const FilterCall& call, size_t index) {
  const Value& value = call.argument(index);
  if (!value.is_text()) {
    evaluation.fail("got " + std::string(kind_name(value)) + " as an argument of '" + std::string(call.name) +
                    "', expected a text");
  }
  return value.text();
}

int64_t integer_argument(Evaluation& evaluation, const FilterCall& call, size_t index, int64_t otherwise) {
  const Value& value = call.argument(index);
  if (value.is_undefined() || value.is_none()) return otherwise;
  if (!value.is_integer()) {
    evaluation.fail("got " + std::string(kind_name(value)) + " as an argument of '" + std::string(call.name) +
                    "', expected a whole number");
  }
  const bool is_huge = value.json()->is_number_unsigned() && value.json()->get<uint64_t>() > INT64_MAX;
  return is_huge ? INT64_MAX : value.json()->get<int64_t>();
}

std::string text_input(Evaluation& evaluation, const FilterCall& call) {
  const Value& input = call.input;
  if (!input.is_text() && !input.is_number() && !input.is_boolean()) fail_input(evaluation, call, "a text");
  return evaluation.text_of(input);
}

Value list_input(Evaluation& evaluation, const FilterCall& call) {
  evaluation.charge(call.input.size());
  if (call.input.is_list()) return call.input;
  if (!call.input.is_object()) fail_input(evaluation, call, "a list");
  Value::List keys;
  for (const auto& [key, member] : call.input.object()) keys.push_back(evaluation.keep(json(key)));
  return evaluation.keep(std::move(keys));
}

Attribute::Attribute(Evaluation& evaluation, const FilterCall& call, const Value& argument) {
  if (argument.is_undefined() || argument.is_none()) return;
  if (argument.is_text()) {
    text_ = argument.text();
  } else if (argument.is_integer()) {
    text_ = number_literal(*argument.json());
  } else {
    evaluation.fail("got " + std::string(kind_name(argument)) + " as the attribute of '" + std::string(call.name) +
                    "', expected a name such as \"a\" or \"a.b\"");
  }
  add_steps(text_);
}

void Attribute::add_steps(std::string_view path) {
  for (;;) {
    const size_t dot = path.find('.');
    Path::Step step{std::string(path.substr(0, dot)), std::nullopt};
    int64_t index = 0;
    const char* const end = step.name.data() + step.name.size();
    const auto result = std::from_chars(step.name.data(), end, index);
    if (result.ec == std::errc() && result.ptr == end) step.index = index;
    steps_.push_back(std::move(step));
    if (dot == std::string_view::npos) return;
    path.remove_prefix(dot + 1);
  }
}

Value Attribute::find(Evaluation& evaluation, const Value& item) const {
  Value value = item;
  for (const Path::Step& step : steps_) {
    evaluation.charge();
    if (value.is_undefined()) return value;
    value = step.index ? element(evaluation, value, *step.index) : value.member(step.name);
  }
  return value;
}

Value Attribute::of(Evaluation& evaluation, const Value& item) const {
  const Value value = find(evaluation, item);
  if (value.is_undefined()) {
    evaluation.fail("an item has no '" + text_ + "'", "selectattr(\"" + text_ + "\", \"defined\") passes over those");
  }
  return value;
}

Value FilterNode::find(Evaluation& evaluation) const {
  const Value value = evaluation.value(*input);
  const std::vector<Value> values = evaluated(evaluation, arguments);
  const Evaluation::At at(evaluation, place);
  return filter->apply(evaluation, {value, values, filter->name});
}

Absence FilterNode::absence(Evaluation& /*evaluation*/) const {
  return {place, "'| " + std::string(filter->name) + "' got an empty list", "'| default(...)' gives a value for that"};
}

Value DefaultNode::find(Evaluation& evaluation) const {
  static const json kEmpty = "";
  const Value value = input->find(evaluation);
  const bool replaces_false = for_false && evaluation.is_true(*for_false);
  if (!value.is_undefined() && !(replaces_false && !value.is_true())) return value;
  return otherwise ? otherwise->find(evaluation) : Value(kEmpty);
}

Absence DefaultNode::absence(Evaluation& evaluation) const {
  return otherwise->absence(evaluation);  // only what it stands in for can be undefined
}

Value MapNode::find(Evaluation& evaluation) const {
  const Value value = evaluation.value(*input);
  const Value name = attribute ? evaluation.value(*attribute) : Value();
  const Value instead = otherwise ? evaluation.value(*otherwise) : Value();
  const std::vector<Value> values = evaluated(evaluation, arguments);
  const Evaluation::At at(evaluation, place);
  const FilterCall call{value, {}, "map"};
  const Value list = list_input(evaluation, call);
  const Attribute path(evaluation, call, name);
  Value::List mapped;
  for (size_t i = 0; i < list.size(); ++i) {
    evaluation.charge();
    if (filter) {
      mapped.push_back(filter->apply(evaluation, {list.at(i), values, filter->name}));
      if (mapped.back().is_undefined()) evaluation.fail("'| " + std::string(filter->name) + "' got an empty list");
    } else {
      const Value found = instead.is_undefined() ? path.of(evaluation, list.at(i)) : path.find(evaluation, list.at(i));
      mapped.push_back(found.is_undefined() ? instead : found);
    }
  }
  return evaluation.keep(std::move(mapped));
}

Value SelectNode::find(Evaluation& evaluation) const {
  const Value value = evaluation.value(*input);
  const Value path_text = attribute ? evaluation.value(*attribute) : Value();
  const Value other = argument ? evaluation.value(*argument) : Value();
  const Evaluation::At at(evaluation, place);
  const FilterCall call{value, {}, name};
  const Value list = list_input(evaluation, call);
  const Attribute path(evaluation, call, path_text);
  const bool may_be_absent = test && (test->name == "defined" || test->name == "undefined");
  Value::List selected;
  for (size_t i = 0; i < list.size(); ++i) {
    evaluation.charge();
    const Value looked_at = may_be_absent ? path.find(evaluation, list.at(i)) : path.of(evaluation, list.at(i));
    const bool holds = test ? test->holds(evaluation, looked_at, other) : looked_at.is_true();
    if (holds == wanted) selected.push_back(list.at(i));
  }
  return evaluation.keep(std::move(selected));
}

Value TestNode::find(Evaluation& evaluation) const {
  const bool may_be_absent = test->name == "defined" || test->name == "undefined";
  const Value value = may_be_absent ? input->find(evaluation) : evaluation.value(*input);
  const Value other = argument ? evaluation.value(*argument) : Value();
  const Evaluation::At at(evaluation, place);
  return boolean(test->holds(evaluation, value, other) != is_negated);
}

}  // namespace coppice::templates
