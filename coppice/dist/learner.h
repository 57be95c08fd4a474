// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// What a minibatch came to.
struct BatchResult {
  uint64_t samples = 0;
  double loss = 0;  ///< summed over them
};

/// What is trained: one worker's copy of a model, and the rows it learns from. Whatever computes gradients.
class Learner {
 public:
  virtual ~Learner() = default;

  /// All parameters side by side; the same ones until the learner ends.
  virtual std::span<float> parameters() noexcept = 0;

  /// Writes the gradient of the loss, summed over the samples of the minibatch of this number, at the parameters as
  /// they are. Minibatches of all workers are numbered from 0 in one row, and dealt to them in turns: worker k of n has
  /// k, n + k, 2 n + k, .., and others once one is gone. Shapes: gradient[parameters]. What it is may depend on the
  /// number and the parameters alone, random choices too, so that training can go on where it stopped, and a minibatch
  /// stands for the same rows whoever computes it.
  virtual BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) = 0;

  /// What else computing gradients changes, on which they do not depend: running means, say. A worker keeps its own
  /// when it goes on from a checkpoint, or begins a block again; one who joins others takes that of one of them.
  virtual std::vector<float> own_state() { return {}; }
  /// Shapes: as own_state() has it.
  virtual void restore_own_state(std::span<const float> /*state*/) {}
};

}  // namespace coppice
