// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "coppice/index/label_tree.h"
#include "coppice/rank/chunk.h"
#include "coppice/rank/level_weights.h"
#include "coppice/rank/post_processor.h"

namespace coppice {

/// The recursive linear ranker: one set of chunk weights per level of the tree.
///
/// Immutable once built; const use is thread-safe. Source: Yu et al., "PECOS", 2022, section 4 (XR-Linear).
struct Ranker {
  LabelTree tree;
  std::vector<LevelWeights> levels;  ///< tree.depth() of them
  uint32_t n_features = 0;
  PostProcessor post_processor = PostProcessor::l3_hinge;  ///< chosen at training; may be overridden per call

  /// Throws `ErrorCode::data` unless tree and levels have the same shapes: what every search relies on, whatever the
  /// contents of the arrays are. To be called once by whoever makes a ranker of bytes from elsewhere.
  /// Cost: O(levels).
  void check_shapes() const;

  /// Throws `ErrorCode::data` unless every invariant of tree and levels holds. Cost: O(bytes).
  void verify() const;

  /// Stored weights (biases not counted) and the bytes of all levels.
  uint64_t n_weights() const noexcept;
  uint64_t size_bytes() const noexcept;
};

}  // namespace coppice
