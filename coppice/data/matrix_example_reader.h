// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "coppice/data/examples.h"
#include "coppice/data/label_resolver.h"

namespace coppice {

/// A matrix by its extension or first bytes: npz (CSR), npy (dense; zeros left out) or svm (features only).
/// Throws as `read_npz`, `read_npy` and the svm reader; `ErrorCode::data` for a format that holds no matrix.
Csr read_matrix(const std::string& path);

/// Examples from a feature matrix X and, if `options.labels_path` is set, a label matrix Y of as many rows, whose
/// values are relevances: zeros are left out, values below 0 are `ErrorCode::data`. Columns of Y are label ids, as in
/// the text formats. Y is npz or npy: what svm holds are features. Without `labels` (nullptr) Y is not read.
/// Memory: both matrices.
class MatrixExampleReader final : public ExampleReader {
 public:
  MatrixExampleReader(const std::string& path, Format format, const ReadOptions& options, LabelIndex* labels);

  bool next(Examples& block) override;
  const ReadReport& report() const override { return report_; }

 private:
  void read_labels(const ReadOptions& options);
  Csr resolve_labels(size_t begin, size_t end);

  Csr features_;
  Csr relevance_;
  LabelIndex* labels_;
  std::optional<LabelResolver> resolver_;  ///< none if labels play no part
  ReadReport report_;
  std::string labels_path_;
};

}  // namespace coppice
