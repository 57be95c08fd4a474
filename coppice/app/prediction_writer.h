// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "coppice/core/output_file.h"
#include "coppice/data/examples.h"
#include "coppice/model/same_labels.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice::app {

/// Where predictions go, row by row: JSON lines, or for a path that ends in .npz one matrix of scores, n x L.
class PredictionWriter {
 public:
  /// The names of `labels` and `stop` outlive the writer; they may not be changed meanwhile.
  PredictionWriter(const std::string& path, LabelSet labels, const Progress& stop);

  /// The next rows: those of `rows` from `begin` on, which is where their ids are.
  void add(const Predictions& predictions, const Examples& rows, size_t begin);

  /// The same for the scores of given labels, in the order of `labels`; `scores` is n x L and has exactly these.
  void add(const Csr& scores, std::span<const uint32_t> labels, const Examples& rows, size_t begin);

  void commit();

 private:
  struct Line;
  void write(const Line& line, const Examples& rows, size_t row);

  LabelSet labels_;
  OutputFile file_;
  const bool as_matrix_;
  std::vector<Csr> pieces_;
};

}  // namespace coppice::app
