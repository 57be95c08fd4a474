// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/dense_features.h"

#include <numeric>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/matrix_example_reader.h"

namespace coppice {

DenseFeatures::DenseFeatures(const std::string& path) : path_(path) {
  if (!path.empty()) matrix_ = read_matrix(path);
}

void DenseFeatures::join(Examples& block) {
  if (path_.empty()) return;
  const size_t count = block.size();
  if (next_row_ + count > matrix_.n_rows()) {
    throw Error(ErrorCode::data, "the file has " + counted(matrix_.n_rows(), "row") + ", expected one for each example",
                path_);
  }
  std::vector<uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(next_row_));
  block.dense = select_rows(matrix_, rows);
  next_row_ += count;
}

void DenseFeatures::expect_end() const {
  if (path_.empty() || next_row_ == matrix_.n_rows()) return;
  throw Error(ErrorCode::data,
              "the file has " + counted(matrix_.n_rows(), "row") + ", but there are " + counted(next_row_, "example"),
              path_);
}

}  // namespace coppice
