// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/failure_detector.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// -log10 of the normal distribution's tail beyond y deviations.
double normal_tail(double y) noexcept {
  if (y < 20) return -std::log10(0.5 * std::erfc(y / std::numbers::sqrt2));
  // The first term of its asymptotic series, where erfc would soon be 0.
  return (y * y / 2 + std::log(y * std::sqrt(2 * std::numbers::pi))) / std::numbers::ln10;
}

}  // namespace

void describe(OptionTable& table, FailureDetectorOptions& options) {
  table.add("phi", options.phi, 0.5, 300,
            "Suspicion from which on a silent worker counts as dead: -log10 of the chance that it is alive, as the "
            "intervals of its earlier signs of life have it. Lower finds a death sooner, and takes more of the living "
            "for dead.");
  table.add("phi_window", options.window, 2, 100000, "How many intervals between signs of life are remembered.");
  table.add("phi_least_deviation", options.least_deviation_seconds, 0.001, 3600,
            "Intervals that hardly vary are taken to vary by so many seconds.");
}

FailureDetector::FailureDetector(double expected_seconds, const FailureDetectorOptions& options) : options_(options) {
  check(expected_seconds > 0 && options.window >= 2, "intervals are expected and remembered");
  // Two that have this mean and vary a lot; they are forgotten as others come.
  for (const double interval : {0.5 * expected_seconds, 1.5 * expected_seconds}) {
    intervals_.push_back(interval);
    sum_ += interval, sum_of_squares_ += interval * interval;
  }
}

void FailureDetector::heard(double now) {
  if (has_heard_) {
    const double interval = std::max(0.0, now - last_);
    intervals_.push_back(interval);
    sum_ += interval, sum_of_squares_ += interval * interval;
    ++n_learned_;
    while (intervals_.size() > options_.window) {
      const double oldest = intervals_.front();
      intervals_.pop_front();
      sum_ -= oldest, sum_of_squares_ -= oldest * oldest;
    }
  }
  begin_anew(now);
}

void FailureDetector::begin_anew(double now) {
  last_ = now;
  has_heard_ = true;
}

double FailureDetector::mean() const noexcept {
  return std::max(sum_ / static_cast<double>(intervals_.size()), 1e-9);
}

double FailureDetector::deviation() const noexcept {
  const double of_mean = mean();
  const double variance = sum_of_squares_ / static_cast<double>(intervals_.size()) - of_mean * of_mean;
  return std::max(options_.least_deviation_seconds, std::sqrt(std::max(0.0, variance)));
}

double FailureDetector::phi_of_silence(double seconds) const {
  const double of_mean = mean(), of_deviation = deviation();
  const double normal = normal_tail((seconds - of_mean) / of_deviation);
  const double exponential = std::max(0.0, seconds) / std::max(of_mean, of_deviation) / std::numbers::ln10;
  return std::min(normal, exponential);
}

double FailureDetector::phi(double now) const {
  return has_heard_ ? phi_of_silence(now - last_) : 0;
}

double FailureDetector::bound_seconds() const {
  double low = 0, high = 1;
  while (phi_of_silence(high) < options_.phi) high *= 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (phi_of_silence(middle) < options_.phi ? low : high) = middle;
  }
  return high;
}

}  // namespace coppice
