// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/json_compare.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace coppice {
namespace {

using nlohmann::json;

/// A whole number of JSON: a sign apart from the magnitude holds both int64 and uint64.
struct Whole {
  bool is_negative = false;
  uint64_t magnitude = 0;
};

Whole whole(const json& value) noexcept {
  if (value.is_number_unsigned()) return {false, *value.get_ptr<const json::number_unsigned_t*>()};
  const int64_t number = *value.get_ptr<const json::number_integer_t*>();
  return {number < 0, number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number)};
}

std::partial_ordering compare(const Whole& a, const Whole& b) noexcept {
  if (a.is_negative != b.is_negative) {
    return a.is_negative ? std::partial_ordering::less : std::partial_ordering::greater;
  }
  return a.is_negative ? b.magnitude <=> a.magnitude : a.magnitude <=> b.magnitude;
}

std::partial_ordering compare(const Whole& a, double b) noexcept {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  const double size = std::floor(std::abs(b));
  const bool has_fraction = size != std::abs(b);
  if (size >= 0x1.0p64) return b > 0 ? std::partial_ordering::less : std::partial_ordering::greater;
  const bool b_is_negative = b < 0 && size > 0;
  const auto by_whole = compare(a, Whole{b_is_negative, static_cast<uint64_t>(size)});
  if (by_whole != 0 || !has_fraction) return by_whole;
  return b > 0 ? std::partial_ordering::less : std::partial_ordering::greater;
}

std::partial_ordering reversed(std::partial_ordering order) noexcept {
  if (order < 0) return std::partial_ordering::greater;
  return order > 0 ? std::partial_ordering::less : order;
}

}  // namespace

std::partial_ordering compare_numbers(const json& a, const json& b) noexcept {
  if (!a.is_number() || !b.is_number()) return std::partial_ordering::unordered;
  const auto* const real_a = a.get_ptr<const json::number_float_t*>();
  const auto* const real_b = b.get_ptr<const json::number_float_t*>();
  if (real_a && real_b) return *real_a <=> *real_b;
  if (real_a) return reversed(compare(whole(b), *real_a));
  return real_b ? compare(whole(a), *real_b) : compare(whole(a), whole(b));
}

bool equal_json(const json& a, const json& b) noexcept {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.type() != b.type()) return false;
  if (const auto* const list = a.get_ptr<const json::array_t*>()) {
    const auto& other = *b.get_ptr<const json::array_t*>();
    return std::equal(list->begin(), list->end(), other.begin(), other.end(), equal_json);
  }
  if (const auto* const object = a.get_ptr<const json::object_t*>()) {
    const auto& other = *b.get_ptr<const json::object_t*>();
    return std::equal(object->begin(), object->end(), other.begin(), other.end(), [](const auto& x, const auto& y) {
      return x.first == y.first && equal_json(x.second, y.second);
    });
  }
  return a == b;
}

namespace {

/// Numbers of all kinds are of one type.
int type_rank(const json& value) noexcept {
  return value.is_number() ? static_cast<int>(json::value_t::number_integer) : static_cast<int>(value.type());
}

std::weak_ordering weak(std::partial_ordering order) noexcept {
  if (order < 0) return std::weak_ordering::less;
  return order > 0 ? std::weak_ordering::greater : std::weak_ordering::equivalent;
}

}  // namespace

std::weak_ordering order_json(const json& a, const json& b) noexcept {
  if (type_rank(a) != type_rank(b)) return type_rank(a) <=> type_rank(b);
  if (a.is_number()) return weak(compare_numbers(a, b));
  if (const auto* const text = a.get_ptr<const std::string*>()) return *text <=> *b.get_ptr<const std::string*>();
  if (const auto* const list = a.get_ptr<const json::array_t*>()) {
    const auto& other = *b.get_ptr<const json::array_t*>();
    return std::lexicographical_compare_three_way(list->begin(), list->end(), other.begin(), other.end(), order_json);
  }
  if (const auto* const object = a.get_ptr<const json::object_t*>()) {
    const auto& other = *b.get_ptr<const json::object_t*>();
    return std::lexicographical_compare_three_way(object->begin(), object->end(), other.begin(), other.end(),
                                                  [](const auto& x, const auto& y) {
                                                    const std::weak_ordering by_key = x.first <=> y.first;
                                                    return by_key != 0 ? by_key : order_json(x.second, y.second);
                                                  });
  }
  if (a.is_boolean()) return *a.get_ptr<const bool*>() <=> *b.get_ptr<const bool*>();
  return std::weak_ordering::equivalent;
}

}  // namespace coppice
