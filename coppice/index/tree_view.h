// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coppice/index/tree_export.h"

namespace coppice {

/// A node of a tree.
struct TreePlace {
  size_t level = 0;
  uint32_t node = 0;
};

/// A tree with names, for those who draw it. Borrows both.
class TreeView {
 public:
  TreeView(const LabelTree& tree, const TreeNames& names) : tree_(tree), names_(names) {}

  /// Throws `ErrorCode::usage` when the tree has no such node.
  TreePlace start(const TreeViewOptions& options) const;

  bool is_label(TreePlace place) const { return place.level == tree_.depth(); }
  std::pair<uint32_t, uint32_t> children(TreePlace place) const;
  /// Labels that stand in a leaf under a node, each counted once. Cost: O(depth); where clusters overlap, the leaves.
  uint32_t n_labels(TreePlace place) const;
  uint32_t label(TreePlace place) const { return tree_.leaf_label[place.node]; }
  std::string label_name(TreePlace place) const { return name(label(place)); }

  /// Names of the most frequent labels under a node (ties, or no frequencies: the first ones), each label once.
  std::vector<std::string> examples(TreePlace place, size_t most) const;

  const LabelTree& tree() const { return tree_; }

 private:
  std::string name(uint32_t label) const { return names_.name_of ? names_.name_of(label) : std::to_string(label); }
  /// Each label has a leaf, so that more leaves than labels say that some label has several.
  bool overlaps() const { return tree_.leaf_label.size() != tree_.n_labels; }
  /// The first labels under a node, in the order of their first leaves.
  std::vector<uint32_t> labels_below(TreePlace place, size_t most) const;

  const LabelTree& tree_;
  const TreeNames& names_;
};

}  // namespace coppice
