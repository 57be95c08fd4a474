// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "coppice/flow/json/code_points.h"
#include "coppice/flow/template/template_filters.h"

namespace coppice::templates {
namespace {

using nlohmann::json;

/// A list; of an object its keys, of a text its characters.
Value any_input(Evaluation& evaluation, const FilterCall& call) {
  if (!call.input.is_text()) return list_input(evaluation, call);
  Value::List characters;
  for (std::string_view rest = call.input.text(); !rest.empty();) {
    const uint32_t n_bytes = first_code_point(rest).n_bytes;
    characters.push_back(evaluation.keep(json(std::string(rest.substr(0, n_bytes)))));
    rest.remove_prefix(n_bytes);
  }
  return evaluation.keep(std::move(characters));
}

Value first(Evaluation& evaluation, const FilterCall& call) {
  if (call.input.is_text()) return element(evaluation, call.input, 0);
  return list_input(evaluation, call).item(0);
}

Value last(Evaluation& evaluation, const FilterCall& call) {
  if (call.input.is_text()) return element(evaluation, call.input, -1);
  return list_input(evaluation, call).item(-1);
}

Value length(Evaluation& evaluation, const FilterCall& call) {
  if (call.input.is_text()) {
    evaluation.charge_bytes(call.input.text().size());
    return evaluation.keep(json(count_code_points(call.input.text())));
  }
  if (!call.input.is_list() && !call.input.is_object()) fail_input(evaluation, call, "a list, an object or a text");
  return evaluation.keep(json(call.input.size()));
}

Value reverse(Evaluation& evaluation, const FilterCall& call) {
  const Value list = any_input(evaluation, call);
  Value::List reversed;
  std::string text;
  for (size_t i = list.size(); i > 0; --i) {
    if (call.input.is_text()) {
      text += list.at(i - 1).text();
    } else {
      reversed.push_back(list.at(i - 1));
    }
  }
  return call.input.is_text() ? evaluation.keep(json(std::move(text))) : evaluation.keep(std::move(reversed));
}

void expect_object(Evaluation& evaluation, const FilterCall& call) {
  if (!call.input.is_object()) fail_input(evaluation, call, "an object");
  evaluation.charge(call.input.size());
}

Value items(Evaluation& evaluation, const FilterCall& call) {
  expect_object(evaluation, call);
  Value::List pairs;
  for (const auto& [key, member] : call.input.object()) {
    pairs.push_back(evaluation.keep(Value::List{evaluation.keep(json(key)), member}));
  }
  return evaluation.keep(std::move(pairs));
}

Value keys(Evaluation& evaluation, const FilterCall& call) {
  expect_object(evaluation, call);
  return list_input(evaluation, call);
}

Value values(Evaluation& evaluation, const FilterCall& call) {
  expect_object(evaluation, call);
  Value::List members;
  for (const auto& [key, member] : call.input.object()) members.emplace_back(member);
  return evaluation.keep(std::move(members));
}

Value join(Evaluation& evaluation, const FilterCall& call) {
  const std::string separator = call.has(0) ? evaluation.text_of(call.argument(0)) : std::string();
  const Attribute attribute(evaluation, call, call.argument(1));
  const Value list = list_input(evaluation, call);
  std::string text;
  for (size_t i = 0; i < list.size(); ++i) {
    evaluation.charge();
    evaluation.expect_room(text.size(), separator.size());
    if (i > 0) text += separator;
    evaluation.append(attribute.of(evaluation, list.at(i)), text);
  }
  evaluation.charge_bytes(text.size());
  return evaluation.keep(json(std::move(text)));
}

Value batch(Evaluation& evaluation, const FilterCall& call) {
  const int64_t size = integer_argument(evaluation, call, 0, 1);
  if (size < 1) evaluation.fail("got batches of " + std::to_string(size) + ", expected 1 or more");
  const Value list = list_input(evaluation, call);
  Value::List batches, batch;
  for (size_t i = 0; i < list.size(); ++i) {
    batch.push_back(list.at(i));
    const bool is_full = batch.size() == static_cast<uint64_t>(size);
    if (!is_full && i + 1 == list.size() && call.has(1) && !call.argument(1).is_none()) {
      evaluation.charge(static_cast<size_t>(size) - batch.size());
      batch.resize(static_cast<size_t>(size), call.argument(1));
    }
    if (is_full || i + 1 == list.size()) batches.push_back(evaluation.keep(std::exchange(batch, {})));
  }
  return evaluation.keep(std::move(batches));
}

Value sum(Evaluation& evaluation, const FilterCall& call) {
  static const json kZero = 0;
  const Attribute attribute(evaluation, call, call.argument(0));
  const Value list = list_input(evaluation, call);
  Value total = call.has(1) ? call.argument(1) : Value(kZero);
  for (size_t i = 0; i < list.size(); ++i) {
    total = calculate(evaluation, Arithmetic::add, total, attribute.of(evaluation, list.at(i)));
  }
  return total;
}

/// What items are compared by: texts without regard to case, unless that is asked for.
Value key_of(Evaluation& evaluation, const Value& value, bool by_case) {
  if (by_case || !value.is_text()) return value;
  evaluation.charge_bytes(value.text().size());
  return evaluation.keep(json(to_lower(value.text())));
}

bool is_given(const FilterCall& call, size_t index) {
  return call.has(index) && call.argument(index).is_true();
}

Value extreme(Evaluation& evaluation, const FilterCall& call, bool wants_least) {
  const Attribute attribute(evaluation, call, call.argument(1));
  const Value list = list_input(evaluation, call);
  Value best, best_key;
  for (size_t i = 0; i < list.size(); ++i) {
    const Value key = key_of(evaluation, attribute.of(evaluation, list.at(i)), is_given(call, 0));
    if (i > 0) {
      const auto order = evaluation.order(key, best_key, "a comparison");
      if (wants_least ? !(order < 0) : !(order > 0)) continue;
    }
    best = list.at(i);
    best_key = key;
  }
  return best;
}

Value min(Evaluation& evaluation, const FilterCall& call) {
  return extreme(evaluation, call, true);
}

Value max(Evaluation& evaluation, const FilterCall& call) {
  return extreme(evaluation, call, false);
}

/// "age,name": by the first, and where that is equal by the second.
std::vector<Attribute> attributes_of(Evaluation& evaluation, const FilterCall& call, const Value& argument) {
  std::vector<Attribute> attributes;
  if (!argument.is_text()) return {Attribute(evaluation, call, argument)};
  std::string_view rest = argument.text();
  for (size_t comma = 0; comma != std::string_view::npos;) {
    comma = rest.find(',');
    attributes.emplace_back(evaluation, call, evaluation.keep(json(std::string(rest.substr(0, comma)))));
    if (comma != std::string_view::npos) rest.remove_prefix(comma + 1);
  }
  return attributes;
}

Value sort(Evaluation& evaluation, const FilterCall& call) {
  const bool is_reversed = is_given(call, 0), by_case = is_given(call, 1);
  const std::vector<Attribute> attributes = attributes_of(evaluation, call, call.argument(2));
  const Value list = list_input(evaluation, call);
  struct Entry {
    Value item;
    Value keys;
  };
  std::vector<Entry> entries;
  for (size_t i = 0; i < list.size(); ++i) {
    Value::List keys;
    for (const Attribute& attribute : attributes) {
      keys.push_back(key_of(evaluation, attribute.of(evaluation, list.at(i)), by_case));
    }
    entries.push_back({list.at(i), evaluation.keep(std::move(keys))});
  }
  std::stable_sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
    const auto order = evaluation.order(a.keys, b.keys, "sorting");
    return is_reversed ? order > 0 : order < 0;
  });
  Value::List sorted;
  for (const Entry& entry : entries) sorted.push_back(entry.item);
  return evaluation.keep(std::move(sorted));
}

