// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/money.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "coppice/core/error.h"

namespace coppice {
namespace {

__extension__ using Wide = __int128;

constexpr double kPicoPerDollar = 1e12;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

int64_t saturated(Wide value) noexcept {
  if (value > kMost) return kMost;
  return value < -kMost ? -kMost : static_cast<int64_t>(value);
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t";
  const size_t begin = text.find_first_not_of(kBlank);
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

}  // namespace

Money Money::of_dollars(double dollars) {
  const double pico = std::round(dollars * kPicoPerDollar);
  if (!(std::abs(pico) < static_cast<double>(kMost))) {
    throw Error(ErrorCode::usage, fmt::format("got the amount {} dollars, expected at most 9 million", dollars));
  }
  return {static_cast<int64_t>(pico)};
}

Money operator+(Money a, Money b) noexcept {
  return {saturated(static_cast<Wide>(a.pico_dollars) + b.pico_dollars)};
}
Money operator-(Money a, Money b) noexcept {
  return {saturated(static_cast<Wide>(a.pico_dollars) - b.pico_dollars)};
}

Money times(Money price, uint64_t count) noexcept {
  return {saturated(static_cast<Wide>(price.pico_dollars) * static_cast<Wide>(count))};
}

std::string money_text(Money amount) {
  const double dollars = amount.dollars();
  const char* sign = dollars < 0 ? "-" : "";
  const double size = std::abs(dollars);
  if (size >= 1) return fmt::format("{}${:.2f}", sign, size);
  int digits = 4;
  for (double least = 1e-3; size > 0 && size < least && digits < 12; least /= 10) ++digits;
  return fmt::format("{}${:.{}f}", sign, size, digits);
}

Money parse_money(std::string_view text) {
  std::string_view number = trimmed(text);
  if (number.starts_with("$")) {
    number.remove_prefix(1);
  } else if (number.ends_with("USD") || number.ends_with("usd")) {
    number = trimmed(number.substr(0, number.size() - 3));
  }
  double dollars = 0;
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), dollars);
  if (fault != std::errc() || end != number.data() + number.size() || !(dollars >= 0)) {
    throw Error(ErrorCode::usage, fmt::format("got the amount '{}', expected dollars such as 0.50", text));
  }
  return Money::of_dollars(dollars);
}

}  // namespace coppice
