// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/csr.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

constexpr size_t kRowGrain = 4096;

[[noreturn]] void refuse(std::string_view what, const std::string& why) {
  throw Error(ErrorCode::data, std::string(what) + ": " + why);
}

}  // namespace

void Csr::validate(std::string_view what) const {
  if (columns.size() != values.size()) refuse(what, "as many columns as values expected");
  if (offsets.empty()) {
    if (!columns.empty()) refuse(what, "entries without rows");
    return;
  }
  if (offsets.front() != 0 || offsets.back() != columns.size()) refuse(what, "row offsets do not span the entries");
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const std::string place = "row " + std::to_string(i);
    if (offsets[i] > offsets[i + 1] || offsets[i + 1] > columns.size()) refuse(what, place + ": offsets do not ascend");
    const SparseRow entries = row(i);
    for (size_t j = 0; j < entries.size(); ++j) {
      if (entries.columns[j] >= n_columns) {
        refuse(what, place + ": column " + std::to_string(entries.columns[j]) + " in a matrix of " +
                         counted(n_columns, "column"));
      }
      if (j > 0 && entries.columns[j] <= entries.columns[j - 1]) refuse(what, place + ": columns do not ascend");
      if (!std::isfinite(entries.values[j])) refuse(what, place + ": a value is not finite");
    }
  }
}

void CsrBuilder::end_row() {
  const size_t begin = static_cast<size_t>(offsets_.back());
  const size_t count = columns_.size() - begin;
  const auto first = columns_.begin() + static_cast<ptrdiff_t>(begin);
  if (std::adjacent_find(first, columns_.end(), std::greater_equal<>()) != columns_.end()) {
    std::vector<std::pair<uint32_t, float>> entries(count);
    for (size_t j = 0; j < count; ++j) entries[j] = {columns_[begin + j], values_[begin + j]};
    std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    size_t kept = begin;
    for (const auto& [column, value] : entries) {
      if (kept > begin && columns_[kept - 1] == column) {
        values_[kept - 1] += value;
      } else {
        columns_[kept] = column;
        values_[kept++] = value;
      }
    }
    columns_.resize(kept);
    values_.resize(kept);
  }
  if (columns_.size() > begin) n_columns_ = std::max(n_columns_, columns_.back() + 1);
  offsets_.push_back(columns_.size());
}

Csr CsrBuilder::build() {
  Csr matrix;
  matrix.n_columns = n_columns_;
  matrix.offsets = std::move(offsets_);
  matrix.columns = std::move(columns_);
  matrix.values = std::move(values_);
  offsets_ = {0};
  columns_ = {};
  values_ = {};
  return matrix;
}

Csr transpose(const Csr& matrix, ThreadPool&) {
  std::vector<uint64_t> offsets(size_t{matrix.n_columns} + 1);
  for (const uint32_t column : matrix.columns) ++offsets[column + 1];
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  std::vector<uint64_t> next(offsets.begin(), offsets.end() - 1);
  std::vector<uint32_t> rows(matrix.columns.size());
  std::vector<float> values(matrix.values.size());
  for (size_t i = 0; i < matrix.n_rows(); ++i) {
    const SparseRow row = matrix.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      const uint64_t place = next[row.columns[j]]++;
      rows[place] = static_cast<uint32_t>(i);
      values[place] = row.values[j];
    }
  }
  Csr result;
  result.n_columns = static_cast<uint32_t>(matrix.n_rows());
  result.offsets = std::move(offsets);
  result.columns = std::move(rows);
  result.values = std::move(values);
  return result;
}

Csr normalize_rows_l2(const Csr& matrix, ThreadPool& pool) {
  std::vector<float> values(matrix.values.size());
  pool.for_ranges(matrix.n_rows(), kRowGrain, [&](size_t begin, size_t end, size_t) {
    for (size_t i = begin; i < end; ++i) {
      const SparseRow row = matrix.row(i);
      double squares = 0;
      for (const float value : row.values) squares += double{value} * value;
      const float scale = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0;
      for (size_t j = 0; j < row.size(); ++j) values[matrix.offsets[i] + j] = row.values[j] * scale;
    }
  });
  Csr result = matrix;
  result.values = std::move(values);
  return result;
}

Csr select_rows(const Csr& matrix, std::span<const uint32_t> rows) {
  std::vector<uint64_t> offsets{0};
  offsets.reserve(rows.size() + 1);
  for (const uint32_t i : rows) offsets.push_back(offsets.back() + matrix.row(i).size());
  std::vector<uint32_t> columns;
  std::vector<float> values;
  columns.reserve(offsets.back());
  values.reserve(offsets.back());
  for (const uint32_t i : rows) {
    const SparseRow row = matrix.row(i);
    columns.insert(columns.end(), row.columns.begin(), row.columns.end());
    values.insert(values.end(), row.values.begin(), row.values.end());
  }
  Csr result;
  result.n_columns = matrix.n_columns;
  result.offsets = std::move(offsets);
  result.columns = std::move(columns);
  result.values = std::move(values);
  return result;
}

Csr concatenate_columns(const Csr& a, const Csr& b) {
  check(a.n_rows() == b.n_rows(), "matrices side by side have as many rows");
  std::vector<uint64_t> offsets{0};
  std::vector<uint32_t> columns;
  std::vector<float> values;
  columns.reserve(a.columns.size() + b.columns.size());
  values.reserve(columns.capacity());
  for (size_t i = 0; i < a.n_rows(); ++i) {
    const SparseRow left = a.row(i);
    const SparseRow right = b.row(i);
    columns.insert(columns.end(), left.columns.begin(), left.columns.end());
    for (const uint32_t column : right.columns) columns.push_back(a.n_columns + column);
    values.insert(values.end(), left.values.begin(), left.values.end());
    values.insert(values.end(), right.values.begin(), right.values.end());
    offsets.push_back(columns.size());
  }
  Csr result;
  result.n_columns = a.n_columns + b.n_columns;
  result.offsets = std::move(offsets);
  result.columns = std::move(columns);
  result.values = std::move(values);
  return result;
}

Csr concatenate_rows(const Csr& a, const Csr& b) {
  return concatenate_rows(std::vector<Csr>{a, b});
}

Csr concatenate_rows(std::vector<Csr> pieces) {
  size_t n_rows = 0;
  uint64_t n_nonzeros = 0;
  for (const Csr& piece : pieces) {
    n_rows += piece.n_rows();
    n_nonzeros += piece.n_nonzeros();
  }
  // Reserved memory is not touched, hence not resident, before a piece is appended to it.
  std::vector<uint64_t> offsets{0};
  std::vector<uint32_t> columns;
  std::vector<float> values;
  offsets.reserve(n_rows + 1);
  columns.reserve(n_nonzeros);
  values.reserve(n_nonzeros);
  uint32_t n_columns = 0;
  for (Csr& piece : pieces) {
    const uint64_t begin = columns.size();
    for (size_t i = 0; i < piece.n_rows(); ++i) offsets.push_back(begin + piece.offsets[i + 1]);
    columns.insert(columns.end(), piece.columns.begin(), piece.columns.end());
    values.insert(values.end(), piece.values.begin(), piece.values.end());
    n_columns = std::max(n_columns, piece.n_columns);
    piece = Csr();
  }
  Csr result;
  result.n_columns = n_columns;
  result.offsets = std::move(offsets);
  result.columns = std::move(columns);
  result.values = std::move(values);
  return result;
}

}  // namespace coppice
