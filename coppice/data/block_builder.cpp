// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/block_builder.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace coppice {
namespace {

/// Empty rows until there are `n_rows` of them.
void pad(Texts& texts, size_t n_rows) {
  texts.offsets.resize(n_rows + 1, texts.bytes.size());
}
void pad(std::vector<uint64_t>& offsets, size_t n_rows) {
  offsets.resize(n_rows + 1, offsets.back());
}

void append_rows(const Csr& matrix, std::vector<uint64_t>& offsets, std::vector<uint32_t>& columns,
                 std::vector<float>& values) {
  const uint64_t base = columns.size();
  for (size_t i = 1; i < matrix.offsets.size(); ++i) offsets.push_back(base + matrix.offsets[i]);
  columns.insert(columns.end(), matrix.columns.begin(), matrix.columns.end());
  values.insert(values.end(), matrix.values.begin(), matrix.values.end());
}

Csr matrix_of(uint32_t n_columns, std::vector<uint64_t>& offsets, std::vector<uint32_t>& columns,
              std::vector<float>& values) {
  Csr matrix;
  matrix.n_columns = n_columns;
  matrix.offsets = std::exchange(offsets, {0});
  matrix.columns = std::exchange(columns, {});
  matrix.values = std::exchange(values, {});
  return matrix;
}

}  // namespace

uint64_t sort_features(std::vector<FeatureEntry>& features) {
  const auto before = [](const FeatureEntry& a, const FeatureEntry& b) { return a.column < b.column; };
  const auto not_before = [&](const FeatureEntry& a, const FeatureEntry& b) { return !before(a, b); };
  if (std::adjacent_find(features.begin(), features.end(), not_before) == features.end()) return 0;
  std::stable_sort(features.begin(), features.end(), before);
  size_t kept = 0;
  for (size_t i = 0; i < features.size();) {
    const uint32_t column = features[i].column;
    double sum = 0;
    for (; i < features.size() && features[i].column == column; ++i) sum += double{features[i].value};
    const float value = static_cast<float>(sum);
    if (!std::isfinite(value)) {
      throw BadLine{1,
                    "the values of feature " + std::to_string(column) + " add up beyond the range of a 32-bit number"};
    }
    features[kept++] = {column, value};
  }
  const size_t merged = features.size() - kept;
  features.resize(kept);
  return merged;
}

void BlockBuilder::add(const Row& row, std::span<const std::pair<uint32_t, float>> labels) {
  add_features(row);
  add_texts(row);
  for (const auto& [label, relevance] : labels) labels_.add(label, relevance);
  labels_.end_row();
  ++n_rows_;
}

void BlockBuilder::add_texts(const Row& row) {
  if (row.has_text) {
    pad(block_.texts, n_rows_);
    block_.texts.add(row.text);
  }
  if (row.weight != 1 || !block_.weights.empty()) {
    block_.weights.resize(n_rows_, 1.0f);
    block_.weights.push_back(row.weight);
  }
  if (row.has_id) {
    block_.ids.resize(n_rows_);
    block_.ids.emplace_back(row.id);
  }
}

void BlockBuilder::add_features(const Row& row) {
  if (!row.has_features) return;
  while (features_.n_rows() < n_rows_) features_.end_row();
  for (const FeatureEntry& entry : row.features) features_.add(entry.column, entry.value);
  features_.end_row();
}

Examples BlockBuilder::take(uint32_t n_features, uint32_t n_labels) {
  if (block_.texts.size() > 0) pad(block_.texts, n_rows_);
  if (!block_.ids.empty()) block_.ids.resize(n_rows_);
  if (features_.n_rows() > 0) {
    while (features_.n_rows() < n_rows_) features_.end_row();
    features_.set_columns(n_features);
    block_.features = features_.build();
  }
  labels_.set_columns(n_labels);
  block_.labels = labels_.build();
  n_rows_ = 0;
  features_ = CsrBuilder();
  labels_ = CsrBuilder();
  return std::exchange(block_, {});
}

void ExamplesJoiner::add(const Examples& block) {
  const size_t n_rows = block.size();
  if (block.texts.size() > 0) {
    pad(texts_, n_rows_);
    const uint64_t base = texts_.bytes.size();
    texts_.bytes += block.texts.bytes;
    for (size_t i = 1; i <= n_rows; ++i) texts_.offsets.push_back(base + block.texts.offsets[i]);
  }
  if (!block.weights.empty()) {
    weights_.resize(n_rows_, 1.0f);
    weights_.insert(weights_.end(), block.weights.begin(), block.weights.end());
  }
  if (!block.ids.empty()) {
    ids_.resize(n_rows_);
    ids_.insert(ids_.end(), block.ids.begin(), block.ids.end());
  }
  if (block.features.n_rows() > 0) {
    pad(feature_offsets_, n_rows_);
    append_rows(block.features, feature_offsets_, feature_columns_, feature_values_);
  }
  if (block.labels.n_rows() > 0) {
    pad(label_offsets_, n_rows_);
    append_rows(block.labels, label_offsets_, label_columns_, label_values_);
  }
  n_rows_ += n_rows;
}

Examples ExamplesJoiner::take(uint32_t n_features, uint32_t n_labels) {
  Examples all;
  if (texts_.size() > 0) pad(texts_, n_rows_);
  if (!weights_.empty()) weights_.resize(n_rows_, 1.0f);
  if (!ids_.empty()) ids_.resize(n_rows_);
  all.texts = std::exchange(texts_, {});
  all.weights = std::exchange(weights_, {});
  all.ids = std::exchange(ids_, {});
  if (feature_offsets_.size() > 1) {
    pad(feature_offsets_, n_rows_);
    all.features = matrix_of(n_features, feature_offsets_, feature_columns_, feature_values_);
  }
  pad(label_offsets_, n_rows_);
  all.labels = matrix_of(n_labels, label_offsets_, label_columns_, label_values_);
  n_rows_ = 0;
  return all;
}

}  // namespace coppice
