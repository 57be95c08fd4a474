// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "coppice/core/options.h"
#include "coppice/dist/block_sync.h"
#include "coppice/dist/gradient_compression.h"
#include "coppice/dist/hybrid_state.h"
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
  OverlapOptions overlap;         ///< of the exchange with training
  bool keeps_momentum = true;     ///< of SGD, over the end of a block; with overlap, where a result arrives
  bool keeps_residual = true;     ///< of compression, likewise
  bool skips_not_finite = false;  ///< gradients with elements that are no numbers: left out and counted, not the end
  GradientCompressionOptions compression;
  BlockMomentumOptions block;
  SgdOptions sgd;
};
void describe(OptionTable& table, HybridOptions& options);
/// Parts of that: the size of groups; all but that and what compression is given.
void describe_group_size(OptionTable& table, HybridOptions& options);
void describe_blocks(OptionTable& table, HybridOptions& options);

/// What is trained with others, and how. Borrows the learner and the observer.
struct HybridJob {
  Learner& learner;
  uint32_t minibatch = 1;  ///< samples of one worker's
  HybridOptions options;
  HybridObserver* observer = nullptr;  ///< with one, a training that breaks off can be gone on with
};

/// One worker's part in training a model with others.
///
/// Every worker of `transport` makes one with the same options and a learner with the same parameters, and calls the
/// same functions; models then have the same bits on all workers after each block, and in a group after each step.
class HybridTraining {
 public:
  /// `minibatch`: samples of one worker's. Throws `ErrorCode::usage` for groups that the workers do not fill, for an
  /// overlap longer than a block, and for workers whose options or models differ, naming one.
  HybridTraining(Transport& transport, Learner& learner, uint32_t minibatch, const HybridOptions& options);

  /// Goes on from where these workers, or as many of them as are left, have come (agree_on_resume_point); others join
  /// them. All that have not trained yet: begins. Groups need not be full. With an observer all workers agree at the
  /// end of each block, also where they are one group, and each keeps what it would need to train that block again.
  /// Throws as the other one, and as agree_on_resume_point; with overlap `ErrorCode::usage` for an observer and for a
  /// training to go on with, since there is no model of all that could be kept.
  ///
  /// Cost: with an observer, memory for up to three more copies of parameters, velocity and residual.
  HybridTraining(Transport& transport, const HybridJob& job, HybridProgress from);
  ~HybridTraining();
  HybridTraining(const HybridTraining&) = delete;
  HybridTraining& operator=(const HybridTraining&) = delete;

  /// Trains for so many minibatches more. Throws `ErrorCode::data` naming worker and step for a gradient that is no
  /// number, after telling the others; as Transport does.
  void run(uint64_t minibatches);

  /// Trains until so many minibatches of all workers, from the beginning of the training, have been dealt.
  void run_to(uint64_t minibatches_of_all);

  /// Ends a block that is not full, so that the learner has the model that is the result of all.
  void finish();

  /// Whether the learner has the model that is the result of all; also where finish() threw, as others broke off after
  /// that.
  bool is_finished() const noexcept;

  /// With an observer, after one of the above threw: how far this worker has come. The training is of no use then.
  HybridProgress take_progress();

  /// What nobody has any more since this training went on without some of its workers, a sentence each.
  const std::vector<std::string>& losses() const noexcept;

  const HybridReport& report() const noexcept;

  /// With overlap, that training waited for models which were still under way.
  double block_wait_seconds() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coppice
