// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/index/label_tree.h"
#include "coppice/math/csr.h"
#include "coppice/rank/level_weights.h"
#include "coppice/rank/post_processor.h"
#include "coppice/rank/ranker.h"

namespace coppice {

/// What a matcher may look at.
struct MatcherInput {
  const Csr& queries;  ///< n x d
  const LabelTree& tree;
  std::span<const LevelWeights> levels;  ///< trained so far; nodes of level `levels.size()` are to be found
};

/// The matching stage: names, for each row, the few nodes of a level below which its labels are looked for. Implement
/// it to plug in a matcher of your own: a text encoder, an inverted index, a rule of the trade.
///
/// In training it brings the matcher-aware negatives (man) to each level; afterwards `rank_matches` ranks what it
/// found. Threads: `match` is const and thread-safe; the result must not depend on the size of the pool. Source: Yu et
/// al., "PECOS", 2022, section 2 (three stages) and 4.2 (matcher-aware negatives).
class Matcher {
 public:
  virtual ~Matcher() = default;

  /// Shapes: n x nodes of level `input.levels.size()`; scores as values (in [0, 1] where the post-processor is a hinge
  /// or sigmoid, as products are taken along the path), columns ascending.
  virtual Csr match(const MatcherInput& input, ThreadPool& pool) const = 0;
};

/// Beam search with the levels that were trained so far: at most `beam` nodes a row.
class BeamMatcher final : public Matcher {
 public:
  /// Throws `ErrorCode::usage` for a beam of 0.
  explicit BeamMatcher(uint32_t beam = 10, PostProcessor post_processor = PostProcessor::l3_hinge);

  Csr match(const MatcherInput& input, ThreadPool& pool) const override;

 private:
  uint32_t beam_;
  PostProcessor post_processor_;
};

/// What a ranker that is there already finds, searched for once: for training that is repeated.
class FoundMatches final : public Matcher {
 public:
  /// Searches all levels. Throws as BeamMatcher.
  FoundMatches(const Ranker& ranker, const Csr& queries, uint32_t beam, ThreadPool& pool);

  /// Neither queries nor weights are looked at.
  Csr match(const MatcherInput& input, ThreadPool& pool) const override;

 private:
  std::vector<Csr> by_level_;
};

/// Throws `ErrorCode::data` unless `matches` is a sound matrix of that shape: to be asked of any matcher's result.
void check_matches(const Csr& matches, size_t n_rows, size_t n_nodes);

}  // namespace coppice
