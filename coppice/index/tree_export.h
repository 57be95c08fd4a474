// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "coppice/core/options.h"
#include "coppice/index/label_tree.h"

namespace coppice {

/// How much of a tree is shown. The subtree starts at node `node` of level `level`.
struct TreeViewOptions {
  uint32_t level = 0;
  uint32_t node = 0;
  uint32_t most_depth = 0;
  uint32_t most_children = 12;
  uint32_t most_rows = 120;
};

void describe(OptionTable& table, TreeViewOptions& options);

/// The names of the labels, and how many instances have each (L counts, or empty): the most frequent labels of a
/// cluster stand for it. `name_of` may be empty where labels have no names: their numbers are shown. `is_repeated` says
/// whether several labels have a name; empty: none has.
struct TreeNames {
  std::function<std::string(uint32_t label)> name_of;
  std::span<const uint32_t> frequencies = {};
  std::function<bool(std::string_view name)> is_repeated = nullptr;
};

/// Nested JSON, one node a line: inner nodes `{"n_labels": 95, "children": [...]}`, labels `{"label": "name"}`. A label
/// without a name is `{"label": 7}`, one that its name does not tell from others (repeated, or no UTF-8)
/// `{"label": 7, "name": "name"}`. Below `most_depth` levels (0 = all) nodes are `{"n_labels": 95, "examples":
/// [names]}`. Whole trees can be read back by `tree_from_json`. The other limits do not apply. Bytes of names that are
/// no UTF-8 become U+FFFD. Throws `ErrorCode::usage` when the tree has no such node.
std::string tree_to_json(const LabelTree& tree, const TreeNames& names, const TreeViewOptions& options);

/// A drawing for people, as SVG: root left, labels right, clusters that are not opened by their most frequent labels.
///
/// Opens nodes from the root down while at most `most_rows` lines are used; of a node with more than `most_children`
/// children the rest is summed up in one line.
/// Throws `ErrorCode::usage` when the tree has no such node.
std::string tree_to_svg(const LabelTree& tree, const TreeNames& names, const TreeViewOptions& options);

}  // namespace coppice
