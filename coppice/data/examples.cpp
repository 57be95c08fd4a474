// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/examples.h"

#include <algorithm>

namespace coppice {

size_t Examples::size() const noexcept {
  return std::max({texts.size(), features.n_rows(), dense.n_rows(), labels.n_rows(), weights.size(), ids.size()});
}

void append_weights(const Examples& block, size_t n_rows, std::vector<float>& weights) {
  if (block.weights.empty() && weights.empty()) return;
  weights.resize(n_rows, 1.0F);
  weights.insert(weights.end(), block.weights.begin(), block.weights.end());
  weights.resize(n_rows + block.size(), 1.0F);
}

}  // namespace coppice
