// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/math/csr.h"

namespace coppice {

/// A run of rows of a matrix that several threads build, one run each.
struct CsrPiece {
  std::vector<uint32_t> sizes;  ///< entries of each row
  std::vector<uint32_t> columns;
  std::vector<float> values;
};

/// The size of a matrix, and of the runs in which it is built.
struct CsrPlan {
  size_t n_rows = 0;
  uint32_t n_columns = 0;
  size_t grain = 1;  ///< rows of a run
};

/// Appends the rows [begin, end) to an empty piece.
using FillPiece = std::function<void(size_t begin, size_t end, size_t worker, CsrPiece& piece)>;

/// Builds a matrix run by run. Memory: the matrix, and a few runs for each thread: never the matrix twice.
Csr build_in_pieces(const CsrPlan& plan, ThreadPool& pool, const FillPiece& fill);

}  // namespace coppice
