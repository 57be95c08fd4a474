// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "coppice/flow/template/template_nodes.h"

namespace coppice::templates {
namespace {

using nlohmann::json;

constexpr std::string_view symbol_of(Arithmetic operation) {
  switch (operation) {
    case Arithmetic::add:
      return "+";
    case Arithmetic::subtract:
      return "-";
    case Arithmetic::multiply:
      return "*";
    case Arithmetic::divide:
      return "/";
    case Arithmetic::divide_floor:
      return "//";
    case Arithmetic::modulo:
      return "%";
  }
  return "";
}

[[noreturn]] void fail_kinds(Evaluation& evaluation, Arithmetic operation, const Value& left, const Value& right) {
  const bool joins = operation == Arithmetic::add && (left.is_text() || right.is_text());
  evaluation.fail("got " + std::string(kind_name(left)) + " " + std::string(symbol_of(operation)) + " " +
                      std::string(kind_name(right)) + ", expected numbers",
                  joins ? "'~' joins values of any kind as text" : "");
}

[[noreturn]] void fail_range(Evaluation& evaluation) {
  evaluation.fail("the result is too large a number");
}

int64_t integer_of(Evaluation& evaluation, const Value& value) {
  if (value.json()->is_number_unsigned() && value.json()->get<uint64_t>() > INT64_MAX) fail_range(evaluation);
  return value.json()->get<int64_t>();
}

int64_t divided_down(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t calculate_integers(Evaluation& evaluation, Arithmetic operation, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflows = false;
  switch (operation) {
    case Arithmetic::add:
      overflows = __builtin_add_overflow(a, b, &result);
      break;
    case Arithmetic::subtract:
      overflows = __builtin_sub_overflow(a, b, &result);
      break;
    case Arithmetic::multiply:
      overflows = __builtin_mul_overflow(a, b, &result);
      break;
    default:
      if (b == -1) {  // INT64_MIN / -1 traps
        overflows = operation == Arithmetic::divide_floor && __builtin_sub_overflow(int64_t{0}, a, &result);
      } else {
        const int64_t quotient = divided_down(a, b);
        result = operation == Arithmetic::divide_floor ? quotient : a - quotient * b;
      }
  }
  if (overflows) fail_range(evaluation);
  return result;
}

/// With the sign of the divisor, as Python has it.
double modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

/// By way of the remainder, as Python does: floor(a / b) is wrong where the quotient rounds up to a whole number.
double divided_down(double a, double b) {
  const double quotient = (a - modulo(a, b)) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

double calculate_reals(Arithmetic operation, double a, double b) {
  switch (operation) {
    case Arithmetic::add:
      return a + b;
    case Arithmetic::subtract:
      return a - b;
    case Arithmetic::multiply:
      return a * b;
    case Arithmetic::divide:
      return a / b;
    case Arithmetic::divide_floor:
      return divided_down(a, b);
    case Arithmetic::modulo:
      return modulo(a, b);
  }
  return 0;
}

bool divides(Arithmetic operation) {
  return operation == Arithmetic::divide || operation == Arithmetic::divide_floor || operation == Arithmetic::modulo;
}

Value calculate_numbers(Evaluation& evaluation, Arithmetic operation, const Value& left, const Value& right) {
  if (divides(operation) && right.json()->get<double>() == 0) evaluation.fail("got a division by zero");
  if (left.is_integer() && right.is_integer() && operation != Arithmetic::divide) {
    const int64_t a = integer_of(evaluation, left), b = integer_of(evaluation, right);
    return evaluation.keep(json(calculate_integers(evaluation, operation, a, b)));
  }
  const double result = calculate_reals(operation, left.json()->get<double>(), right.json()->get<double>());
  if (!std::isfinite(result)) fail_range(evaluation);
  return evaluation.keep(json(result));
}

Value joined(Evaluation& evaluation, const Value& left, const Value& right) {
  if (left.is_text()) {
    evaluation.expect_room(left.text().size(), right.text().size());
    evaluation.charge_bytes(left.text().size() + right.text().size());
    return evaluation.keep(json(left.text() + right.text()));
  }
  evaluation.charge(left.size() + right.size());
  Value::List items;
  for (size_t i = 0; i < left.size(); ++i) items.push_back(left.at(i));
  for (size_t i = 0; i < right.size(); ++i) items.push_back(right.at(i));
  return evaluation.keep(std::move(items));
}

/// "-" * 20
Value repeated(Evaluation& evaluation, const std::string& text, int64_t times) {
  std::string result;
  if (times > 0 && !text.empty()) {
    const auto n = static_cast<uint64_t>(times);
    uint64_t n_bytes = 0;
    evaluation.expect_room(0, __builtin_mul_overflow(n, text.size(), &n_bytes) ? SIZE_MAX : n_bytes);
    evaluation.charge_bytes(n_bytes);
    result.reserve(n_bytes);
    for (uint64_t i = 0; i < n; ++i) result += text;
  }
  return evaluation.keep(json(std::move(result)));
}

bool contains(Evaluation& evaluation, const Value& needle, const Value& haystack) {
  if (haystack.is_text() && needle.is_text()) {
    evaluation.charge_bytes(haystack.text().size());
    return find_text(haystack.text(), needle.text()) != std::string_view::npos;
  }
  if (haystack.is_object() && needle.is_text()) {
    evaluation.charge_bytes(needle.text().size());
    return !haystack.member(needle.text()).is_undefined();
  }
  if (!haystack.is_list()) {
    evaluation.fail("got " + std::string(kind_name(needle)) + " in " + std::string(kind_name(haystack)) +
                    ", expected a list, or a text in a text or an object");
  }
  for (size_t i = 0; i < haystack.size(); ++i) {
    if (evaluation.equal(needle, haystack.at(i))) return true;
  }
  return false;
}

}  // namespace

Value calculate(Evaluation& evaluation, Arithmetic operation, const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) return calculate_numbers(evaluation, operation, left, right);
  const bool alike = (left.is_text() && right.is_text()) || (left.is_list() && right.is_list());
  if (operation == Arithmetic::add && alike) return joined(evaluation, left, right);
  if (operation == Arithmetic::multiply) {
    if (left.is_text() && right.is_integer()) return repeated(evaluation, left.text(), integer_of(evaluation, right));
    if (left.is_integer() && right.is_text()) return repeated(evaluation, right.text(), integer_of(evaluation, left));
  }
  fail_kinds(evaluation, operation, left, right);
}

bool compare(Evaluation& evaluation, Comparison comparison, const Value& left, const Value& right) {
  switch (comparison) {
    case Comparison::equal:
      return evaluation.equal(left, right);
    case Comparison::not_equal:
      return !evaluation.equal(left, right);
    case Comparison::less:
      return evaluation.order(left, right, "'<'") < 0;
    case Comparison::less_equal:
      return evaluation.order(left, right, "'<='") <= 0;
    case Comparison::greater:
      return evaluation.order(left, right, "'>'") > 0;
    case Comparison::greater_equal:
      return evaluation.order(left, right, "'>='") >= 0;
    case Comparison::in:
      return contains(evaluation, left, right);
    case Comparison::not_in:
      return !contains(evaluation, left, right);
  }
  return false;
}

}  // namespace coppice::templates
