// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/progress.h"
#include "coppice/dist/checkpoint.h"
#include "coppice/dist/hybrid.h"

namespace coppice {

/// Where a training leaves its state, and whether it goes on from what is there.
struct CheckpointOptions {
  std::string folder;  ///< one for all workers, or on each machine one of its own; "": no checkpoints
  uint32_t every_blocks = 10;
  bool resumes = false;
};
void describe(OptionTable& table, CheckpointOptions& options);

/// What a training is, beside its transport.
struct TrainingJob {
  HybridJob training;  ///< borrowed as a HybridTraining does, its observer too
  std::string data;    ///< what the rows and the model are, in lines: workers and checkpoints of others are refused
  std::string length;  ///< how long it is, in lines: workers of others are refused
  Progress& progress;  ///< hears of losses; may stop the training at the end of a block, after a checkpoint
};

/// All that workers and checkpoints of a training must have alike.
std::string facts_of(const TrainingJob& job);

/// What workers must have alike of these options.
std::string facts_of(const CheckpointOptions& options);

/// One worker's checkpoints of a training: which one it goes on from, when the next one is due, what they took.
class TrainingCheckpoints {
 public:
  /// Makes the folder. Throws `ErrorCode::io`; `ErrorCode::usage` for going on from nowhere.
  TrainingCheckpoints(const CheckpointOptions& options, uint32_t worker, const TrainingJob& job);

  const CheckpointOptions& options() const noexcept { return options_; }
  bool keeps_any() const noexcept { return folder_.has_value(); }
  bool resumes() const noexcept { return folder_ && options_.resumes; }

  /// Throws `ErrorCode::usage` where this worker has some: for a training that begins.
  void expect_none() const;

  /// What this worker goes on from; nothing: it begins, or joins those who go on. Every worker calls it, where
  /// resumes(). Throws as agree_on_checkpoint; `ErrorCode::usage` for one that is beyond the end of this training.
  std::optional<HybridState> resume(Transport& all, uint64_t minibatches_of_all);

  /// Writes a checkpoint if it is time for one, or as `ends` says that the training does. Those of later steps, of a
  /// training that was begun anew, go.
  void at_block(const HybridState& state, const std::vector<uint32_t>& workers, bool ends);
  void save(const HybridState& state, std::vector<uint32_t> workers);

  uint64_t n_saved() const noexcept { return n_saved_; }
  double seconds() const noexcept { return seconds_; }

 private:
  CheckpointOptions options_;
  uint32_t worker_;
  HybridOptions training_;
  std::string facts_;
  Progress& progress_;
  std::optional<CheckpointFolder> folder_;
  uint64_t n_saved_ = 0;
  double seconds_ = 0;
};

/// Trains to so many minibatches of all workers, from the beginning of the training, with workers that live and end
/// together: threads, or MPI's. With checkpoints at ends of blocks, from which a later one goes on with the same bits.
///
/// Every worker of `all` calls it. Throws as HybridTraining and agree_on_checkpoint; `ErrorCode::io` where a checkpoint
/// cannot be written; `ErrorCode::cancelled` on request, after a checkpoint.
HybridReport train_with_checkpoints(Transport& all, const TrainingJob& job, TrainingCheckpoints& checkpoints,
                                    uint64_t minibatches_of_all);

}  // namespace coppice
