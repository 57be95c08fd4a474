// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "coppice/data/examples.h"
#include "coppice/data/row.h"

namespace coppice {

/// Sorts the features of a row and sums the repeated ones; returns how many were merged into another.
/// Throws `BadLine` if a sum is not finite.
uint64_t sort_features(std::vector<FeatureEntry>& features);

/// Collects parsed rows into `Examples`, in which what no row has takes no room.
class BlockBuilder {
 public:
  /// Adds a row with features ascending and its labels ascending, each of them once.
  void add(const Row& row, std::span<const std::pair<uint32_t, float>> labels);

  size_t size() const noexcept { return n_rows_; }

  /// The rows so far, and an empty builder.
  Examples take(uint32_t n_features, uint32_t n_labels);

 private:
  void add_texts(const Row& row);
  void add_features(const Row& row);

  size_t n_rows_ = 0;
  Examples block_;
  CsrBuilder features_;
  CsrBuilder labels_;
};

/// Joins blocks in order; in the result a row without a text, weight or id of its own has "", 1 or "".
class ExamplesJoiner {
 public:
  void add(const Examples& block);
  size_t size() const noexcept { return n_rows_; }
  Examples take(uint32_t n_features, uint32_t n_labels);

 private:
  size_t n_rows_ = 0;
  Texts texts_;
  std::vector<float> weights_;
  std::vector<std::string> ids_;
  std::vector<uint64_t> feature_offsets_{0};
  std::vector<uint32_t> feature_columns_;
  std::vector<float> feature_values_;
  std::vector<uint64_t> label_offsets_{0};
  std::vector<uint32_t> label_columns_;
  std::vector<float> label_values_;
};

}  // namespace coppice
