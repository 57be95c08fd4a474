// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace coppice {

/// What a minibatch came to.
struct BatchResult {
  uint64_t samples = 0;
  double loss = 0;  ///< summed over them
};

/// What is trained: one worker's copy of a model, and its share of the rows. Whatever computes gradients.
class Learner {
 public:
  virtual ~Learner() = default;

  /// All parameters side by side; the same ones until the learner ends.
  virtual std::span<float> parameters() noexcept = 0;

  /// Writes the gradient of the loss, summed over the samples of this worker's minibatch of this number, at the
  /// parameters as they are. Shapes: gradient[parameters]. What it is may depend on the number and the parameters
  /// alone, so that training can go on where it stopped.
  virtual BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) = 0;
};

}  // namespace coppice
