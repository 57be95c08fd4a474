// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/index/label_tree.h"

namespace coppice {

/// Which labels may come out of a search, worked up the tree so that whole subtrees without any are never entered.
///
/// Made once per set of labels, then shared by any number of queries and threads.
/// Cost: one bit per node of the tree.
class LabelFilter {
 public:
  /// Only these labels. Throws `ErrorCode::usage` for a label that the tree does not have.
  static LabelFilter allow(const LabelTree& tree, std::span<const uint32_t> labels);
  /// All but these.
  static LabelFilter deny(const LabelTree& tree, std::span<const uint32_t> labels);

  size_t depth() const noexcept { return levels_.size(); }
  /// How many nodes of level 1.. the filter was made for; a search refuses a ranker with another number.
  size_t n_nodes(size_t level) const noexcept { return n_nodes_[level - 1]; }
  /// Has node `node` of level `level` (1 .. depth) an allowed label below it, or is it one?
  bool allows(size_t level, uint32_t node) const noexcept {
    return (levels_[level - 1][node >> 6] >> (node & 63) & 1) != 0;
  }

 private:
  static LabelFilter from_bits(const LabelTree& tree, const std::vector<uint64_t>& label_bits);

  std::vector<std::vector<uint64_t>> levels_;  ///< bit i of level t - 1: node i of level t
  std::vector<size_t> n_nodes_;
};

}  // namespace coppice
