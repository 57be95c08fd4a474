// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_batch.h"

#include <algorithm>

namespace coppice {
namespace {

std::vector<torch::Tensor> frames_of(const Frames& frames, std::span<const uint32_t> rows) {
  const int64_t n_bands = frames.n_bands;
  torch::Tensor lengths = torch::empty({int64_t(rows.size())}, torch::kInt64);
  int64_t longest = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const int64_t length = static_cast<int64_t>(frames.of(rows[i]).size()) / n_bands;
    lengths.data_ptr<int64_t>()[i] = length;
    longest = std::max(longest, length);
  }
  torch::Tensor values = torch::zeros({int64_t(rows.size()), longest, n_bands});
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto own = frames.of(rows[i]);
    std::copy(own.begin(), own.end(), values.data_ptr<float>() + int64_t(i) * longest * n_bands);
  }
  return {values, lengths};
}

std::vector<torch::Tensor> sparse_of(const Csr& features, std::span<const uint32_t> rows) {
  int64_t n_values = 0;
  torch::Tensor begins = torch::empty({int64_t(rows.size())}, torch::kInt64);
  for (size_t i = 0; i < rows.size(); ++i) {
    begins.data_ptr<int64_t>()[i] = n_values;
    n_values += static_cast<int64_t>(features.row(rows[i]).size());
  }
  torch::Tensor columns = torch::empty({n_values}, torch::kInt64);
  torch::Tensor values = torch::empty({n_values});
  int64_t* column = columns.data_ptr<int64_t>();
  float* value = values.data_ptr<float>();
  for (const uint32_t i : rows) {
    const SparseRow row = features.row(i);
    column = std::copy(row.columns.begin(), row.columns.end(), column);
    value = std::copy(row.values.begin(), row.values.end(), value);
  }
  return {columns, begins, values};
}

torch::Tensor dense_of(const Csr& matrix, std::span<const uint32_t> rows) {
  torch::Tensor dense = torch::zeros({int64_t(rows.size()), int64_t(matrix.n_columns)});
  for (size_t i = 0; i < rows.size(); ++i) {
    const SparseRow row = matrix.row(rows[i]);
    float* const values = dense.data_ptr<float>() + i * matrix.n_columns;
    for (size_t j = 0; j < row.size(); ++j) values[row.columns[j]] = row.values[j];
  }
  return dense;
}

}  // namespace

std::vector<torch::Tensor> make_inputs(const NetExamples& examples, std::span<const uint32_t> rows, NetTask task) {
  if (task == NetTask::speech) return frames_of(examples.frames, rows);
  if (task == NetTask::text) return sparse_of(examples.features, rows);
  return {dense_of(examples.features, rows)};
}

NetBatch make_batch(const NetExamples& examples, std::span<const uint32_t> rows, NetAim aim) {
  NetBatch batch{make_inputs(examples, rows, aim.task), {}, {}};
  batch.targets = dense_of(examples.labels, rows);
  if (aim.loss == NetLoss::cross_entropy) batch.targets /= batch.targets.sum(1, /*keepdim=*/true).clamp_min(1e-20F);
  if (examples.weights.empty()) return batch;
  batch.weights = torch::empty({int64_t(rows.size())});
  for (size_t i = 0; i < rows.size(); ++i) batch.weights.data_ptr<float>()[i] = examples.weights[rows[i]];
  return batch;
}

void move_batch(NetBatch& batch, torch::Device device) {
  if (device.is_cpu()) return;
  for (torch::Tensor& input : batch.inputs) input = input.to(device);
  if (batch.targets.defined()) batch.targets = batch.targets.to(device);
  if (batch.weights.defined()) batch.weights = batch.weights.to(device);
}

}  // namespace coppice
