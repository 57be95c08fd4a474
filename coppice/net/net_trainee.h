// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "coppice/core/progress.h"
#include "coppice/dist/hybrid_state.h"
#include "coppice/net/net_training.h"
#include "coppice/net/row_deal.h"
#include "coppice/net/torch_learner.h"

namespace coppice {

/// One worker's network while it is trained, and how much there is to train.
class NetTrainee {
 public:
  /// Borrows the set.
  NetTrainee(const NetSet& set, const std::string& module, const NetTrainOptions& options);

  TorchLearner& learner() noexcept { return learner_; }
  /// Of all workers.
  uint64_t minibatches() const noexcept { return minibatches_; }
  double minibatches_of_epoch() const noexcept { return of_epoch_; }

  /// What has come of it. Throws `NotFinite` where that are no finite numbers, or most minibatches
  /// had to be left out.
  NetTraining result(const HybridReport& report);

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::unique_ptr<Network> network_;
  TorchLearner learner_;
  uint64_t minibatches_;
  double of_epoch_;
};

/// Says how far a training is, and what the loss was in each epoch. Minibatches are those of all workers.
class EpochNotes {
 public:
  EpochNotes(const NetTrainee& trainee, Progress& progress);

  /// A training goes on from here: the losses before have been said.
  void resume_at(uint64_t minibatches, const HybridReport& report);

  void at(uint64_t minibatches, const HybridReport& report);

 private:
  void begin_epoch(uint64_t minibatches, const HybridReport& report);

  Progress& progress_;
  uint64_t of_all_;
  double of_epoch_;
  uint64_t done_ = 0;
  uint64_t epoch_ = 1;    ///< that is under way
  uint64_t samples_ = 0;  ///< of this worker, when this epoch was begun or resumed
  double loss_ = 0;
};

/// What workers have to have alike beside `training_facts`: how long they train, and by which program.
std::string length_facts(const NetTrainOptions& options);

}  // namespace coppice
