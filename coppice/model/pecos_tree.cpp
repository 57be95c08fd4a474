// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/pecos_tree.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

std::string level_text(size_t level) {
  return "level " + std::to_string(level);
}

void check_levels_fit(std::span<const Csr> children) {
  for (size_t t = 0; t + 1 < children.size(); ++t) {
    if (children[t].n_columns == children[t + 1].n_rows()) continue;
    throw Error(ErrorCode::data, level_text(t) + " has " + counted(children[t].n_columns, "node") + " below it, " +
                                     level_text(t + 1) + " expects " + std::to_string(children[t + 1].n_rows()));
  }
}

/// alive[t][node] = a label stands below that node of level t.
std::vector<std::vector<bool>> find_alive(std::span<const Csr> children) {
  std::vector<std::vector<bool>> alive(children.size() + 1);
  alive.back().assign(children.back().n_columns, true);
  for (size_t t = children.size(); t-- > 0;) {
    alive[t].resize(children[t].n_rows());
    for (size_t p = 0; p < alive[t].size(); ++p) {
      const auto columns = children[t].row(p).columns;
      alive[t][p] = std::any_of(columns.begin(), columns.end(), [&](uint32_t c) { return alive[t + 1][c]; });
    }
  }
  return alive;
}

/// The child ranges of one level and the numbers of the children, in the order of `parents`.
struct Level {
  std::vector<uint32_t> first_child{0};
  std::vector<uint32_t> numbers;
};

Level expand(const Csr& children, std::span<const uint32_t> parents, const std::vector<bool>& alive) {
  Level level;
  for (const uint32_t parent : parents) {
    for (const uint32_t child : children.row(parent).columns) {
      if (alive[child]) level.numbers.push_back(child);
    }
    level.first_child.push_back(static_cast<uint32_t>(level.numbers.size()));
  }
  return level;
}

void check_one_parent(std::span<const uint32_t> numbers, size_t n_nodes, size_t level) {
  std::vector<bool> seen(n_nodes);
  for (const uint32_t number : numbers) {
    if (seen[number]) {
      throw Error(ErrorCode::unsupported,
                  "node " + std::to_string(number) + " of " + level_text(level) +
                      " has two parents, so this is no tree; only labels may stand in several clusters");
    }
    seen[number] = true;
  }
}

void check_sizes(const Level& level, size_t t) {
  for (size_t p = 0; p + 1 < level.first_child.size(); ++p) {
    const uint32_t size = level.first_child[p + 1] - level.first_child[p];
    if (size <= LabelTree::kMostChildren) continue;
    throw Error(ErrorCode::unsupported, "a node of " + level_text(t) + " has " + counted(size, "child", "children") +
                                            ", at most 65535 are possible");
  }
}

/// PECOS never predicts a label without a cluster; a tree of ours has a place for each label.
void check_all_labels(std::span<const uint32_t> leaf_labels, uint32_t n_labels) {
  std::vector<bool> seen(n_labels);
  for (const uint32_t label : leaf_labels) seen[label] = true;
  const auto count = static_cast<size_t>(std::count(seen.begin(), seen.end(), false));
  if (count == 0) return;
  const auto first = std::find(seen.begin(), seen.end(), false) - seen.begin();
  throw Error(ErrorCode::unsupported,
              std::to_string(count) + " of " + counted(n_labels, "label") + " are in no cluster, label " +
                  std::to_string(first) + " for one, expected each in one at least",
              {}, "train the PECOS model on clusters of all labels");
}

/// One entry of a chunk while it is sorted by feature, then child.
struct Entry {
  uint32_t feature;
  uint16_t child;
  float value;
};

}  // namespace

PecosTree pecos_tree(std::span<const Csr> children) {
  if (children.empty() || children[0].n_rows() == 0) throw Error(ErrorCode::data, "the model has no level");
  check_levels_fit(children);
  const auto alive = find_alive(children);
  PecosTree result;
  std::vector<uint32_t> parents(children[0].n_rows());
  std::iota(parents.begin(), parents.end(), 0u);
  if (std::find(alive[0].begin(), alive[0].end(), true) == alive[0].end()) {
    throw Error(ErrorCode::data, "no label stands in any cluster");
  }
  for (size_t t = 0; t < children.size(); ++t) {
    Level level = expand(children[t], parents, alive[t + 1]);
    if (t == 0) level.first_child = {0, static_cast<uint32_t>(level.numbers.size())};
    if (t + 1 < children.size()) check_one_parent(level.numbers, children[t].n_columns, t + 1);
    check_sizes(level, t);
    parents = level.numbers;
    result.tree.first_child.emplace_back(std::move(level.first_child));
    result.numbers.push_back(std::move(level.numbers));
  }
  result.tree.n_labels = children.back().n_columns;
  check_all_labels(result.numbers.back(), result.tree.n_labels);
  result.tree.leaf_label = result.numbers.back();
  return result;
}

ChunkRows pecos_chunk(const PecosWeights& level, std::span<const uint32_t> children) {
  ChunkRows chunk;
  chunk.bias.assign(children.size(), 0.0F);
  std::vector<Entry> entries;
  for (size_t c = 0; c < children.size(); ++c) {
    const SparseRow row = level.weights.row(children[c]);
    for (size_t i = 0; i < row.size(); ++i) {
      if (row.columns[i] == level.n_features) {
        chunk.bias[c] = row.values[i] * level.bias;
      } else if (row.values[i] != 0.0F) {
        entries.push_back({row.columns[i], static_cast<uint16_t>(c), row.values[i]});
      }
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.feature, a.child) < std::pair(b.feature, b.child);
  });
  for (const Entry& entry : entries) {
    if (chunk.features.empty() || chunk.features.back() != entry.feature) {
      chunk.features.push_back(entry.feature);
      chunk.first_entry.push_back(static_cast<uint32_t>(chunk.children.size()));
    }
    chunk.children.push_back(entry.child);
    chunk.values.push_back(entry.value);
  }
  chunk.first_entry.push_back(static_cast<uint32_t>(chunk.children.size()));
  return chunk;
}

}  // namespace coppice
