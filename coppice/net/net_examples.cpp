// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_examples.h"

namespace coppice {

NetExamples select_examples(const NetExamples& examples, std::span<const uint32_t> rows) {
  NetExamples selected;
  selected.frames.n_bands = examples.frames.n_bands;
  if (examples.frames.n_bands > 0) {
    for (const uint32_t row : rows) selected.frames.add(examples.frames.of(row));
  } else {
    selected.features = select_rows(examples.features, rows);
  }
  if (examples.labels.n_rows() > 0) selected.labels = select_rows(examples.labels, rows);
  if (examples.weights.empty()) return selected;
  for (const uint32_t row : rows) selected.weights.push_back(examples.weights[row]);
  return selected;
}

}  // namespace coppice
