// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "coppice/flow/json/code_points.h"
#include "coppice/flow/template/template_filters.h"

namespace coppice::templates {
namespace {

using nlohmann::json;

constexpr int64_t kMostDigits = 15;

std::string_view without_blanks(std::string_view text) {
  const auto is_blank = [](char c) {
    return static_cast<unsigned char>(c) < 0x80 && is_space(static_cast<unsigned char>(c));
  };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  text = without_blanks(text);
  if (text.starts_with("+") && !text.substr(1).starts_with("-")) text.remove_prefix(1);
  Number number{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> real_of(const Value& value) {
  if (value.is_number()) return value.json()->get<double>();
  if (value.is_boolean()) return value.is_true() ? 1 : 0;
  const auto number = value.is_text() ? number_in<double>(value.text()) : std::nullopt;
  return number && std::isfinite(*number) ? number : std::nullopt;
}

Value to_real(Evaluation& evaluation, const FilterCall& call) {
  static const json kZero = 0.0;
  if (const auto number = real_of(call.input)) return evaluation.keep(json(*number));
  return call.has(0) ? call.argument(0) : Value(kZero);
}

Value to_integer(Evaluation& evaluation, const FilterCall& call) {
  static const json kZero = 0;
  if (call.input.is_integer()) return call.input;
  if (call.input.is_text()) {
    if (const auto number = number_in<int64_t>(call.input.text())) return evaluation.keep(json(*number));
  }
  const auto number = real_of(call.input);
  if (!number) return call.has(0) ? call.argument(0) : Value(kZero);
  if (std::abs(*number) >= 0x1.0p63) evaluation.fail("the number is too large for a whole number");
  return evaluation.keep(json(static_cast<int64_t>(*number)));
}

Value absolute(Evaluation& evaluation, const FilterCall& call) {
  static const json kZero = 0;
  if (!call.input.is_number()) fail_input(evaluation, call, "a number");
  if (call.input.json()->is_number_float()) return evaluation.keep(json(std::abs(call.input.json()->get<double>())));
  const bool is_negative = !call.input.json()->is_number_unsigned() && call.input.json()->get<int64_t>() < 0;
  return is_negative ? calculate(evaluation, Arithmetic::subtract, kZero, call.input) : call.input;
}

/// Of the exact value, halves to even: the C library prints so, as Python's round does.
double rounded(double value, int64_t digits) {
  if (digits < 0) {
    const double unit = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / unit) * unit;
  }
  std::array<char, 400> text;  // the largest number has 309 digits before the point
  std::snprintf(text.data(), text.size(), "%.*f", static_cast<int>(digits), value);
  return std::strtod(text.data(), nullptr);
}

Value round_filter(Evaluation& evaluation, const FilterCall& call) {
  if (!call.input.is_number()) fail_input(evaluation, call, "a number");
  const int64_t digits = integer_argument(evaluation, call, 0, 0);
  const std::string method = call.has(1) ? text_argument(evaluation, call, 1) : "common";
  if (method != "common" && method != "ceil" && method != "floor") {
    evaluation.fail("got another method for 'round', expected common, ceil or floor");
  }
  if (digits < -kMostDigits || digits > kMostDigits) {
    evaluation.fail("got " + std::to_string(digits) + " digits for 'round', expected -15 to 15");
  }
  const double value = call.input.json()->get<double>();
  if (method == "common") {
    if (call.input.is_integer() && digits >= 0) return call.input;
    const double result = rounded(value, digits);
    if (!std::isfinite(result) || (call.input.is_integer() && std::abs(result) >= 0x1.0p63)) {
      evaluation.fail("the result is too large a number");
    }
    if (call.input.is_integer()) return evaluation.keep(json(static_cast<int64_t>(result)));
    return evaluation.keep(json(result));
  }
  const double unit = std::pow(10.0, static_cast<double>(digits));
  // A whole number has no sign of zero: + 0.0
  const double scaled = (method == "ceil" ? std::ceil(value * unit) : std::floor(value * unit)) + 0.0;
  if (!std::isfinite(scaled / unit)) evaluation.fail("the result is too large a number");
  return evaluation.keep(json(scaled / unit));
}

// What they come to.

/// `int("none")`: what is no number is what the argument says.
StaticType or_default(schema::Types types, ArgumentTypes arguments) {
  const StaticType number = StaticType::of(types);
  return arguments[0] ? StaticType::either(number, *arguments[0]) : number;
}

StaticType number_type(const StaticType& /*input*/, ArgumentTypes arguments) {
  return or_default(kNumberTypes, arguments);
}

StaticType integer_type(const StaticType& /*input*/, ArgumentTypes arguments) {
  return or_default(schema::kInteger, arguments);
}

StaticType input_type(const StaticType& input, ArgumentTypes /*arguments*/) {
  return StaticType::of(input.types() & kNumberTypes);
}

StaticType rounded_type(const StaticType& /*input*/, ArgumentTypes /*arguments*/) {
  return StaticType::of(kNumberTypes);
}

}  // namespace

const std::vector<Filter>& number_filters() {
  static const std::vector<Filter> kFilters{
      {"abs", {}, 0, absolute, kNumberTypes, input_type},
      {"float", {"default"}, 0, to_real, kAnyType, number_type},
      {"int", {"default"}, 0, to_integer, kAnyType, integer_type},
      {"round", {"precision", "method"}, 0, round_filter, kNumberTypes, rounded_type}};
  return kFilters;
}

}  // namespace coppice::templates
