// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/options.h"

namespace coppice {

/// How the update of a block is filtered. `nesterov` is the form of the paper that did best there; the last two are
/// what public codes do under the same name, for whoever has to repeat them.
enum class BlockVariant : uint8_t {
  classical,  ///< CBM: the next block starts at W(t)
  nesterov,   ///< NBM: it starts at W(t) + eta Delta(t), and W(t + 1) starts at W(t) all the same
  cntk,       ///< the step ahead is never taken back (BlockMomentumSGD.h)
  fairseq,    ///< as cntk, and the learning rate is (1 - eta) times as large (optim/bmuf.py)
};

struct BlockMomentumOptions {
  BlockVariant variant = BlockVariant::nesterov;
  double momentum = -1;      ///< eta; below 0: 1 - 1 / models
  double learning_rate = 1;  ///< zeta
};
void describe(OptionTable& table, BlockMomentumOptions& options);

/// Blockwise model-update filtering. With the mean of the models at the end of block t:
///
///     G(t)     = mean - start(t - 1)              start: what all models began the block with
///     Delta(t) = eta Delta(t - 1) + zeta G(t)
///     W(t)     = W(t - 1) + Delta(t)
///     start(t) = W(t)  or, Nesterov,  W(t) + eta Delta(t)
///
/// A block of one model (eta = 0, zeta = 1) changes nothing. Every element is by itself, so that a worker may do its
/// part of them alone.
/// Source: Chen and Huo, "Scalable training of deep learning machines by incremental block training with intra-block
/// parallel optimization and blockwise model-update filtering", ICASSP 2016.
class BlockMomentum {
 public:
  struct State {
    std::vector<float> model;  ///< W
    std::vector<float> delta;
    std::vector<float> start;
  };

  /// `n_models`: how many are averaged, the groups of a hybrid. Throws `ErrorCode::usage` for a momentum of 1 or more.
  BlockMomentum(std::span<const float> start, uint32_t n_models, const BlockMomentumOptions& options);

  /// Shapes: mean[parameters]. What the next block starts with is state().start.
  void update(std::span<const float> mean);

  /// W: what is trained. Without the step ahead.
  std::span<const float> model() const noexcept { return state_.model; }
  std::span<const float> start() const noexcept { return state_.start; }
  const State& state() const noexcept { return state_; }
  /// Throws `ErrorCode::data` when it is not of so many parameters.
  void restore(State state);

  double momentum() const noexcept { return momentum_; }            ///< eta
  double learning_rate() const noexcept { return learning_rate_; }  ///< zeta

 private:
  BlockVariant variant_;
  double momentum_, learning_rate_;
  State state_;
};

}  // namespace coppice
