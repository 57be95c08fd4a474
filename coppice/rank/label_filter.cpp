// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/label_filter.h"

#include <algorithm>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

std::vector<uint64_t> bits_of(const LabelTree& tree, std::span<const uint32_t> labels) {
  std::vector<uint64_t> bits((size_t{tree.n_labels} + 63) / 64);
  for (const uint32_t label : labels) {
    if (label >= tree.n_labels) {
      throw Error(ErrorCode::usage,
                  "label " + std::to_string(label) + " in a filter for a model of " + counted(tree.n_labels, "label"));
    }
    bits[label >> 6] |= uint64_t{1} << (label & 63);
  }
  return bits;
}

bool get(const std::vector<uint64_t>& bits, size_t i) {
  return (bits[i >> 6] >> (i & 63) & 1) != 0;
}
void set(std::vector<uint64_t>& bits, size_t i) {
  bits[i >> 6] |= uint64_t{1} << (i & 63);
}

}  // namespace

LabelFilter LabelFilter::allow(const LabelTree& tree, std::span<const uint32_t> labels) {
  return from_bits(tree, bits_of(tree, labels));
}

LabelFilter LabelFilter::deny(const LabelTree& tree, std::span<const uint32_t> labels) {
  std::vector<uint64_t> bits = bits_of(tree, labels);
  for (uint64_t& word : bits) word = ~word;
  return from_bits(tree, bits);
}

LabelFilter LabelFilter::from_bits(const LabelTree& tree, const std::vector<uint64_t>& label_bits) {
  LabelFilter filter;
  filter.levels_.resize(tree.depth());
  for (size_t level = 1; level <= tree.depth(); ++level) {
    filter.n_nodes_.push_back(tree.n_nodes(level));
    filter.levels_[level - 1].resize((tree.n_nodes(level) + 63) / 64);
  }
  if (tree.depth() == 0) return filter;
  std::vector<uint64_t>& leaves = filter.levels_.back();
  const size_t n_leaves = std::min(filter.n_nodes_.back(), tree.leaf_label.size());
  for (size_t node = 0; node < n_leaves; ++node) {
    const uint32_t label = tree.leaf_label[node];
    if (label < tree.n_labels && get(label_bits, label)) set(leaves, node);
  }
  for (size_t level = tree.depth() - 1; level >= 1; --level) {
    const Array<uint32_t>& first_child = tree.first_child[level];
    const std::vector<uint64_t>& below = filter.levels_[level];
    for (size_t node = 0; node < tree.n_nodes(level) && node + 1 < first_child.size(); ++node) {
      const size_t end = std::min<size_t>(first_child[node + 1], filter.n_nodes_[level]);
      for (size_t child = first_child[node]; child < end; ++child) {
        if (get(below, child)) {
          set(filter.levels_[level - 1], node);
          break;
        }
      }
    }
  }
  return filter;
}

}  // namespace coppice
