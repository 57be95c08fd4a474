// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "coppice/core/options.h"
#include "coppice/dist/block_sync.h"
#include "coppice/dist/gradient_compression.h"
#include "coppice/dist/learner.h"
#include "coppice/dist/sgd.h"
#include "coppice/dist/transport.h"

namespace coppice {

/// Workers in groups: in a group each minibatch is synchronised by compressed gradients, and the groups' models are
/// brought together at the end of each block. One group: gradient threshold compression alone, and with a threshold of
/// 0 synchronous SGD. Groups of one: blockwise model-update filtering alone.
struct HybridOptions {
  uint32_t group_size = 0;          ///< 0: all workers are one group
  uint32_t block_minibatches = 50;  ///< of each worker
  uint32_t warm_start = 0;  ///< minibatches of each worker before the first block, during which all are one group
  BlockExchange exchange = BlockExchange::sharded;
  bool keeps_momentum = true;     ///< of SGD, over the end of a block
  bool keeps_residual = true;     ///< of compression, likewise
  bool skips_not_finite = false;  ///< gradients with elements that are no numbers: left out and counted, not the end
  GradientCompressionOptions compression;
  BlockMomentumOptions block;
  SgdOptions sgd;
};
void describe(OptionTable& table, HybridOptions& options);

/// What was done, as one worker saw it.
struct HybridReport {
  uint64_t steps = 0;      ///< minibatches
  uint64_t samples = 0;    ///< of this worker
  uint64_t n_skipped = 0;  ///< minibatches whose gradients were no numbers
  double loss = 0;         ///< summed over this worker's samples
  double compute_seconds = 0;
  double encode_seconds = 0;
  double decode_seconds = 0;
  double density = 0;  ///< the mean share of elements that were sent
  Traffic in_group;    ///< gradients
  Traffic blocks;      ///< models: between the groups, and back inside them
};

/// One worker's part in training a model with others.
///
/// Every worker of `transport` makes one with the same options and a learner with the same parameters, and calls the
/// same functions; models then have the same bits on all workers after each block, and in a group after each step.
class HybridTraining {
 public:
  /// `minibatch`: samples of one worker's. Throws `ErrorCode::usage` for groups that the workers do not fill, and for
  /// workers whose options or models differ, naming one.
  HybridTraining(Transport& transport, Learner& learner, uint32_t minibatch, const HybridOptions& options);
  ~HybridTraining();
  HybridTraining(const HybridTraining&) = delete;
  HybridTraining& operator=(const HybridTraining&) = delete;

  /// Trains for so many minibatches more. Throws `ErrorCode::data` naming worker and step for a gradient that is no
  /// number, after telling the others; as Transport does.
  void run(uint64_t minibatches);

  /// Ends a block that is not full, so that the learner has the model that is the result of all.
  void finish();

  const HybridReport& report() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coppice
