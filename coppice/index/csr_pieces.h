// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
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

/// The runs one under the other. Empties `pieces` as it goes, so that the rows do not lie in memory twice for long.
Csr join_pieces(std::vector<CsrPiece>& pieces, uint32_t n_columns, ThreadPool& pool);

}  // namespace coppice
