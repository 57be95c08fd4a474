// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "coppice/index/label_tree.h"
#include "coppice/model/format.h"
#include "coppice/rank/level_weights.h"

namespace coppice {

/// The sections of a tree and of one level's weights: what model files and checkpoints have in common.
void add_tree(ModelFileWriter& writer, const LabelTree& tree);
void add_level(ModelFileWriter& writer, uint32_t level, const LevelWeights& weights);

/// Where the arrays of a level lie.
struct LevelPlaces {
  SectionType chunks, bias, payload;
};

/// The same for weights that are no level of a tree.
void add_weights(ModelFileWriter& writer, const LevelPlaces& places, const LevelWeights& weights);
LevelWeights read_weights(const ModelFile& file, const LevelPlaces& places, uint32_t n_features);

/// Reads them back, mapped. Throws `ErrorCode::data` for sections that are missing or do not fit each other.
LabelTree read_tree(const ModelFile& file, uint32_t depth, uint32_t n_labels);
LevelWeights read_level(const ModelFile& file, uint32_t level, uint32_t n_features);

}  // namespace coppice
