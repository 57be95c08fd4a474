// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coppice/dist/hybrid_state.h"
#include "coppice/dist/transport.h"

namespace coppice {

/// What a checkpoint is of: one worker's state of a training by gradients at the beginning of a block.
struct TrainingCheckpoint {
  HybridState state;
  std::vector<uint32_t> workers;  ///< who took part, by their numbers in the job, ascending
  std::string facts;              ///< options, sizes and data, a line each: a checkpoint of others is refused
};

/// Writes it as one file, whole or not at all. Throws `ErrorCode::io`: no permission, disk full.
void write_checkpoint(const std::string& path, const TrainingCheckpoint& checkpoint);

/// Throws `ErrorCode::data` for what is no checkpoint, of another version, cut off or damaged; `ErrorCode::io`.
TrainingCheckpoint read_checkpoint(const std::string& path);

/// Where one worker keeps its checkpoints: a folder, its own or one that it shares with the others. The last two stay,
/// since a training that ends in the middle of a checkpoint has the last one of some workers alone.
class CheckpointFolder {
 public:
  /// Makes the folder if there is none. Throws `ErrorCode::io`.
  CheckpointFolder(std::string folder, uint32_t worker);

  /// Cost: a pass over the state, and until it is on disk.
  void save(const TrainingCheckpoint& checkpoint);

  /// Steps of this worker's checkpoints, the newest first, whatever is in them.
  std::vector<uint64_t> steps() const;

  std::string path_of(uint64_t steps) const;

  /// Removes those of later steps: what follows will be another training.
  void forget_after(uint64_t steps);

 private:
  std::string folder_;
  uint32_t worker_;
};

/// What workers go on from.
struct AgreedCheckpoint {
  std::optional<HybridState> state;  ///< of this worker; nothing when it was not there, or nobody has any
  size_t n_workers = 0;              ///< that the job had, by the numbers of those who wrote it
  std::vector<std::string> notes;    ///< what was left out and why, and what is lost; the same on all workers
};

/// Takes the newest checkpoint that is whole on all workers who took part in it and are here: each looks in its own
/// folder. Another number of workers, or another group_size, is no hindrance; `notes` says what that loses. Every
/// worker calls it. Throws `ErrorCode::usage` on all of them for a checkpoint of other facts, naming what differs;
/// `ErrorCode::data` where there are checkpoints, but none that is whole.
AgreedCheckpoint agree_on_checkpoint(Transport& all, const CheckpointFolder& folder, uint32_t worker,
                                     const std::string& facts);

}  // namespace coppice
