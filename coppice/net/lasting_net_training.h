// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "coppice/dist/surviving_training.h"
#include "coppice/net/net_training.h"

namespace coppice {

/// A training that goes on: from checkpoints, and without workers that are lost. A network's buffers, where a module
/// has some, go on with each worker; one that joins begins with the module's.
struct LastingNetJob {
  const NetSet& set;
  const std::string& module;  ///< as of train_network
  const NetTrainOptions& options;
  Progress& progress;
};

/// As train_network, with checkpoints. Another number of epochs than before is no hindrance to going on. Throws as
/// train_with_checkpoints, too.
NetTraining train_network_with_checkpoints(Transport& transport, const LastingNetJob& job,
                                           const CheckpointOptions& checkpoint);

/// How workers of a launcher find each other, and go on without some of them.
struct SurvivalPlace {
  const WorkerEnvironment& environment;
  const ConnectOptions& connect;
  const SurvivalOptions& survival;
};

/// What came of it, for whoever has it first. The others return once it is done.
using UseTraining = std::function<void(const NetTraining&, const SurvivalReport&)>;

/// As train_network, of processes that a launcher has started. One of those who have the result calls `use`: another
/// one, where it dies meanwhile. Throws as SurvivingTraining.
void train_network_and_survive(const SurvivalPlace& place, const LastingNetJob& job, const UseTraining& use);

}  // namespace coppice
