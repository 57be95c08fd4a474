// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_examples.h"

#include <numeric>

#include "coppice/core/random.h"

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

std::vector<uint32_t> shuffled_rows(size_t n, uint64_t seed) {
  std::vector<uint32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0U);
  Random(seed).shuffle(std::span(rows));
  return rows;
}

}  // namespace coppice
