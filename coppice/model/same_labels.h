// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/data/label_names.h"

namespace coppice {

/// The labels of a model: their names, if they have any, and how many there are.
struct LabelSet {
  const LabelNames& names;
  uint32_t n_labels = 0;
};

/// Which label of `first` each label of `other` is, so that the answers of two models can be combined: the one of the
/// same name, or of the same number where labels have no names. Labels that share a name go by their order.
///
/// Shapes: other.n_labels, or empty when the numbers agree already. Cost: O(L), and O(L log L) for another order.
/// Throws `ErrorCode::data` for `where` when the labels are not the same, naming the first that one of them lacks.
std::vector<uint32_t> match_labels(const LabelSet& first, const LabelSet& other, const std::string& where);

}  // namespace coppice
