// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/json_schema_multiple.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

namespace coppice::schema {
namespace {

using nlohmann::json;
__extension__ using Wide = unsigned __int128;

/// digits times 10 to the exponent; without zeros at the end.
struct Decimal {
  uint64_t digits = 0;
  int exponent = 0;
};

Decimal shortened(Decimal number) {
  while (number.digits != 0 && number.digits % 10 == 0) {
    number.digits /= 10;
    ++number.exponent;
  }
  return number;
}

/// The shortest decimal that reads back as this number: at most 17 digits.
Decimal decimal_of(double value) {
  std::array<char, 32> buffer;
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value), std::chars_format::scientific);
  Decimal number;
  const char* at = buffer.data();
  bool in_fraction = false;
  for (; at != written.ptr && *at != 'e'; ++at) {
    if (*at == '.') {
      in_fraction = true;
      continue;
    }
    number.digits = number.digits * 10 + static_cast<uint64_t>(*at - '0');
    number.exponent -= in_fraction ? 1 : 0;
  }
  int exponent = 0;
  std::from_chars(at[1] == '+' ? at + 2 : at + 1, written.ptr, exponent);
  number.exponent += exponent;
  return shortened(number);
}

Decimal decimal_of(const json& value) {
  if (const auto* const real = value.get_ptr<const json::number_float_t*>()) return decimal_of(*real);
  if (value.is_number_unsigned()) return shortened({value.get<uint64_t>(), 0});
  const int64_t number = value.get<int64_t>();
  return shortened({number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number), 0});
}

}  // namespace

bool is_multiple(const json& value, const json& of) {
  const Decimal a = decimal_of(value), b = decimal_of(of);
  if (a.digits == 0) return true;
  int shift = a.exponent - b.exponent;
  if (shift < 0) {  // then b times a power of ten divides no number of so few digits unless the power is small
    Wide divisor = b.digits;
    for (; shift < 0; ++shift) {
      divisor *= 10;
      if (divisor > a.digits) return false;
    }
    return a.digits % divisor == 0;
  }
  Wide rest = a.digits % b.digits;
  for (; shift > 0 && rest != 0; --shift) rest = rest * 10 % b.digits;
  return rest == 0;
}

}  // namespace coppice::schema
