// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template_evaluation.h"

#include <algorithm>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/json_compare.h"
#include "coppice/flow/template/template_nodes.h"

namespace coppice::templates {

using nlohmann::json;

/// What is kept takes some 64 bytes with its place in memory.
constexpr size_t kStepsPerValue = 4;

Value Evaluation::value(const Expression& expression) {
  const Value found = expression.find(*this);
  if (!found.is_undefined()) [[likely]]
    return found;
  const Absence absence = expression.absence(*this);
  throw Error(ErrorCode::data, absence.what, where(file_, absence.place), absence.hint);
}

bool Evaluation::is_true(const Expression& expression) {
  const Mark before = mark();
  const bool result = value(expression).is_true();
  release(before);
  return result;
}

Value Evaluation::look_up(const std::string& name, const std::vector<uint32_t>& slots) const noexcept {
  for (const uint32_t slot : slots) {
    if (!slots_[slot].is_undefined()) return slots_[slot];
  }
  for (auto entry = scope_.rbegin(); entry != scope_.rend(); ++entry) {
    if (entry->first == name && entry->second) return *entry->second;
  }
  return {};
}

std::vector<std::string> Evaluation::names_in_scope() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : scope_) {
    if (value) names.emplace_back(name);
  }
  return names;
}

Value Evaluation::keep(json&& made) {
  charge(kStepsPerValue);
  kept_.push_front(std::move(made));
  ++n_kept_;
  return kept_.front();
}

Value Evaluation::keep(Value::List&& made) {
  charge(kStepsPerValue + made.size());
  kept_lists_.push_front(std::move(made));
  ++n_kept_lists_;
  return kept_lists_.front();
}

void Evaluation::release(const Mark& mark) noexcept {
  for (; n_kept_ > mark.n_values; --n_kept_) kept_.pop_front();
  for (; n_kept_lists_ > mark.n_lists; --n_kept_lists_) kept_lists_.pop_front();
}

void Evaluation::append(const Value& value, std::string& text) {
  if (!value.is_text()) return append_json(value, 0, text);
  expect_room(text.size(), value.text().size());
  text += value.text();
}

void Evaluation::append_json(const Value& value, size_t indent, std::string& text) {
  append_json_at(value, indent, 0, text);
  expect_room(text.size(), 0);
}

std::string Evaluation::text_of(const Value& value) {
  std::string text;
  append(value, text);
  charge_bytes(text.size());
  return text;
}

void Evaluation::expect_level(size_t level) const {
  if (level > kDeepestJson) fail("the value nests deeper than " + std::to_string(kDeepestJson) + " levels");
}

void Evaluation::append_json_at(const Value& value, size_t indent, size_t level, std::string& text) {
  if (value.is_text()) {
    expect_room(text.size(), value.text().size());
    append_quoted(value.text(), text);
  } else if (value.is_number()) {
    text += number_literal(*value.json());
  } else if (value.is_list()) {
    append_list(value, indent, level + 1, text);
  } else if (value.is_object()) {
    append_object(value, indent, level + 1, text);
  } else if (value.is_boolean()) {
    text += value.is_true() ? "true" : "false";
  } else {
    text += "null";
  }
}

namespace {

/// The comma and the blank or the line before an item; of the first one, no comma.
void append_gap(bool is_first, size_t indent, size_t level, std::string& text) {
  if (!is_first) text += indent > 0 ? "," : ", ";
  if (indent > 0) text.append(1, '\n').append(indent * level, ' ');
}

}  // namespace

void Evaluation::append_list(const Value& value, size_t indent, size_t level, std::string& text) {
  expect_level(level);
  text += '[';
  for (size_t i = 0; i < value.size(); ++i) {
    charge();
    expect_room(text.size(), indent * level);
    append_gap(i == 0, indent, level, text);
    append_json_at(value.at(i), indent, level, text);
  }
  if (value.size() > 0 && indent > 0) text.append(1, '\n').append(indent * (level - 1), ' ');
  text += ']';
}

