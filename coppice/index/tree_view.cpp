// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/tree_view.h"

#include <algorithm>
#include <unordered_set>

#include "coppice/core/error.h"

namespace coppice {

TreePlace TreeView::start(const TreeViewOptions& options) const {
  if (options.level > tree_.depth()) {
    throw Error(ErrorCode::usage, "the tree has no level " + std::to_string(options.level) + ", its levels are 0 to " +
                                      std::to_string(tree_.depth()));
  }
  if (options.node >= tree_.n_nodes(options.level)) {
    throw Error(ErrorCode::usage, "level " + std::to_string(options.level) + " of the tree has no node " +
                                      std::to_string(options.node) + ", its nodes are 0 to " +
                                      std::to_string(tree_.n_nodes(options.level) - 1));
  }
  return {options.level, options.node};
}

std::pair<uint32_t, uint32_t> TreeView::children(TreePlace place) const {
  const Array<uint32_t>& first = tree_.first_child[place.level];
  return {first[place.node], first[place.node + 1]};
}

uint32_t TreeView::n_labels(TreePlace place) const {
  if (overlaps()) return static_cast<uint32_t>(labels_below(place, SIZE_MAX).size());
  return leaves_below(tree_, place.level, place.node).size();
}

std::vector<uint32_t> TreeView::labels_below(TreePlace place, size_t most) const {
  const NodeRange leaves = leaves_below(tree_, place.level, place.node);
  const auto all = tree_.leaf_label.subspan(leaves.begin, leaves.size());
  if (!overlaps()) return {all.begin(), all.begin() + static_cast<ptrdiff_t>(std::min(most, all.size()))};
  std::vector<uint32_t> labels;
  std::unordered_set<uint32_t> seen;
  for (size_t i = 0; i < all.size() && labels.size() < most; ++i) {
    if (seen.insert(all[i]).second) labels.push_back(all[i]);
  }
  return labels;
}

std::vector<std::string> TreeView::examples(TreePlace place, size_t most) const {
  const bool by_frequency = names_.frequencies.size() == tree_.n_labels;
  std::vector<uint32_t> labels = labels_below(place, by_frequency ? SIZE_MAX : most);
  const size_t count = std::min(most, labels.size());
  if (by_frequency) {
    const auto more_frequent = [&](uint32_t a, uint32_t b) {
      return names_.frequencies[a] != names_.frequencies[b] ? names_.frequencies[a] > names_.frequencies[b] : a < b;
    };
    std::partial_sort(labels.begin(), labels.begin() + static_cast<ptrdiff_t>(count), labels.end(), more_frequent);
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(name(labels[i]));
  return names;
}

}  // namespace coppice