/// One text for all values that are equal, whole numbers among them whatever their type.
std::string identity_of(Evaluation& evaluation, const Value& value) {
  if (value.is_number() && value.json()->is_number_float()) {
    const double number = value.json()->get<double>();
    if (number == std::floor(number) && std::abs(number) < 0x1.0p63) {
      return std::to_string(static_cast<int64_t>(number));
    }
  }
  std::string text;
  evaluation.append_json(value, 0, text);
  evaluation.charge_bytes(text.size());
  return text;
}

Value unique(Evaluation& evaluation, const FilterCall& call) {
  const Attribute attribute(evaluation, call, call.argument(1));
  const Value list = list_input(evaluation, call);
  std::unordered_set<std::string> seen;
  Value::List kept;
  for (size_t i = 0; i < list.size(); ++i) {
    const Value key = key_of(evaluation, attribute.of(evaluation, list.at(i)), is_given(call, 0));
    if (seen.insert(identity_of(evaluation, key)).second) kept.push_back(list.at(i));
  }
  return evaluation.keep(std::move(kept));
}

// What they come to.

StaticType list_type(const StaticType& input, ArgumentTypes /*arguments*/) {
  return listed_type(input);
}

StaticType reversed_type(const StaticType& input, ArgumentTypes /*arguments*/) {
  if (input.is_surely(schema::kString)) return StaticType::of(schema::kString);
  return input.may_be(schema::kString) ? StaticType() : listed_type(input);
}

