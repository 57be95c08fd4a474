// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/data/examples.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice {

enum class AnnotatedLabels : uint8_t {
  soft,  ///< each with its confidence as its relevance
  hard,  ///< as if a person had given them
};

/// How the answers of a trained model, the teacher, become labels to train on.
struct AnnotationOptions {
  AnnotatedLabels labels = AnnotatedLabels::soft;
  double floor = 0;
  uint32_t top_k = 0;
  double share = 0;
  double weight = 1;
  bool weigh_by_confidence = false;
};
void describe(OptionTable& table, AnnotationOptions& options);

/// What the scores of a teacher are, and so what its confidence in a label is.
enum class ScoreScale : uint8_t {
  confidence,  ///< from 0 on, that itself
  logarithm,   ///< its logarithm
  margin,      ///< any number: labels are ordered by it, and no share of a label can be made of it
};
ScoreScale scale_of(PostProcessor post_processor) noexcept;

/// What became of the rows.
struct AnnotationReport {
  uint64_t rows = 0;
  uint64_t labelled = 0;
  uint64_t label_entries = 0;
  std::optional<float> best;  ///< the highest confidence of a row
  double confidence_sum = 0;  ///< of the rows that are labelled
};

/// Gives rows the labels that a teacher answers with.
///
/// The confidence of a row is that of its best label; rows below the floor are left out. Threads: one at a time.
class Annotator {
 public:
  /// Throws `ErrorCode::usage` for a teacher that answers with margins where shares or weights are to be made of them.
  Annotator(const AnnotationOptions& options, ScoreScale scale);

  /// How many answers a row is worth asking for.
  uint32_t top_k() const noexcept { return top_k_; }

  /// Those of the rows from `begin` on that are labelled: row i of `answers` is that of row begin + i. Labels have
  /// `n_labels` columns; what weight and id a row had, it keeps, the weight times that of the options.
  Examples annotate(const Examples& rows, size_t begin, const Predictions& answers, uint32_t n_labels);

  const AnnotationReport& report() const noexcept { return report_; }

 private:
  struct Label {
    uint32_t label;
    float confidence;
  };
  float confidence_of(float score) const noexcept;
  /// The labels of a row, ascending, with their relevances; none where the row is left out.
  const std::vector<Label>& labels_of(const Predictions& answers, size_t i);

  AnnotationOptions options_;
  ScoreScale scale_;
  uint32_t top_k_;
  double share_;
  AnnotationReport report_;
  std::vector<Label> labels_;
  float confidence_ = 0;  ///< of the row in work
};

/// Throws `ErrorCode::data` when no row was labelled: there would be nothing to train on.
void require_labelled(const AnnotationReport& report, const AnnotationOptions& options);

}  // namespace coppice
