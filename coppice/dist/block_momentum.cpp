// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/block_momentum.h"

#include <string>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {

void describe(OptionTable& table, BlockMomentumOptions& options) {
  table.add("block_variant", options.variant,
            {{BlockVariant::classical, "classical"},
             {BlockVariant::nesterov, "nesterov"},
             {BlockVariant::cntk, "cntk"},
             {BlockVariant::fairseq, "fairseq"}},
            "How block updates are filtered (BMUF): classical or nesterov block momentum as in Chen and Huo 2016, or "
            "what CNTK and fairseq do, whose step ahead is never taken back.");
  table.add("block_momentum", options.momentum, -1, 0.9999,
            "Eta: how much of the last block's update goes on. Below 0: 1 - 1/n for n models that are averaged.");
  table.add("block_learning_rate", options.learning_rate, 0, 10,
            "Zeta: how much of a block's own update counts. With momentum eta a steady update counts zeta / (1 - eta) "
            "times.");
}

BlockMomentum::BlockMomentum(std::span<const float> start, uint32_t n_models, const BlockMomentumOptions& options)
    : variant_(options.variant),
      momentum_(options.momentum < 0 ? 1 - 1.0 / n_models : options.momentum),
      learning_rate_(options.variant == BlockVariant::fairseq ? (1 - momentum_) * options.learning_rate
                                                              : options.learning_rate) {
  if (!(momentum_ < 1)) {
    throw Error(ErrorCode::usage, "block_momentum is " + std::to_string(momentum_) + ", expected less than 1");
  }
  state_.model.assign(start.begin(), start.end());
  state_.start = state_.model;
  state_.delta.resize(start.size());
}

void BlockMomentum::restore(State state) {
  const size_t n = state_.model.size();
  if (state.model.size() != n || state.delta.size() != n || state.start.size() != n) {
    throw Error(ErrorCode::data, "block momentum of " + std::to_string(state.model.size()) + " parameters, expected " +
                                     std::to_string(n));
  }
  state_ = std::move(state);
}

void BlockMomentum::update(std::span<const float> mean) {
  check(mean.size() == state_.model.size(), "a mean for each parameter");
  const auto eta = static_cast<float>(momentum_), zeta = static_cast<float>(learning_rate_);
  // One model and nothing kept of the last block: the mean itself, whose bits the sums below might not give.
  if (eta == 0 && zeta == 1) {
    for (size_t i = 0; i < mean.size(); ++i) {
      state_.delta[i] = mean[i] - state_.start[i];
      state_.model[i] = state_.start[i] = mean[i];
    }
    return;
  }
  const bool looks_ahead = variant_ != BlockVariant::classical;
  const bool stays_ahead = variant_ == BlockVariant::cntk || variant_ == BlockVariant::fairseq;
  for (size_t i = 0; i < mean.size(); ++i) {
    const float delta = eta * state_.delta[i] + zeta * (mean[i] - state_.start[i]);
    const float model = state_.model[i] + delta;
    const float start = looks_ahead ? model + eta * delta : model;
    state_.delta[i] = delta;
    state_.start[i] = start;
    state_.model[i] = stays_ahead ? start : model;
  }
}

}  // namespace coppice
