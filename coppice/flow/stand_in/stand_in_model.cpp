// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "coppice/core/random.h"

namespace coppice {
namespace {

constexpr double kNormalP95 = 1.6448536269514722;  // the standard normal's 95th percentile
constexpr double kMinute = 60;
constexpr uint64_t kFirstTokenStream = 1, kOutputTokenStream = 2;

/// By bisection: slow next to a rational approximation, and yet below a request's own cost by a factor of a hundred.
double normal_quantile(double p) noexcept {
  double low = -9, high = 9;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

double log_deviation(const Spread& spread) noexcept {
  return std::log(spread.p95 / spread.median) / kNormalP95;
}

bool is_constant(const Spread& spread) noexcept {
  return spread.median <= 0 || spread.p95 <= spread.median;
}

double draw(const Spread& spread, uint64_t key, uint64_t stream) noexcept {
  if (is_constant(spread)) return spread.median;
  return spread.at(std::max(Random(key, stream).uniform(), 0x1.0p-53));
}

}  // namespace

double Spread::at(double quantile) const noexcept {
  if (is_constant(*this)) return median;
  return median * std::exp(log_deviation(*this) * normal_quantile(quantile));
}

double Spread::mean() const noexcept {
  if (is_constant(*this)) return median;
  const double deviation = log_deviation(*this);
  return median * std::exp(deviation * deviation / 2);
}

AnswerTiming draw_timing(const SpeedProfile& speed, uint64_t key, uint64_t input_tokens, uint64_t output_tokens) {
  AnswerTiming timing;
  timing.first_token_seconds = draw(speed.first_token_seconds, key, kFirstTokenStream) +
                               speed.input_token_seconds * static_cast<double>(input_tokens);
  timing.output_token_seconds = draw(speed.output_token_seconds, key, kOutputTokenStream);
  const double later_tokens = output_tokens > 0 ? static_cast<double>(output_tokens - 1) : 0;
  timing.total_seconds = timing.first_token_seconds + timing.output_token_seconds * later_tokens;
  return timing;
}

double SlotQueue::begin(double arrival_seconds, double holds_seconds) {
  if (slots_ == 0) return arrival_seconds;
  double begins = arrival_seconds;
  if (free_at_.size() == slots_) {
    begins = std::max(begins, free_at_.top());
    free_at_.pop();
  }
  free_at_.push(begins + holds_seconds);
  return begins;
}

double RateBucket::remaining(double now_seconds) const noexcept {
  const double filled = std::max(0.0, now_seconds - at_seconds_) * per_minute_ / kMinute;
  return std::min(per_minute_, level_ + filled);
}

double RateBucket::wait_seconds(double now_seconds, double amount) const noexcept {
  if (!is_limited()) return 0;
  if (amount > per_minute_) return std::numeric_limits<double>::infinity();
  const double lacking = amount - remaining(now_seconds);
  return lacking <= 1e-9 ? 0 : lacking * kMinute / per_minute_;
}

void RateBucket::take(double now_seconds, double amount) noexcept {
  if (!is_limited()) return;
  level_ = std::max(0.0, remaining(now_seconds) - amount);
  at_seconds_ = std::max(at_seconds_, now_seconds);
}

double RateBucket::reset_seconds(double now_seconds) const noexcept {
  return is_limited() ? (per_minute_ - remaining(now_seconds)) * kMinute / per_minute_ : 0;
}

std::string reset_text(double seconds) {
  constexpr double kMost = 1e9;
  const auto milliseconds = static_cast<uint64_t>(std::ceil(std::clamp(seconds, 0.0, kMost) * 1000 - 1e-6));
  if (milliseconds < 1000) return fmt::format("{}ms", milliseconds);
  const uint64_t whole = (milliseconds + 999) / 1000;
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{}s", whole / 60, whole % 60);
  return fmt::format("{}h{}m{}s", whole / 3600, whole % 3600 / 60, whole % 60);
}

}  // namespace coppice
