// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/forward_backward.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace coppice {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();
/// A word whose probabilities add up to less is lost in rounding.
constexpr double kLeastScale = 1e-200;

double log_add(double a, double b) noexcept {
  if (a < b) std::swap(a, b);
  return b == kMinusInfinity ? a : a + std::log1p(std::exp(b - a));
}

}  // namespace

ForwardBackward::ForwardBackward(Tags tags, std::span<const double> transitions)
    : tags_(tags),
      transitions_(transitions.begin(), transitions.end()),
      factors_(transitions.size()),
      transposed_(size_t{tags.n_entered()} * tags.count()),
      beta_(tags.count()),
      next_(tags.count()),
      sums_(transitions.size()),
      log_counts_(transitions.size()) {
  largest_ = *std::max_element(transitions_.begin(), transitions_.end());
  for (size_t i = 0; i < factors_.size(); ++i) factors_[i] = std::exp(transitions_[i] - largest_);
  for (size_t before = 0; before < tags_.count(); ++before) {
    for (size_t tag = 0; tag < tags_.n_entered(); ++tag) {
      transposed_[tag * tags_.count() + before] = factors_[before * tags_.n_entered() + tag];
    }
  }
}

double ForwardBackward::run(std::span<double> scores) {
  if (scores.empty()) return 0;
  alpha_.assign(scores.begin(), scores.end());
  if (!forward(alpha_)) return log_forward_backward(tags_, transitions_, scores, log_counts_);
  backward(scores);
  return log_z_;
}

/// after = before * factors.
void ForwardBackward::advance(const double* before, double* after) const noexcept {
  const size_t n_tags = tags_.count(), n_entered = tags_.n_entered();
  std::fill_n(after, n_entered, 0.0);
  for (size_t i = 0; i < n_tags; ++i) {
    const double weight = before[i];
    const double* const row = factors_.data() + i * n_entered;
    for (size_t j = 0; j < n_entered; ++j) after[j] += weight * row[j];
  }
  const double* const continued = factors_.data() + n_tags * n_entered;
  for (size_t slot = 0; slot < tags_.n_slots; ++slot) {
    const size_t begin = 1 + slot, inside = n_entered + slot;
    after[inside] = before[begin] * continued[begin - 1] + before[inside] * continued[inside - 1];
  }
}

/// before = factors * after.
void ForwardBackward::retreat(const double* after, double* before) const noexcept {
  const size_t n_tags = tags_.count(), n_entered = tags_.n_entered();
  std::fill_n(before, n_tags, 0.0);
  for (size_t j = 0; j < n_entered; ++j) {
    const double weight = after[j];
    const double* const column = transposed_.data() + j * n_tags;
    for (size_t i = 0; i < n_tags; ++i) before[i] += weight * column[i];
  }
  const double* const continued = factors_.data() + n_tags * n_entered;
  for (size_t i = 1; i < n_tags; ++i) {
    before[i] += continued[i - 1] * after[tags_.continued(static_cast<uint32_t>(i))];
  }
}

void ForwardBackward::count(const double* before, const double* after) noexcept {
  const size_t n_tags = tags_.count(), n_entered = tags_.n_entered();
  for (size_t i = 0; i < n_tags; ++i) {
    const double weight = before[i];
    double* const row = sums_.data() + i * n_entered;
    for (size_t j = 0; j < n_entered; ++j) row[j] += weight * after[j];
  }
  double* const continued = sums_.data() + n_tags * n_entered;
  for (size_t i = 1; i < n_tags; ++i) {
    continued[i - 1] += before[i] * after[tags_.continued(static_cast<uint32_t>(i))];
  }
}

