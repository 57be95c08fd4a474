// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/tag/tags.h"

namespace coppice {

/// Finds the best path of tags. Storage is reused from text to text.
///
/// Threads: one at a time, each with its own.
class Viterbi {
 public:
  /// `scores`: of the tags, n x tags. The path, until the next call, is one that BIO allows, whatever the scores are:
  /// infinite or no numbers, too. Of equal paths the same one always.
  /// Cost: O(n * tags * slots), a vector at a time; the path is found again from the back, no pointers are kept.
  /// Source: Forney, "The Viterbi algorithm", 1973.
  std::span<const uint32_t> best_path(std::span<const float> scores, const TransitionView<float>& transitions);

 private:
  std::vector<float> best_;  ///< n x tags: of the paths that end there
  std::vector<uint32_t> path_;
};

/// The slots of a path, as words: [begin, end).
void slots_of_path(Tags tags, std::span<const uint32_t> path, std::vector<Slot>& slots);

}  // namespace coppice
