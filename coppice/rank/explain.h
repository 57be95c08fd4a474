// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "coppice/math/csr.h"
#include "coppice/rank/beam_search.h"

namespace coppice {

/// What one feature of the query adds to the margin of one node.
struct FeatureContribution {
  uint32_t feature;
  float value;         ///< of the query
  float weight;        ///< of the node
  float contribution;  ///< value * weight
};

/// One step of the path from the root to a label.
struct LevelExplanation {
  uint32_t node;  ///< of level 1, 2, ...
  float bias;
  float margin;                               ///< bias + the sum of all contributions, as the search computed it
  float score;                                ///< of this step alone, post-processed
  float path_score;                           ///< of the path so far; at the last level the score of the label
  std::vector<FeatureContribution> features;  ///< those with a weight, by magnitude, then by feature
};

/// Why a label got its score.
struct Explanation {
  uint32_t label;
  float score;
  std::vector<LevelExplanation> levels;  ///< one per level of the tree
};

/// Explains the score of a label, along the best of its leaves.
///
/// Throws `ErrorCode::usage` for a label that stands in no leaf. Cost: O(leaves); a tool for people, not for a loop.
Explanation explain_label(const Ranker& ranker, SparseRow query, uint32_t label,
                          PostProcessor post_processor = PostProcessor::of_model);

/// The labels that a search finds, each explained, best first.
std::vector<Explanation> explain_best(const Ranker& ranker, SparseRow query, const PredictOptions& options);

}  // namespace coppice
