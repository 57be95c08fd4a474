// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/crf.h"

#include <algorithm>
#include <array>

#include "coppice/tag/forward_backward.h"

namespace coppice {
namespace {

constexpr size_t kGrain = 1 << 14;  // weights whose parts are added at a time

/// The work on some texts: weights in, a share of the value and of the gradient out.
class PartOfTexts {
 public:
  PartOfTexts(const CrfProblem& problem, std::span<const double> weights, std::span<double> gradient)
      : problem_(problem),
        weights_(weights),
        gradient_(gradient),
        n_tags_(problem.tags.count()),
        sums_(problem.tags, weights.subspan(problem.transitions_begin())),
        text_row_(n_tags_) {}

  double run(size_t begin, size_t end) {
    double value = 0;
    for (size_t text = begin; text < end; ++text) value += run_text(text);
    sums_.take_counts(gradient_.subspan(problem_.transitions_begin()));
    return value;
  }

 private:
  double run_text(size_t text) {
    const size_t first = problem_.first_word[text], n = problem_.first_word[text + 1] - first;
    scores_.resize(n * n_tags_);
    std::ranges::copy(weights_.subspan(problem_.bias_begin(), n_tags_), text_row_.begin());
    for (const uint32_t feature : problem_.of_text(text)) add_row(feature, text_row_.data());
    for (size_t i = 0; i < n; ++i) {
      double* const row = scores_.data() + i * n_tags_;
      std::ranges::copy(text_row_, row);
      for (const uint32_t feature : problem_.of_word(first + i)) add_row(feature, row);
    }
    const double gold = take_gold(first, n);
    const double log_z = sums_.run(scores_);
    take_gradient(text, first, n);
    return log_z - gold;
  }

  void add_row(uint32_t feature, double* scores) const noexcept {
    for (uint64_t i = problem_.row_begin[feature]; i < problem_.row_begin[feature + 1]; ++i) {
      scores[problem_.row_tags[i]] += weights_[i];
    }
  }

  /// The score of the right path; its transitions are taken off the gradient.
  double take_gold(size_t first, size_t n) {
    double score = 0;
    for (size_t i = 0; i < n; ++i) {
      const uint32_t tag = problem_.gold[first + i];
      score += scores_[i * n_tags_ + tag];
      if (i == 0) continue;
      const size_t place = problem_.transitions_begin() +
                           TransitionView<double>::place(problem_.tags, problem_.gold[first + i - 1], tag);
      score += weights_[place];
      gradient_[place] -= 1;
    }
    return score;
  }

  /// Of probabilities: expected less seen.
  void take_gradient(size_t text, size_t first, size_t n) {
    std::ranges::fill(text_row_, 0.0);
    for (size_t i = 0; i < n; ++i) {
      double* const row = scores_.data() + i * n_tags_;
      row[problem_.gold[first + i]] -= 1;
      for (size_t tag = 0; tag < n_tags_; ++tag) text_row_[tag] += row[tag];
      for (const uint32_t feature : problem_.of_word(first + i)) add_gradient(feature, row);
    }
    for (const uint32_t feature : problem_.of_text(text)) add_gradient(feature, text_row_.data());
    for (size_t tag = 0; tag < n_tags_; ++tag) gradient_[problem_.bias_begin() + tag] += text_row_[tag];
  }

  void add_gradient(uint32_t feature, const double* residuals) noexcept {
    for (uint64_t i = problem_.row_begin[feature]; i < problem_.row_begin[feature + 1]; ++i) {
      gradient_[i] += residuals[problem_.row_tags[i]];
    }
  }

  const CrfProblem& problem_;
  std::span<const double> weights_;
  std::span<double> gradient_;
  size_t n_tags_;
  ForwardBackward sums_;
  std::vector<double> text_row_;
  std::vector<double> scores_;
};

}  // namespace

CrfObjective::CrfObjective(const CrfProblem& problem, double l2, ThreadPool& pool)
    : problem_(problem), l2_(l2), pool_(pool), gradients_(kParts, std::vector<double>(problem.n_weights())) {}

double CrfObjective::run_part(size_t part, std::span<const double> weights) {
  std::ranges::fill(gradients_[part], 0.0);
  const size_t n = problem_.n_texts();
  return PartOfTexts(problem_, weights, gradients_[part]).run(n * part / kParts, n * (part + 1) / kParts);
}

double CrfObjective::operator()(std::span<const double> weights, std::span<double> gradient) {
  std::array<double, kParts> values{};
  pool_.run(kParts, [&](size_t part, size_t) { values[part] = run_part(part, weights); });
  double value = 0, squares = 0;
  for (const double one : values) value += one;
  pool_.for_ranges(gradient.size(), kGrain, [&](size_t begin, size_t end, size_t) {
    for (size_t i = begin; i < end; ++i) {
      gradient[i] = l2_ * weights[i];
      for (const std::vector<double>& one : gradients_) gradient[i] += one[i];
    }
  });
  for (const double weight : weights) squares += weight * weight;
  return value + l2_ / 2 * squares;
}

}  // namespace coppice
