// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/prediction_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/app/output.h"
#include "coppice/data/npz.h"
#include "coppice/model/answer.h"

namespace coppice::app {

using nlohmann::ordered_json;

struct PredictionWriter::Line {
  ordered_json labels = ordered_json::array();
  ordered_json scores = ordered_json::array();

  void add(const LabelNames& names, uint32_t label, float score) {
    labels.push_back(label_text(names, label));
    scores.push_back(shortest_decimal(score));
  }
};

PredictionWriter::PredictionWriter(const std::string& path, LabelSet labels, const Progress& stop)
    : labels_(labels), file_(path, &stop), as_matrix_(path.ends_with(".npz")) {}

void PredictionWriter::add(const Predictions& predictions, const Examples& rows, size_t begin) {
  if (as_matrix_) {
    pieces_.push_back(predictions.to_csr(labels_.n_labels));
    return;
  }
  for (size_t i = 0; i < predictions.n_rows(); ++i) {
    Line line;
    for (size_t r = 0; r < predictions.counts[i]; ++r) {
      line.add(labels_.names, predictions.row_labels(i)[r], predictions.row_scores(i)[r]);
    }
    write(line, rows, begin + i);
  }
}

void PredictionWriter::add(const Csr& scores, std::span<const uint32_t> labels, const Examples& rows, size_t begin) {
  if (as_matrix_) {
    pieces_.push_back(scores);
    return;
  }
  for (size_t i = 0; i < scores.n_rows(); ++i) {
    const SparseRow row = scores.row(i);
    Line line;
    for (const uint32_t label : labels) {
      const auto at = std::lower_bound(row.columns.begin(), row.columns.end(), label) - row.columns.begin();
      line.add(labels_.names, label, row.values[static_cast<size_t>(at)]);
    }
    write(line, rows, begin + i);
  }
}

void PredictionWriter::write(const Line& line, const Examples& rows, size_t row) {
  ordered_json json = ordered_json::object();
  if (!rows.ids.empty() && !rows.ids[row].empty()) json["id"] = rows.ids[row];
  json["labels"] = line.labels;
  json["scores"] = line.scores;
  file_.write(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void PredictionWriter::commit() {
  if (as_matrix_) write_npz(file_, concatenate_rows(std::move(pieces_)));
  file_.commit();
}

}  // namespace coppice::app