/// Scores become alphas; false when they leave the range of numbers.
bool ForwardBackward::forward(std::span<double> scores) {
  const size_t n_tags = tags_.count(), n = scores.size() / n_tags;
  scales_.resize(n);
  log_z_ = static_cast<double>(n - 1) * largest_;
  for (size_t t = 0; t < n; ++t) {
    double* const row = scores.data() + t * n_tags;
    const double top = *std::max_element(row, row + n_tags);
    if (t == 0) {
      std::fill_n(next_.data(), tags_.n_entered(), 1.0);
      std::fill(next_.begin() + tags_.n_entered(), next_.end(), 0.0);
    } else {
      advance(row - n_tags, next_.data());
    }
    double sum = 0;
    for (size_t tag = 0; tag < n_tags; ++tag) {
      row[tag] = next_[tag] * std::exp(row[tag] - top);
      sum += row[tag];
    }
    if (!(sum > kLeastScale && sum < std::numeric_limits<double>::max())) return false;
    for (size_t tag = 0; tag < n_tags; ++tag) row[tag] /= sum;
    scales_[t] = sum;
    log_z_ += top + std::log(sum);
  }
  return true;
}

/// Scores become probabilities. With beta scaled as alpha is, a word's probabilities are alpha * beta, and what is left
/// of beta when a score and a scale have gone in is what `count` wants of the word behind a transition.
void ForwardBackward::backward(std::span<double> scores) {
  const size_t n_tags = tags_.count(), n = scores.size() / n_tags;
  std::fill(beta_.begin(), beta_.end(), 1.0);
  for (size_t t = n; t-- > 0;) {
    double* const row = scores.data() + t * n_tags;
    const double* const alpha = alpha_.data() + t * n_tags;
    const double top = *std::max_element(row, row + n_tags);
    for (size_t tag = 0; tag < n_tags; ++tag) {
      next_[tag] = beta_[tag] * std::exp(row[tag] - top) / scales_[t];
      row[tag] = alpha[tag] * beta_[tag];
    }
    if (t == 0) break;
    count(alpha - n_tags, next_.data());
    retreat(next_.data(), beta_.data());
  }
}

void ForwardBackward::take_counts(std::span<double> counts) {
  for (size_t i = 0; i < counts.size(); ++i) counts[i] += sums_[i] * factors_[i] + log_counts_[i];
  std::fill(sums_.begin(), sums_.end(), 0.0);
  std::fill(log_counts_.begin(), log_counts_.end(), 0.0);
}

double log_forward_backward(Tags tags, std::span<const double> transitions, std::span<double> scores,
                            std::span<double> counts) {
  const size_t n_tags = tags.count(), n = scores.size() / n_tags;
  const auto transition = [&](uint32_t before, uint32_t tag) {
    return transitions[TransitionView<double>::place(tags, before, tag)];
  };
  std::vector<double> alpha(scores.size(), kMinusInfinity), beta(scores.size(), kMinusInfinity);
  for (uint32_t tag = 0; tag < n_tags; ++tag) {
    if (tags.may_stand_first(tag)) alpha[tag] = scores[tag];
    beta[(n - 1) * n_tags + tag] = 0;
  }
  for (size_t t = 1; t < n; ++t) {
    for (uint32_t before = 0; before < n_tags; ++before) {
      for (uint32_t tag = 0; tag < n_tags; ++tag) {
        if (!tags.may_follow(before, tag)) continue;
        double& sum = alpha[t * n_tags + tag];
        sum = log_add(sum, alpha[(t - 1) * n_tags + before] + transition(before, tag) + scores[t * n_tags + tag]);
      }
    }
  }
  double log_z = kMinusInfinity;
  for (size_t tag = 0; tag < n_tags; ++tag) log_z = log_add(log_z, alpha[(n - 1) * n_tags + tag]);
  for (size_t t = n - 1; t-- > 0;) {
    for (uint32_t before = 0; before < n_tags; ++before) {
      for (uint32_t tag = 0; tag < n_tags; ++tag) {
        if (!tags.may_follow(before, tag)) continue;
        double& sum = beta[t * n_tags + before];
        const double path = transition(before, tag) + scores[(t + 1) * n_tags + tag] + beta[(t + 1) * n_tags + tag];
        sum = log_add(sum, path);
        counts[TransitionView<double>::place(tags, before, tag)] += std::exp(alpha[t * n_tags + before] + path - log_z);
      }
    }
  }
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = std::exp(alpha[i] + beta[i] - log_z);
  return log_z;
}

}  // namespace coppice
