// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/sgd.h"

#include <algorithm>
#include <string>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {

void describe(OptionTable& table, SgdOptions& options) {
  table.add("learning_rate", options.learning_rate, 0, 1e6,
            "Of the gradient that a worker's minibatch gives, by the number of its samples. The gradients of the "
            "workers of a group are added up, not averaged: each minibatch moves the model as far as it would alone.");
  table.add("momentum", options.momentum, 0, 0.9999, "Of stochastic gradient descent: v = momentum v + gradient.");
  table.add("learning_rate_decay", options.decay, 0, 1e6,
            "The learning rate is divided by 1 + this * step / 1000; steps count minibatches of one worker.");
}

Sgd::Sgd(size_t n_parameters, uint32_t minibatch, const SgdOptions& options)
    : options_(options), minibatch_(minibatch), velocity_(options.momentum > 0 ? n_parameters : 0) {}

void Sgd::step(std::span<const float> gradient, uint64_t number, std::span<float> parameters) noexcept {
  const double decayed = options_.learning_rate / (1 + options_.decay * static_cast<double>(number) / 1000);
  const auto rate = static_cast<float>(decayed / minibatch_);
  if (velocity_.empty()) {
    for (size_t i = 0; i < gradient.size(); ++i) parameters[i] -= rate * gradient[i];
    return;
  }
  const auto momentum = static_cast<float>(options_.momentum);
  for (size_t i = 0; i < gradient.size(); ++i) {
    velocity_[i] = momentum * velocity_[i] + gradient[i];
    parameters[i] -= rate * velocity_[i];
  }
}

void Sgd::restore(std::vector<float> velocity) {
  if (velocity.size() != velocity_.size()) {
    throw Error(ErrorCode::data, "momentum of " + std::to_string(velocity.size()) + " parameters, expected " +
                                     std::to_string(velocity_.size()));
  }
  velocity_ = std::move(velocity);
}

void Sgd::reset() noexcept {
  std::fill(velocity_.begin(), velocity_.end(), 0.0F);
}

}  // namespace coppice
