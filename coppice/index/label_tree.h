// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/math/array.h"
#include "coppice/math/csr.h"

namespace coppice {

/// The semantic index of the labels: a tree whose nodes of one level are numbered 0.. so that siblings are neighbours.
///
/// Level 0 is the root. The children of node p of level t are the nodes [first_child[t][p], first_child[t][p + 1]) of
/// level t + 1; together they are chunk p of level t. A node of the last level, depth(), stands for a label:
/// `leaf_label[node]`. A label may stand in several leaves (overlapping clusters); each label stands in at least one.
/// One level = one-versus-rest.
/// Invariants (`validate`): first_child[t] ascends from 0, has n_nodes(t) + 1 entries, and each node has 1 to 65,535
/// children; leaf labels are below n_labels.
/// Source: Yu et al., "PECOS", 2022, section 3 (their cluster indicator matrices C(t) as child ranges).
struct LabelTree {
  static constexpr uint32_t kMostChildren = 65535;

  uint32_t n_labels = 0;
  std::vector<Array<uint32_t>> first_child;  ///< depth() arrays
  Array<uint32_t> leaf_label;                ///< n_nodes(depth()) labels

  size_t depth() const noexcept { return first_child.size(); }
  size_t n_nodes(size_t level) const noexcept { return level == 0 ? 1 : first_child[level - 1].back(); }
  size_t n_chunks(size_t level) const noexcept { return n_nodes(level); }

  /// Throws `ErrorCode::data` naming the invariant that does not hold.
  void validate() const;
};

/// Nodes [begin, end) of one level.
struct NodeRange {
  uint32_t begin = 0;
  uint32_t end = 0;

  uint32_t size() const noexcept { return end - begin; }
};

/// The leaves below a node of `level`; of a leaf, itself. Cut to the leaves that there are, so that a tree whose child
/// offsets are damaged (but as many as its nodes ask for) is not read out of bounds. Cost: O(depth).
NodeRange leaves_below(const LabelTree& tree, size_t level, uint32_t node) noexcept;

/// For each level t = 1..depth(): which nodes of level t an instance belongs to, with the largest relevance of its
/// labels under the node. Shapes: labels n x L; result[t - 1] is n x n_nodes(t).
std::vector<Csr> labels_up_the_tree(const LabelTree& tree, const Csr& labels, ThreadPool& pool);

}  // namespace coppice