StaticType item_type(const StaticType& input, ArgumentTypes /*arguments*/) {
  return listed_type(input).any_item().type.value_or(StaticType());
}

StaticType batches_type(const StaticType& input, ArgumentTypes arguments) {
  StaticType batch = listed_type(input);
  if (arguments[1]) batch = StaticType::of(schema::kArray);
  return StaticType::list_of(std::move(batch));
}

StaticType pairs_type(const StaticType& /*input*/, ArgumentTypes /*arguments*/) {
  return StaticType::list_of(StaticType::of(schema::kArray));
}

StaticType values_type(const StaticType& /*input*/, ArgumentTypes /*arguments*/) {
  return StaticType::of(schema::kArray);
}

/// Of texts and of lists there are sums, too.
StaticType sum_type(const StaticType& /*input*/, ArgumentTypes /*arguments*/) {
  return {};
}

}  // namespace

const std::vector<Filter>& list_filters() {
  static const std::vector<Filter> kFilters{
      {"batch", {"linecount", "fill_with"}, 1, batch, kListTypes, batches_type},
      {"count", {}, 0, length, kListTypes | schema::kString, count_type},
      {"first", {}, 0, first, kListTypes | schema::kString, item_type},
      {"items", {}, 0, items, schema::kObject, pairs_type},
      {"join", {"d", "attribute"}, 0, join, kListTypes, text_type},
      {"keys", {}, 0, keys, schema::kObject, texts_type},
      {"last", {}, 0, last, kListTypes | schema::kString, item_type},
      {"length", {}, 0, length, kListTypes | schema::kString, count_type},
      {"list", {}, 0, any_input, kListTypes | schema::kString, list_type},
      {"max", {"case_sensitive", "attribute"}, 0, max, kListTypes, item_type},
      {"min", {"case_sensitive", "attribute"}, 0, min, kListTypes, item_type},
      {"reverse", {}, 0, reverse, kListTypes | schema::kString, reversed_type},
      {"sort", {"reverse", "case_sensitive", "attribute"}, 0, sort, kListTypes, list_type},
      {"sum", {"attribute", "start"}, 0, sum, kListTypes, sum_type},
      {"unique", {"case_sensitive", "attribute"}, 0, unique, kListTypes, list_type},
      {"values", {}, 0, values, schema::kObject, values_type}};
  return kFilters;
}

}  // namespace coppice::templates
