// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/examples.h"

#include <algorithm>

namespace coppice {

size_t Examples::size() const noexcept {
  return std::max({texts.size(), features.n_rows(), dense.n_rows(), labels.n_rows(), weights.size(), ids.size()});
}

}  // namespace coppice
