// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

namespace coppice {
namespace {

constexpr double kSufficient = 1e-4;  // of the decrease that the slope promises (Nocedal and Wright: c1)
constexpr double kCurvature = 0.9;    // of the slope, at most so much may be left (c2)
constexpr uint32_t kMostTrials = 40;
constexpr size_t kPeriod = 10;  // iterations over which progress is judged
constexpr double kFlat = 1e-10;

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double norm(const Vector& a) {
  return std::sqrt(dot(a, a));
}

void add_scaled(double factor, const Vector& a, Vector& sum) {
  for (size_t i = 0; i < a.size(); ++i) sum[i] += factor * a[i];
}

/// The last steps and what they did to the gradient: all that is known of the curvature.
class History {
 public:
  explicit History(uint32_t most) : most_(most) {}

  /// Pairs without positive curvature would make the matrix indefinite: they are left out.
  void add(Vector step, Vector change) {
    const double curvature = dot(step, change);
    if (!(curvature > kFlat * dot(change, change))) return;
    if (pairs_.size() == most_) pairs_.pop_front();
    pairs_.push_back({std::move(step), std::move(change), 1 / curvature});
  }

  bool empty() const noexcept { return pairs_.empty(); }
  void forget() { pairs_.clear(); }

  /// direction = H * direction, by the recursion of two loops.
  void apply(Vector& direction) const {
    if (pairs_.empty()) return;
    Vector shares(pairs_.size());
    for (size_t i = pairs_.size(); i-- > 0;) {
      shares[i] = pairs_[i].inverse * dot(pairs_[i].step, direction);
      add_scaled(-shares[i], pairs_[i].change, direction);
    }
    const Pair& last = pairs_.back();
    const double scale = 1 / (last.inverse * dot(last.change, last.change));
    for (double& value : direction) value *= scale;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const double back = pairs_[i].inverse * dot(pairs_[i].change, direction);
      add_scaled(shares[i] - back, pairs_[i].step, direction);
    }
  }

 private:
  struct Pair {
    Vector step;
    Vector change;   ///< of the gradient
    double inverse;  ///< 1 / (step . change)
  };

  size_t most_;
  std::deque<Pair> pairs_;
};

double sign(double value) noexcept {
  return value > 0 ? 1 : value < 0 ? -1 : 0;
}

class Minimizer {
 public:
  Minimizer(const SmoothFunction& function, Vector start, const LbfgsOptions& options)
      : function_(function),
        options_(options),
        history_(options.history),
        x_(std::move(start)),
        gradient_(x_.size()),
        slope_(x_.size()),
        trial_(x_.size()),
        trial_gradient_(x_.size()) {}

  LbfgsResult run() {
    LbfgsResult result;
    value_ = evaluate(x_, gradient_);
    values_.push_back(value_);
    while (true) {
      steepest();
      result.converged = norm(slope_) <= kFlat * std::max(1.0, norm(x_)) || is_slow();
      if (result.converged || result.iterations == options_.most_iterations) break;
      result.converged = !step();
      if (result.converged) break;
      ++result.iterations;
      values_.push_back(value_);
      if (options_.watch) options_.watch(result.iterations, value_);
    }
    result.x = std::move(x_);
    result.value = value_;
    return result;
  }

 private:
  double evaluate(const Vector& x, Vector& gradient) const {
    double value = function_(x, gradient);
    if (options_.l1 == 0) return value;
    for (const double one : x) value += options_.l1 * std::abs(one);
    return value;
  }

  /// slope_ = the gradient; with l1 the steepest of the subgradients (Andrew and Gao, equation 4).
  void steepest() {
    slope_ = gradient_;
    if (options_.l1 == 0) return;
    for (size_t i = 0; i < x_.size(); ++i) {
      if (x_[i] != 0) {
        slope_[i] += options_.l1 * sign(x_[i]);
      } else {
        slope_[i] -= std::clamp(slope_[i], -options_.l1, options_.l1);
      }
    }
  }

  bool is_slow() const {
    if (values_.size() <= kPeriod) return false;
    const double before = values_[values_.size() - 1 - kPeriod];
    return before - value_ <= options_.tolerance * std::max(std::abs(value_), kFlat);
  }

  Vector direction() const {
    Vector direction = slope_;
    history_.apply(direction);
    for (size_t i = 0; i < direction.size(); ++i) {
      direction[i] = -direction[i];
      if (options_.l1 > 0 && direction[i] * slope_[i] >= 0) direction[i] = 0;  // stays in the orthant of descent
    }
    return direction;
  }

  /// trial_ = x + length * direction; what would leave its orthant stays at 0.
  void try_step(const Vector& direction, double length) {
    for (size_t i = 0; i < x_.size(); ++i) {
      trial_[i] = x_[i] + length * direction[i];
      if (options_.l1 == 0) continue;
      const double orthant = x_[i] != 0 ? sign(x_[i]) : -sign(slope_[i]);
      if (sign(trial_[i]) != orthant) trial_[i] = 0;
    }
  }

  /// What the slope promises for the step to trial_; below 0.
  double promise() const {
    double sum = 0;
    for (size_t i = 0; i < x_.size(); ++i) sum += slope_[i] * (trial_[i] - x_[i]);
    return sum;
  }

  /// Doubles and halves until the step is neither too long nor too short; false when none lowers the value.
  bool search(const Vector& direction, double& value) {
    const double slope = dot(slope_, direction);
    double length = history_.empty() ? 1 / std::max(norm(slope_), kFlat) : 1;
    double shortest = 0, longest = 0;  // 0 = not known yet
    for (uint32_t trial = 0; trial < kMostTrials; ++trial) {
      try_step(direction, length);
      value = evaluate(trial_, trial_gradient_);
      const bool too_long = !(value <= value_ + kSufficient * promise());
      const bool too_short = !too_long && options_.l1 == 0 && dot(trial_gradient_, direction) < kCurvature * slope;
      if (!too_long && !too_short) return true;
      (too_long ? longest : shortest) = length;
      length = longest > 0 ? (shortest + longest) / 2 : 2 * length;
    }
    return value < value_;
  }

  /// One iteration; false when nothing lowers the value any more.
  bool step() {
    double value = 0;
    if (!search(direction(), value)) {
      if (history_.empty()) return false;
      history_.forget();  // the curvature is no longer what it was: once more, straight down
      if (!search(direction(), value)) return false;
    }
    Vector moved(x_.size()), change(x_.size());
    for (size_t i = 0; i < x_.size(); ++i) {
      moved[i] = trial_[i] - x_[i];
      change[i] = trial_gradient_[i] - gradient_[i];
    }
    history_.add(std::move(moved), std::move(change));
    x_.swap(trial_);
    gradient_.swap(trial_gradient_);
    value_ = value;
    return true;
  }

  const SmoothFunction& function_;
  const LbfgsOptions& options_;
  History history_;
  Vector x_, gradient_, slope_, trial_, trial_gradient_;
  double value_ = 0;
  Vector values_;
};

}  // namespace

LbfgsResult minimize(const SmoothFunction& function, std::vector<double> start, const LbfgsOptions& options) {
  return Minimizer(function, std::move(start), options).run();
}

}  // namespace coppice
