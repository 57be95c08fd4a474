// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace coppice {

/// An amount of US dollars, exact: a whole number of 1e-12 dollars, so that the price of a token (1e-8 dollars and
/// less) is one, too, and sums do not depend on their order. Up to 9.2 million dollars.
struct Money {
  int64_t pico_dollars = 0;

  /// Rounded to the nearest. Throws `ErrorCode::usage` for what is no number, or too large.
  static Money of_dollars(double dollars);
  double dollars() const noexcept { return static_cast<double>(pico_dollars) * 1e-12; }

  friend auto operator<=>(const Money&, const Money&) = default;
  friend Money operator+(Money a, Money b) noexcept;  ///< stays at the largest where the sum is beyond it
  friend Money operator-(Money a, Money b) noexcept;
  Money& operator+=(Money other) noexcept { return *this = *this + other; }
};

/// `count` times `price`, at most the largest amount.
Money times(Money price, uint64_t count) noexcept;

/// "$0.0123": as many digits as the amount needs, four after the point at least, two from one dollar on.
std::string money_text(Money amount);

/// "0.5", "$0.5", "0.50 USD". Throws `ErrorCode::usage`.
Money parse_money(std::string_view text);

}  // namespace coppice
