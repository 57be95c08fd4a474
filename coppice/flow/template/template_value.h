// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::templates {

/// What an expression comes to: a JSON value, or a list of values (so that sorting what is in scope copies none of
/// it), or nothing, which is undefined. Borrowed all of it: from the scope, from the template, or from what an
/// `Evaluation` keeps.
class Value {
 public:
  using List = std::vector<Value>;

  Value() = default;
  Value(const nlohmann::json& value) : json_(&value) {}
  Value(const List& list) : list_(&list) {}
  Value(nlohmann::json&&) = delete;
  Value(List&&) = delete;

  bool is_undefined() const noexcept { return !json_ && !list_; }
  bool is_list() const noexcept { return list_ || (json_ && json_->is_array()); }
  bool is_object() const noexcept { return json_ && json_->is_object(); }
  bool is_text() const noexcept { return json_ && json_->is_string(); }
  bool is_number() const noexcept { return json_ && json_->is_number(); }
  bool is_integer() const noexcept { return json_ && json_->is_number_integer(); }
  bool is_boolean() const noexcept { return json_ && json_->is_boolean(); }
  bool is_none() const noexcept { return json_ && json_->is_null(); }

  /// Null for a list of values, and what is undefined.
  const nlohmann::json* json() const noexcept { return json_; }
  /// Null for JSON.
  const List* values() const noexcept { return list_; }
  /// Only of a text.
  const std::string& text() const { return json_->get_ref<const std::string&>(); }
  const nlohmann::json::object_t& object() const { return json_->get_ref<const nlohmann::json::object_t&>(); }

  /// Of a list or an object; 0 of all else.
  size_t size() const noexcept;
  /// Of a list, `index` below its size.
  Value at(size_t index) const { return list_ ? (*list_)[index] : Value((*json_)[index]); }
  /// Undefined where there is none, or where this is no object.
  Value member(const std::string& key) const;
  /// Of a list, from the end where it is negative; undefined where there is none.
  Value item(int64_t index) const;

  /// As Python has it: false, null, 0, and what is empty are not.
  bool is_true() const noexcept;

 private:
  const nlohmann::json* json_ = nullptr;
  const List* list_ = nullptr;
};

/// "a text", "a list": what messages call it.
std::string_view kind_name(const Value& value) noexcept;

/// A number as Python prints it and JSON reads it: 3, 1.0, 1e-05. Shortest digits that read back as the same.
std::string number_literal(const nlohmann::json& number);

/// `text` in quotes, as JSON; bytes that are no UTF-8 become U+FFFD.
void append_quoted(std::string_view text, std::string& out);

/// Where `needle` next stands in `text`, or npos. Cost: linear whatever they are, which std::string::find is not.
size_t find_text(std::string_view text, std::string_view needle, size_t from = 0) noexcept;

}  // namespace coppice::templates
