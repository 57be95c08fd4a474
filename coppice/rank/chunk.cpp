// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/chunk.h"

#include <algorithm>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {

void check_rows(const ChunkRows& rows, uint32_t n_features) {
  check(rows.bias.size() <= 65535, "a chunk has at most 65,535 children");
  check(rows.first_entry.size() == rows.features.size() + 1, "one more first entry than rows");
  check(rows.children.size() == rows.values.size() && rows.first_entry.front() == 0 &&
            rows.first_entry.back() == rows.values.size(),
        "rows span the entries");
  for (size_t r = 0; r < rows.features.size(); ++r) {
    check(rows.features[r] < n_features && (r == 0 || rows.features[r] > rows.features[r - 1]),
          "features ascend below n_features");
    check(rows.first_entry[r] < rows.first_entry[r + 1], "a row has an entry");
    for (uint32_t i = rows.first_entry[r]; i < rows.first_entry[r + 1]; ++i) {
      check(
          rows.children[i] < rows.bias.size() && (i == rows.first_entry[r] || rows.children[i] > rows.children[i - 1]),
          "children ascend inside their chunk");
    }
  }
}

ChunkRows without_zeros(const ChunkRows& rows) {
  ChunkRows kept;
  kept.bias = rows.bias;
  kept.first_entry = {0};
  for (size_t r = 0; r < rows.features.size(); ++r) {
    for (uint32_t i = rows.first_entry[r]; i < rows.first_entry[r + 1]; ++i) {
      if (rows.values[i] == 0) continue;
      kept.children.push_back(rows.children[i]);
      kept.values.push_back(rows.values[i]);
    }
    if (kept.values.size() == kept.first_entry.back()) continue;
    kept.features.push_back(rows.features[r]);
    kept.first_entry.push_back(static_cast<uint32_t>(kept.values.size()));
  }
  return kept;
}

ChunkRows renumber_rows(const ChunkRows& rows, std::span<const uint32_t> numbers) {
  std::vector<std::pair<uint32_t, uint32_t>> order;  // new number, row
  for (uint32_t row = 0; row < rows.features.size(); ++row) {
    const uint32_t number = numbers[rows.features[row]];
    if (number != kNoFeature) order.emplace_back(number, row);
  }
  std::sort(order.begin(), order.end());
  ChunkRows result;
  result.bias = rows.bias;
  result.first_entry = {0};
  for (const auto& [number, row] : order) {
    result.features.push_back(number);
    for (uint32_t i = rows.first_entry[row]; i < rows.first_entry[row + 1]; ++i) {
      result.children.push_back(rows.children[i]);
      result.values.push_back(rows.values[i]);
    }
    result.first_entry.push_back(static_cast<uint32_t>(result.values.size()));
  }
  return result;
}

}  // namespace coppice
