// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/label_tree.h"

#include <algorithm>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/index/csr_pieces.h"

namespace coppice {
namespace {

constexpr size_t kRowGrain = 4096;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::data, "label tree: " + why);
}

void check_children(std::span<const uint32_t> first, size_t level, size_t n_nodes) {
  const std::string place = "level " + std::to_string(level);
  if (first.size() != n_nodes + 1) {
    refuse(place + ": " + counted(first.size(), "child offset") + " for " + counted(n_nodes, "node") +
           ", expected one more than nodes");
  }
  if (first.front() != 0) refuse(place + ": the first child is " + std::to_string(first.front()) + ", expected 0");
  for (size_t p = 0; p < n_nodes; ++p) {
    if (first[p + 1] <= first[p] || first[p + 1] - first[p] > LabelTree::kMostChildren) {
      refuse(place + ", node " + std::to_string(p) + ": children [" + std::to_string(first[p]) + ", " +
             std::to_string(first[p + 1]) + "), expected 1 to 65535 of them");
    }
  }
}

/// The leaves of each label: leaves [first[l], first[l + 1]) of `nodes`, ascending.
struct LabelLeaves {
  std::vector<uint32_t> first;
  std::vector<uint32_t> nodes;
};

LabelLeaves leaves_by_label(const LabelTree& tree) {
  LabelLeaves leaves;
  leaves.first.assign(size_t{tree.n_labels} + 1, 0);
  for (const uint32_t label : tree.leaf_label) ++leaves.first[label + 1];
  for (size_t l = 0; l < tree.n_labels; ++l) leaves.first[l + 1] += leaves.first[l];
  std::vector<uint32_t> next(leaves.first.begin(), leaves.first.end() - 1);
  leaves.nodes.resize(tree.leaf_label.size());
  for (size_t node = 0; node < tree.leaf_label.size(); ++node) {
    leaves.nodes[next[tree.leaf_label[node]]++] = static_cast<uint32_t>(node);
  }
  return leaves;
}

std::vector<uint32_t> parents_of(std::span<const uint32_t> first_child) {
  std::vector<uint32_t> parents(first_child.back());
  for (size_t p = 0; p + 1 < first_child.size(); ++p) {
    std::fill(parents.begin() + first_child[p], parents.begin() + first_child[p + 1], static_cast<uint32_t>(p));
  }
  return parents;
}

/// Appends a row given as pairs ascending by node, the largest value of each node.
void append_row(std::span<const std::pair<uint32_t, float>> entries, CsrPiece& piece) {
  const size_t begin = piece.columns.size();
  for (const auto& [node, value] : entries) {
    if (piece.columns.size() > begin && piece.columns.back() == node) {
      piece.values.back() = std::max(piece.values.back(), value);
    } else {
      piece.columns.push_back(node);
      piece.values.push_back(value);
    }
  }
  piece.sizes.push_back(static_cast<uint32_t>(piece.columns.size() - begin));
}

Csr label_rows_to_leaves(const LabelTree& tree, const Csr& labels, ThreadPool& pool) {
  const LabelLeaves leaves = leaves_by_label(tree);
  const CsrPlan plan{labels.n_rows(), static_cast<uint32_t>(tree.leaf_label.size()), kRowGrain};
  return build_in_pieces(plan, pool, [&](size_t begin, size_t end, size_t, CsrPiece& piece) {
    std::vector<std::pair<uint32_t, float>> entries;
    for (size_t i = begin; i < end; ++i) {
      const SparseRow row = labels.row(i);
      entries.clear();
      for (size_t j = 0; j < row.size(); ++j) {
        const uint32_t label = row.columns[j];
        for (uint32_t at = leaves.first[label]; at < leaves.first[label + 1]; ++at) {
          entries.emplace_back(leaves.nodes[at], row.values[j]);
        }
      }
      std::sort(entries.begin(), entries.end());
      append_row(entries, piece);
    }
  });
}

Csr rows_one_level_up(const Csr& nodes, std::span<const uint32_t> first_child, ThreadPool& pool) {
  const std::vector<uint32_t> parents = parents_of(first_child);
  const CsrPlan plan{nodes.n_rows(), static_cast<uint32_t>(first_child.size() - 1), kRowGrain};
  return build_in_pieces(plan, pool, [&](size_t begin, size_t end, size_t, CsrPiece& piece) {
    std::vector<std::pair<uint32_t, float>> entries;
    for (size_t i = begin; i < end; ++i) {
      const SparseRow row = nodes.row(i);
      entries.clear();
      // Children ascend, so their parents do.
      for (size_t j = 0; j < row.size(); ++j) entries.emplace_back(parents[row.columns[j]], row.values[j]);
      append_row(entries, piece);
    }
  });
}

}  // namespace

void LabelTree::validate() const {
  if (first_child.empty()) refuse("no level; one level at least is expected");
  size_t nodes = 1;
  for (size_t level = 0; level < first_child.size(); ++level) {
    check_children(first_child[level], level, nodes);
    nodes = first_child[level].back();
  }
  if (leaf_label.size() != nodes) {
    refuse(counted(leaf_label.size(), "leaf label") + " for " + counted(nodes, "leaf", "leaves"));
  }
  if (n_labels > leaf_label.size()) {
    refuse(counted(n_labels, "label") + " but " + counted(leaf_label.size(), "leaf", "leaves"));
  }
  std::vector<bool> seen(n_labels);
  for (size_t node = 0; node < leaf_label.size(); ++node) {
    const uint32_t label = leaf_label[node];
    if (label >= n_labels) {
      refuse("leaf " + std::to_string(node) + " holds label " + std::to_string(label) + " of " +
             std::to_string(n_labels));
    }
    seen[label] = true;
  }
  const auto missing = std::find(seen.begin(), seen.end(), false);
  if (missing != seen.end()) refuse("label " + std::to_string(missing - seen.begin()) + " stands in no leaf");
}

NodeRange leaves_below(const LabelTree& tree, size_t level, uint32_t node) noexcept {
  size_t begin = node, end = size_t{node} + 1;
  for (size_t t = level; t < tree.depth(); ++t) {
    const Array<uint32_t>& first_child = tree.first_child[t];
    const size_t last = first_child.size() - 1;
    begin = first_child[std::min(begin, last)];
    end = first_child[std::min(end, last)];
  }
  end = std::min(end, tree.leaf_label.size());
  return {static_cast<uint32_t>(std::min(begin, end)), static_cast<uint32_t>(end)};
}

std::vector<Csr> labels_up_the_tree(const LabelTree& tree, const Csr& labels, ThreadPool& pool) {
  if (labels.n_columns > tree.n_labels) {
    throw Error(ErrorCode::data, "labels of " + counted(labels.n_columns, "column") + " on a tree of " +
                                     counted(tree.n_labels, "label"));
  }
  std::vector<Csr> levels(tree.depth());
  levels.back() = label_rows_to_leaves(tree, labels, pool);
  for (size_t t = tree.depth() - 1; t > 0; --t) {
    levels[t - 1] = rows_one_level_up(levels[t], tree.first_child[t], pool);
  }
  return levels;
}

}  // namespace coppice
