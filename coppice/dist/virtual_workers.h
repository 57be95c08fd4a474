// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/dist/hybrid.h"
#include "coppice/dist/learner.h"

namespace coppice {

/// A training by more workers than there are cores, for finding out what it comes to.
struct VirtualJob {
  uint32_t n_workers = 1;
  uint32_t minibatch = 1;  ///< samples of one worker's
  HybridOptions options;   ///< without overlap
  /// One for each thread of the pool, with the same parameters; borrowed. The first has the model in the end.
  std::vector<Learner*> learners;
};

/// What was done. Seconds are means.
struct VirtualReport {
  uint64_t steps = 0;          ///< minibatches of each worker
  uint64_t samples = 0;        ///< of all
  uint64_t n_skipped = 0;      ///< minibatches whose gradients were no numbers
  double loss = 0;             ///< summed over the samples
  double compute_seconds = 0;  ///< for the gradient of a minibatch
  double encode_seconds = 0;   ///< for a message
  double decode_seconds = 0;   ///< for all messages of a group's step
  double density = 0;          ///< share of elements that a message sends
  double message_bytes = 0;    ///< 0: gradients are sent as they are, or not at all
};

/// After a step of the first group: minibatches of all that have been dealt, and its parameters; at the end of a block
/// those that the next one begins with. Throws to end the training.
using VirtualWatch = std::function<void(uint64_t minibatches, std::span<const float> parameters)>;

/// Trains as so many workers with a HybridTraining each would, and gives the same bits. What the members of a group
/// have alike, parameters and momentum, is there once, and messages are decoded once: a step costs what computing and
/// encoding costs. Several groups train their blocks side by side, members of a single one their minibatches.
///
/// What a learner changes by itself (own_state) is that of each thread, not of each worker. Throws as HybridTraining.
/// Memory: for each group parameters and momentum; for each worker twice the bytes of the parameters where gradients
/// are compressed, once where they are sent as they are, nothing in groups of one.
VirtualReport train_virtual_workers(const VirtualJob& job, uint64_t minibatches_of_all, ThreadPool& pool,
                                    const VirtualWatch& watch);

}  // namespace coppice
