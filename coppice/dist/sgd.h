// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/options.h"

namespace coppice {

struct SgdOptions {
  double learning_rate = 0.1;  ///< of a gradient summed over the samples of one worker's minibatch, by their number
  double momentum = 0;
  double decay = 0;  ///< the learning rate is divided by 1 + decay * step / 1000
};
void describe(OptionTable& table, SgdOptions& options);

/// Stochastic gradient descent with momentum: v = momentum v + g, w -= learning rate * v.
class Sgd {
 public:
  /// `minibatch`: samples of one worker's. The gradient of several workers is their sum, so that a worker's minibatch
  /// moves the model as far as it would alone.
  Sgd(size_t n_parameters, uint32_t minibatch, const SgdOptions& options);

  /// Shapes: gradient[n], parameters[n].
  void step(std::span<const float> gradient, uint64_t number, std::span<float> parameters) noexcept;

  std::span<const float> velocity() const noexcept { return velocity_; }
  /// Throws `ErrorCode::data` when it is not of so many parameters.
  void restore(std::vector<float> velocity);
  void reset() noexcept;

 private:
  SgdOptions options_;
  double minibatch_;
  std::vector<float> velocity_;  ///< empty without momentum
};

}  // namespace coppice
