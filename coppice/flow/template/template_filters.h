// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/flow/template/template_nodes.h"

namespace coppice::templates {

/// What a filter is applied to. Arguments that were not given are undefined.
struct FilterCall {
  Value input;
  std::span<const Value> arguments;
  std::string_view name;

  const Value& argument(size_t index) const { return arguments[index]; }
  bool has(size_t index) const { return !arguments[index].is_undefined(); }
};

using ArgumentTypes = std::span<const std::optional<StaticType>>;

/// A function of values. Parameters are given by position or by name, the first `n_required` always.
struct Filter {
  std::string_view name;
  std::vector<std::string> parameters;
  size_t n_required;
  Value (*apply)(Evaluation&, const FilterCall&);
  schema::Types takes;  ///< the types that it may be applied to
  /// What it comes to. Arguments that are not given have no type.
  StaticType (*type)(const StaticType& input, ArgumentTypes arguments);
};

// What filters take.
inline constexpr schema::Types kPrintedTypes = schema::kString | schema::kNumber | schema::kInteger | schema::kBoolean;
inline constexpr schema::Types kListTypes = schema::kArray | schema::kObject;
inline constexpr schema::Types kNumberTypes = schema::kNumber | schema::kInteger;

// What several of them come to: a text, a list of texts, a whole number.
StaticType text_type(const StaticType& input, ArgumentTypes arguments);
StaticType texts_type(const StaticType& input, ArgumentTypes arguments);
StaticType count_type(const StaticType& input, ArgumentTypes arguments);
/// The list that a filter of lists goes over: of an object its keys, of a text its characters.
StaticType listed_type(const StaticType& input);

/// A question after `is`, with an argument or without.
struct Test {
  std::string_view name;
  size_t n_arguments;
  bool (*holds)(Evaluation&, const Value& input, const Value& argument);
};

const std::vector<Filter>& text_filters();
const std::vector<Filter>& number_filters();
const std::vector<Filter>& list_filters();
/// Null where there is none.
const Filter* find_filter(std::string_view name);
const Test* find_test(std::string_view name);
/// Those that people write after |, and after `is`.
std::vector<std::string> filter_names();
std::vector<std::string> test_names();

/// Arguments as they are read.
struct Arguments {
  std::string name;  ///< of the filter
  Place place;
  std::vector<ExpressionPtr> by_position;
  std::vector<std::pair<std::string, ExpressionPtr>> by_name;
};

// Checked arguments: throw, naming the filter, where the kind is another one.
const std::string& text_argument(Evaluation& evaluation, const FilterCall& call, size_t index);
int64_t integer_argument(Evaluation& evaluation, const FilterCall& call, size_t index, int64_t otherwise);
/// A text, a number or a truth value as {{ }} prints it; a list or an object is refused.
std::string text_input(Evaluation& evaluation, const FilterCall& call);
/// A list: of an object its keys.
Value list_input(Evaluation& evaluation, const FilterCall& call);
[[noreturn]] void fail_input(Evaluation& evaluation, const FilterCall& call, std::string_view expected);

/// "address.city" or "0": where an item holds what a filter looks at. Without an argument, the item itself.
class Attribute {
 public:
  Attribute() = default;
  Attribute(Evaluation& evaluation, const FilterCall& call, const Value& argument);
  /// Undefined where the item has none.
  Value find(Evaluation& evaluation, const Value& item) const;
  /// Throws where the item has none.
  Value of(Evaluation& evaluation, const Value& item) const;

 private:
  void add_steps(std::string_view path);

  std::string text_;
  std::vector<Path::Step> steps_;
};

/// a | filter(...)
struct FilterNode : Expression {
  const Filter* filter = nullptr;
  ExpressionPtr input;
  std::vector<ExpressionPtr> arguments;  ///< one a parameter; null where none is given
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
  Absence absence(Evaluation& evaluation) const override;
};

/// a | default(b, boolean)
struct DefaultNode : Expression {
  ExpressionPtr input, otherwise, for_false;  ///< the last two may be null
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
  Absence absence(Evaluation& evaluation) const override;
};

/// a | map(attribute=..., default=...) or a | map("filter", ...)
struct MapNode : Expression {
  ExpressionPtr input, attribute, otherwise;
  const Filter* filter = nullptr;
  std::vector<ExpressionPtr> arguments;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

/// a | select("test", ...), selectattr("attribute", "test", ...), and reject and rejectattr, which negate.
struct SelectNode : Expression {
  std::string name;
  bool wanted = true;
  ExpressionPtr input, attribute;
  const Test* test = nullptr;  ///< null: is it true
  ExpressionPtr argument;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

/// a is test(b), or is not
struct TestNode : Expression {
  const Test* test = nullptr;
  bool is_negated = false;
  ExpressionPtr input, argument;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

}  // namespace coppice::templates
