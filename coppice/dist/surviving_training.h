// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coppice/core/progress.h"
#include "coppice/dist/connect.h"
#include "coppice/dist/failure_detector.h"
#include "coppice/dist/hybrid.h"
#include "coppice/dist/training_checkpoints.h"
#include "coppice/dist/worker_environment.h"

namespace coppice {

/// What a training does about workers that are lost.
struct SurvivalOptions {
  uint32_t min_workers = 1;     ///< with fewer it ends, and leaves a checkpoint
  double beat_seconds = 0.1;    ///< between two signs of life
  double regroup_seconds = 60;  ///< after which a worker that lives, but does no step, is left behind
  FailureDetectorOptions detector;
  CheckpointOptions checkpoint;
};
void describe(OptionTable& table, SurvivalOptions& options);

struct SurvivalReport {
  uint64_t generations = 0;    ///< that this worker took part in
  uint64_t n_lost = 0;         ///< workers that were members and are not any more, each time
  uint64_t n_joined = 0;       ///< likewise those that came
  uint64_t n_rewound = 0;      ///< steps of this worker that were done again, or in vain
  double regroup_seconds = 0;  ///< from leaving a generation until the next one trains
  uint64_t n_checkpoints = 0;
  double checkpoint_seconds = 0;
  double bound_seconds = 0;  ///< a silence so long was taken for a death, the longest at any time
};

enum class TrainingEnd : uint8_t {
  finished,             ///< the learner has the model
  without_this_worker,  ///< the others finished after they had lost this one: it has not
};

/// One worker's part in a training that goes on when others are lost: killed, cut off or hanging.
///
/// The workers of a launcher find one another as they do for a HybridTraining. Once a worker is gone, those that are
/// left notice it by its closed connection, or by its silence (FailureDetector); they agree on who is left
/// (Rendezvous), connect anew and begin the block again, but for groups that had come to its end. A worker that is
/// started again, or was only taken for dead, joins at the end of a block. Checkpoints are written there, too.
class SurvivingTraining {
 public:
  /// Throws `ErrorCode::usage` where no launcher names a store.
  SurvivingTraining(const WorkerEnvironment& environment, const ConnectOptions& connect, const SurvivalOptions& options,
                    const TrainingJob& job);
  ~SurvivingTraining();
  SurvivingTraining(const SurvivingTraining&) = delete;
  SurvivingTraining& operator=(const SurvivingTraining&) = delete;

  /// Trains to so many minibatches of all workers, from the beginning of the training. Once. Throws what ends it on all
  /// workers, on this one or as another one said (`ErrorCode::remote`).
  TrainingEnd run(uint64_t minibatches_of_all);

  const HybridReport& report() const noexcept;
  const SurvivalReport& survival() const noexcept;

  /// After it has finished: the first of those who have the result does `work`, which writes it, say; the others wait
  /// for that, and the next one does it where the first dies meanwhile. Whether this one did. Throws what `work`
  /// throws, on the others `ErrorCode::remote`.
  bool conclude(const std::function<void()>& work);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coppice
