// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/math/array.h"

namespace coppice {

/// One row of a sparse matrix: columns ascending without repeats, and their values.
struct SparseRow {
  std::span<const uint32_t> columns;
  std::span<const float> values;
  size_t size() const noexcept { return columns.size(); }
};

/// A sparse matrix by rows (compressed sparse row), as in SciPy: offsets 64-bit, columns 32-bit, values float.
///
/// Shapes: offsets n + 1, columns and values offsets[n].
/// Invariants (established by whoever builds one; `validate` checks them): offsets ascend from 0; in each row the
/// columns ascend strictly and are below `n_columns`; values are finite.
struct Csr {
  uint32_t n_columns = 0;
  Array<uint64_t> offsets;
  Array<uint32_t> columns;
  Array<float> values;

  size_t n_rows() const noexcept { return offsets.empty() ? 0 : offsets.size() - 1; }
  uint64_t n_nonzeros() const noexcept { return columns.size(); }
  SparseRow row(size_t i) const noexcept {
    const uint64_t begin = offsets[i];
    const size_t count = static_cast<size_t>(offsets[i + 1] - begin);
    return {columns.subspan(begin, count), values.subspan(begin, count)};
  }

  /// Throws `ErrorCode::data` naming the row that breaks an invariant; `what` names the matrix in the message.
  void validate(std::string_view what) const;
};

/// Builds a matrix row by row.
class CsrBuilder {
 public:
  explicit CsrBuilder(uint32_t n_columns = 0) : n_columns_(n_columns) {}

  /// Adds one entry to the row in work. Any order; a repeated column is summed by `end_row`.
  void add(uint32_t column, float value) {
    columns_.push_back(column);
    values_.push_back(value);
  }
  /// Closes the row: sorts it and sums repeated columns.
  void end_row();

  /// Widens the matrix (it grows by itself to the largest column seen).
  void set_columns(uint32_t n_columns) { n_columns_ = n_columns; }
  size_t n_rows() const noexcept { return offsets_.size() - 1; }
  uint64_t n_nonzeros() const noexcept { return columns_.size(); }

  Csr build();

 private:
  uint32_t n_columns_;
  std::vector<uint64_t> offsets_{0};
  std::vector<uint32_t> columns_;
  std::vector<float> values_;
};

/// Scratch-free helpers. All keep the invariants of `Csr` and give the same bytes for any number of threads.
Csr transpose(const Csr& matrix, ThreadPool& pool);
/// Rows scaled to l2 norm 1; zero rows stay.
Csr normalize_rows_l2(const Csr& matrix, ThreadPool& pool);
/// Rows in the order given; repeats allowed.
Csr select_rows(const Csr& matrix, std::span<const uint32_t> rows);
/// [a, b]: rows side by side; columns of b follow those of a.
Csr concatenate_columns(const Csr& a, const Csr& b);
/// Rows of b under those of a; the wider column count wins.
Csr concatenate_rows(const Csr& a, const Csr& b);
/// Many pieces, one under the other; each is let go once it is copied, so the peak is little more than the result.
Csr concatenate_rows(std::vector<Csr> pieces);

}  // namespace coppice
