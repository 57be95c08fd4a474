// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coppice/index/label_tree.h"
#include "coppice/model/format.h"
#include "coppice/rank/level_weights.h"

namespace coppice {

/// Training as far as it went: the tree and the levels that are finished.
struct TrainingState {
  LabelTree tree;
  std::vector<LevelWeights> levels;
};

/// What a checkpoint says wrote it: "coppice 0.1.0, solver 1".
std::string training_program();

/// Where an interrupted training leaves its state: one file in the format of models, replaced as a whole after each
/// level.
class Checkpoint {
 public:
  /// `fingerprint` names data, options and extras; a checkpoint of others is not gone on from. An empty path keeps
  /// nothing.
  Checkpoint(std::string path, std::string fingerprint)
      : path_(std::move(path)), fingerprint_(std::move(fingerprint)) {}

  void save(const LabelTree& tree, const std::vector<LevelWeights>& levels, uint32_t n_features) const;

  /// What was saved; nothing when there is no such file.
  /// Throws `ErrorCode::usage` when it is of other data or options, or of another version of the program, whose weights
  /// might be others; `ErrorCode::data` when it is damaged.
  std::optional<TrainingState> load() const;

  /// How many finished levels `load` would give; 0 as well where it would throw. Cost: the file is read once.
  uint32_t finished_levels() const;

 private:
  /// The file, if it is whole and of this training; throws as `load`.
  ModelFile open() const;

  std::string path_;
  std::string fingerprint_;
};

/// Throws `ErrorCode::usage` when a file that no training wrote is where a checkpoint is to go.
void expect_place_for_checkpoint(const std::string& path);

/// Removes a checkpoint that is no longer needed; there may be none.
void remove_checkpoint(const std::string& path);

}  // namespace coppice
