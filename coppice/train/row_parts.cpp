// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/row_parts.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace coppice {

void for_row_parts(size_t n_rows, const ThreadPool& pool, const Progress* stop,
                   const std::function<void(size_t begin, size_t end)>& work) {
  constexpr size_t kRowsPerThread = 4096;  // the block in which a thread predicts
  const size_t part = kRowsPerThread * pool.threads();
  for (size_t begin = 0; begin < n_rows; begin += part) {
    if (stop != nullptr) stop->throw_if_stopped();
    work(begin, std::min(n_rows, begin + part));
  }
}

Csr rows_between(const Csr& matrix, size_t begin, size_t end) {
  if (begin == 0 && end == matrix.n_rows()) return matrix;
  std::vector<uint32_t> rows(end - begin);
  std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(begin));
  return select_rows(matrix, rows);
}

}  // namespace coppice
