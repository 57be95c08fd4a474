// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "coppice/data/examples.h"
#include "coppice/math/csr.h"

namespace coppice {

/// Features from a second file (.npy or .npz, one row per example) that stand behind each example's own.
class DenseFeatures {
 public:
  /// "" = none: `join` then does nothing. Throws as `read_matrix` does.
  explicit DenseFeatures(const std::string& path);

  /// The next rows become the block's `dense`. Throws `ErrorCode::data` when there are too few.
  void join(Examples& block);

  /// Throws `ErrorCode::data` unless every row was used.
  void expect_end() const;

  uint32_t n_columns() const noexcept { return matrix_.n_columns; }

 private:
  std::string path_;
  Csr matrix_;
  size_t next_row_ = 0;
};

}  // namespace coppice
