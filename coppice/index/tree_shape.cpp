// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/tree_shape.h"

#include <algorithm>
#include <bit>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

/// floor(i * parts / whole) without overflow.
uint32_t share(uint64_t i, uint64_t parts, uint64_t whole) noexcept {
  return static_cast<uint32_t>(i * parts / whole);
}

uint32_t divide_up(uint32_t a, uint32_t b) noexcept {
  return a / b + (a % b != 0);
}

}  // namespace

TreeShape::TreeShape(uint32_t n_labels, std::vector<uint32_t> widths) : n_labels_(n_labels) {
  widths_.reserve(widths.size() + 1);
  widths_.push_back(1);
  for (const uint32_t width : widths) {
    if (width < widths_.back() || width > n_labels) {
      throw Error(ErrorCode::usage, "tree level " + std::to_string(widths_.size()) + " of " + counted(width, "node") +
                                        ": expected at least the level above (" + std::to_string(widths_.back()) +
                                        ") and at most the " + counted(n_labels, "label"));
    }
    widths_.push_back(width);
  }
}

uint32_t TreeShape::child_begin(size_t level, uint32_t node) const noexcept {
  return share(node, widths_[level + 1], widths_[level]);
}

uint32_t TreeShape::label_begin(size_t level, uint32_t node) const noexcept {
  for (; level < depth(); ++level) node = child_begin(level, node);
  return share(node, n_labels_, widths_.back());
}

TreeShape regular_shape(uint32_t n_labels, uint32_t branching, uint32_t max_leaf, uint32_t root_branching) {
  if (branching < 2 || max_leaf < 1)
    throw Error(ErrorCode::usage, "a tree needs a branching of 2 and a leaf size of 1");
  if (n_labels <= max_leaf) return TreeShape(n_labels, {});
  uint32_t clusters = divide_up(n_labels, max_leaf);
  if (std::has_single_bit(branching)) clusters = std::min(n_labels, std::bit_ceil(clusters));
  std::vector<uint32_t> widths{clusters};
  const uint32_t most = root_branching == 0 ? branching : root_branching;
  while (widths.back() > most) widths.push_back(divide_up(widths.back(), branching));
  std::reverse(widths.begin(), widths.end());
  return TreeShape(n_labels, std::move(widths));
}

}  // namespace coppice