void Evaluation::append_object(const Value& value, size_t indent, size_t level, std::string& text) {
  expect_level(level);
  text += '{';
  bool is_first = true;
  for (const auto& [key, member] : value.object()) {
    charge();
    expect_room(text.size(), key.size() + indent * level);
    append_gap(std::exchange(is_first, false), indent, level, text);
    append_quoted(key, text);
    text += ": ";
    append_json_at(member, indent, level, text);
  }
  if (!is_first && indent > 0) text.append(1, '\n').append(indent * (level - 1), ' ');
  text += '}';
}

json Evaluation::json_of(const Value& value) {
  return json_of_at(value, 0);
}

json Evaluation::json_of_at(const Value& value, size_t level) {
  expect_level(level);
  charge(kStepsPerValue + (value.is_text() ? value.text().size() / 16 : 0));
  if (value.is_list()) {
    json list = json::array();
    for (size_t i = 0; i < value.size(); ++i) list.push_back(json_of_at(value.at(i), level + 1));
    return list;
  }
  if (!value.is_object()) return value.json() ? *value.json() : json();
  json object = json::object();
  for (const auto& [key, member] : value.object()) {
    charge(kStepsPerValue + key.size() / 16);
    object[key] = json_of_at(member, level + 1);
  }
  return object;
}

bool Evaluation::equal(const Value& a, const Value& b) {
  return equal_at(a, b, 0);
}

bool Evaluation::equal_at(const Value& a, const Value& b, size_t level) {
  expect_level(level);
  charge();
  if (a.is_text() && b.is_text()) {
    charge_bytes(std::min(a.text().size(), b.text().size()));
    return a.text() == b.text();
  }
  if (a.is_list() && b.is_list()) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i) {
      if (!equal_at(a.at(i), b.at(i), level + 1)) return false;
    }
    return true;
  }
  if (a.is_object() && b.is_object()) {
    return std::equal(a.object().begin(), a.object().end(), b.object().begin(), b.object().end(),
                      [&](const auto& x, const auto& y) {
                        charge_bytes(std::min(x.first.size(), y.first.size()));
                        return x.first == y.first && equal_at(x.second, y.second, level + 1);
                      });
  }
  return a.json() && b.json() && !a.is_object() && !a.is_list() && equal_json(*a.json(), *b.json());
}

std::partial_ordering Evaluation::order(const Value& a, const Value& b, std::string_view operation) {
  operation_ = operation;
  return order_at(a, b, 0);
}

std::partial_ordering Evaluation::order_at(const Value& a, const Value& b, size_t level) {
  expect_level(level);
  charge();
  if (a.is_number() && b.is_number()) return compare_numbers(*a.json(), *b.json());
  if (a.is_text() && b.is_text()) {
    charge_bytes(std::min(a.text().size(), b.text().size()));
    return a.text() <=> b.text();
  }
  if (a.is_boolean() && b.is_boolean()) return a.is_true() <=> b.is_true();
  if (!a.is_list() || !b.is_list()) {
    fail("got " + std::string(kind_name(a)) + " and " + std::string(kind_name(b)) + ", expected two numbers or two " +
         "texts for " + std::string(operation_));
  }
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (equal_at(a.at(i), b.at(i), level + 1)) continue;
    return order_at(a.at(i), b.at(i), level + 1);
  }
  return a.size() <=> b.size();
}

void Evaluation::fail(const std::string& what, const std::string& hint) const {
  throw Error(ErrorCode::data, what, place_ ? where(file_, *place_) : file_, hint);
}

void Evaluation::fail_steps() const {
  fail("the template takes more than " + std::to_string(limits_.steps) + " steps");
}

void Evaluation::fail_size() const {
  fail("the text becomes longer than " + std::to_string(limits_.output_bytes) + " bytes");
}

}  // namespace coppice::templates
