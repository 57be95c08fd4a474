// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/dist/learner.h"

namespace coppice::testing_learner {

// For tests: something to train.
inline constexpr size_t kFeatures = 20, kClasses = 5, kParameters = kClasses * (kFeatures + 1);
inline constexpr uint32_t kMinibatch = 8;

/// Softmax regression on points around five centres; minibatch m is the same whatever is trained, and by whom.
class Softmax final : public Learner {
 public:
  explicit Softmax(uint32_t samples = kMinibatch) : samples_(samples), parameters_(kParameters) {}

  std::span<float> parameters() noexcept override { return parameters_; }

  BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) override {
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    Random random(1000 + minibatch);
    BatchResult result{samples_, 0};
    for (uint32_t i = 0; i < samples_; ++i) result.loss += add_sample(random, gradient);
    if (minibatch == broken_at) gradient[7] = std::numeric_limits<float>::quiet_NaN();
    return result;
  }

  uint64_t broken_at = ~uint64_t{0};

  /// Of points that were not trained on.
  double error_rate() {
    Random random(99);
    std::vector<float> ignored(kParameters);
    n_wrong_ = 0;
    for (int i = 0; i < 2000; ++i) add_sample(random, ignored);
    return n_wrong_ / 2000.0;
  }

 private:
  double add_sample(Random& random, std::span<float> gradient) {
    const uint32_t label = random.below(kClasses);
    std::array<float, kFeatures + 1> x;
    for (size_t f = 0; f < kFeatures; ++f) {
      const float centre = (f * 7 + label * 13) % 5 == 0 ? 0.6F : 0;
      x[f] = centre + static_cast<float>(random.uniform() + random.uniform() + random.uniform()) - 1.5F;
    }
    x[kFeatures] = 1;
    std::array<double, kClasses> scores{};
    for (size_t c = 0; c < kClasses; ++c) {
      for (size_t f = 0; f <= kFeatures; ++f) scores[c] += double{parameters_[c * (kFeatures + 1) + f]} * double{x[f]};
    }
    const auto best = std::max_element(scores.begin(), scores.end());
    if (best != scores.begin() + label) ++n_wrong_;
    const double top = *best;
    double sum = 0;
    for (double& score : scores) sum += score = std::exp(score - top);
    for (size_t c = 0; c < kClasses; ++c) {
      const auto slope = static_cast<float>(scores[c] / sum - (c == label ? 1 : 0));
      for (size_t f = 0; f <= kFeatures; ++f) gradient[c * (kFeatures + 1) + f] += slope * x[f];
    }
    return -std::log(scores[label] / sum);
  }

  uint32_t samples_;
  std::vector<float> parameters_;
  int n_wrong_ = 0;
};

}  // namespace coppice::testing_learner
