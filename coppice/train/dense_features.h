// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "coppice/data/examples.h"
#include "coppice/math/csr.h"

namespace coppice {

/// Features from a second file (.npy or .npz, one row per example) that stand beside each example's own.
class DenseFeatures {
 public:
  /// "" = none: `join` then does nothing. Throws as `read_matrix` does.
  explicit DenseFeatures(const std::string& path);

  /// Puts the next rows behind the block's own features. Throws `ErrorCode::data` when there are too few.
  void join(Examples& block);

  /// Throws `ErrorCode::data` unless every row was used.
  void expect_end() const;

 private:
  std::string path_;
  Csr matrix_;
  size_t next_row_ = 0;
};

}  // namespace coppice
