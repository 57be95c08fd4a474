// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/csr_pieces.h"

#include <algorithm>

namespace coppice {

Csr join_pieces(std::vector<CsrPiece>& pieces, uint32_t n_columns, ThreadPool& pool) {
  std::vector<uint64_t> offsets{0};
  std::vector<uint64_t> begin;
  size_t n_rows = 0;
  for (const CsrPiece& piece : pieces) n_rows += piece.sizes.size();
  offsets.reserve(n_rows + 1);
  for (const CsrPiece& piece : pieces) {
    begin.push_back(offsets.back());
    for (const uint32_t size : piece.sizes) offsets.push_back(offsets.back() + size);
  }
  std::vector<uint32_t> columns(offsets.back());
  std::vector<float> values(offsets.back());
  pool.run(pieces.size(), [&](size_t part, size_t) {
    std::copy(pieces[part].columns.begin(), pieces[part].columns.end(), columns.begin() + begin[part]);
    std::copy(pieces[part].values.begin(), pieces[part].values.end(), values.begin() + begin[part]);
    pieces[part] = {};
  });
  Csr result;
  result.n_columns = n_columns;
  result.offsets = std::move(offsets);
  result.columns = std::move(columns);
  result.values = std::move(values);
  return result;
}

}  // namespace coppice
