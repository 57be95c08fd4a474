// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace coppice {

/// How many nodes each level of a tree of clusters has, and hence which labels (by position) stand under which node.
///
/// Nodes share out evenly: node i of level t has the children [i * w(t+1) / w(t), (i+1) * w(t+1) / w(t)), and cluster j
/// of the last level the label positions [j * L / w, (j+1) * L / w). Level 0 is the root; the labels themselves are no
/// level here.
class TreeShape {
 public:
  /// `widths`: nodes of levels 1, 2, ...; may be empty (the labels are the root's children).
  /// Throws `ErrorCode::usage` unless 1 <= widths[0] <= widths[1] <= ... <= n_labels.
  TreeShape(uint32_t n_labels, std::vector<uint32_t> widths);

  uint32_t n_labels() const noexcept { return n_labels_; }
  size_t depth() const noexcept { return widths_.size() - 1; }  ///< levels of clusters below the root
  uint32_t width(size_t level) const noexcept { return widths_[level]; }

  /// The first child of a node (node == width: one past the last child of all). Level < depth().
  uint32_t child_begin(size_t level, uint32_t node) const noexcept;
  /// The position of the first label under a node (node == width: n_labels).
  uint32_t label_begin(size_t level, uint32_t node) const noexcept;

 private:
  uint32_t n_labels_;
  std::vector<uint32_t> widths_;  // widths_[0] = 1
};

/// The shape that PECOS gives: 2^ceil(log2(L / max_leaf)) clusters, gathered by `branching` from below until the root
/// has at most `root_branching` children. A branching that is no power of two starts from ceil(L / max_leaf) clusters.
/// Source: Yu et al., "PECOS", 2022, algorithm 1; the code's HierarchicalKMeans and ClusterChain.
TreeShape regular_shape(uint32_t n_labels, uint32_t branching, uint32_t max_leaf, uint32_t root_branching);

}  // namespace coppice
