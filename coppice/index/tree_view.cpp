// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/tree_view.h"

#include <algorithm>
#include <numeric>

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

std::pair<uint32_t, uint32_t> TreeView::leaves(TreePlace place) const {
  uint32_t begin = place.node;
  uint32_t end = place.node + 1;
  for (size_t level = place.level; level < tree_.depth(); ++level) {
    begin = tree_.first_child[level][begin];
    end = tree_.first_child[level][end];
  }
  return {begin, end};
}

uint32_t TreeView::n_labels(TreePlace place) const {
  const auto [begin, end] = leaves(place);
  return end - begin;
}

std::vector<std::string> TreeView::examples(TreePlace place, size_t most) const {
  const auto [begin, end] = leaves(place);
  std::vector<uint32_t> labels(tree_.leaf_label.begin() + begin, tree_.leaf_label.begin() + end);
  const size_t count = std::min(most, labels.size());
  if (names_.frequencies.size() == tree_.n_labels) {
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
