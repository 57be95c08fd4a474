// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/break_even.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>
#include <utility>

namespace coppice {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// 35537 -> "35,537". Who pays from 249.2 users on does from 250, who pays up to 249.2 up to 249.
std::string count_text(double users, bool is_up_to) {
  std::string text = fmt::format("{:.0f}", is_up_to ? std::floor(users) : std::ceil(users));
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

/// One end of it, in words of its own.
std::string end_text(double users, bool is_up_to) {
  if (is_up_to) return std::isfinite(users) ? "up to " + count_text(users, true) + " users" : "at once";
  if (users <= 0) return "at once";
  return std::isfinite(users) ? "from " + count_text(users, false) + " users on" : "never";
}

}  // namespace

BreakEven break_even(double fixed_more, const Figure& saved_by_request, double requests_per_user) {
  const bool is_up_to = fixed_more < 0;
  const auto users = [&](double saved) {
    if (fixed_more == 0) return saved >= 0 ? 0 : kInfinity;
    return saved * fixed_more > 0 ? fixed_more / (saved * requests_per_user) : kInfinity;
  };
  BreakEven made{is_up_to, {users(saved_by_request.value), users(saved_by_request.high), users(saved_by_request.low)}};
  if (is_up_to) std::swap(made.users.low, made.users.high);
  const bool is_known = std::isfinite(saved_by_request.low) && std::isfinite(saved_by_request.high);
  if (!is_known) made.users.low = made.users.high = std::numeric_limits<double>::quiet_NaN();
  return made;
}

const char* kind_of(const BreakEven& pays) noexcept {
  const double users = pays.users.value;
  if (pays.is_up_to) return std::isfinite(users) ? "up to" : "at once";
  return users <= 0 ? "at once" : std::isfinite(users) ? "from" : "never";
}

std::string crossing_text(const BreakEven& pays) {
  return count_text(pays.users.value, pays.is_up_to) + " users";
}

std::string break_even_text(const BreakEven& pays) {
  const auto& [value, low, high] = pays.users;
  const bool is_up_to = pays.is_up_to;
  std::string text = end_text(value, is_up_to);
  if (std::isnan(low)) return text + " (too few inputs)";
  if (!std::isfinite(value)) {
    if (!std::isfinite(low)) return text;
    return text + (is_up_to ? "; at worst " : "; at best ") + end_text(low, is_up_to);
  }
  if (value <= 0) return high > 0 ? text + "; at worst " + end_text(high, is_up_to) : text;
  const char* const open = is_up_to ? "any number" : "never";
  return text +
         fmt::format(" ({} to {})", count_text(low, is_up_to), std::isfinite(high) ? count_text(high, is_up_to) : open);
}

}  // namespace coppice
