// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/core/options.h"
#include "coppice/data/examples.h"
#include "coppice/data/label_names.h"
#include "coppice/data/read_options.h"
#include "coppice/data/vectorizer.h"
#include "coppice/math/csr.h"

namespace coppice {

/// Rows that a trained model has labelled (annotation.h), to train on beside those that people have.
struct AnnotatedInput {
  std::string path;  ///< rows of the same kind, in a format of their own; "" = none
  double weight = 1;
};

void describe(OptionTable& table, AnnotatedInput& input);

/// How they are read: as the other rows, but in a format of their own, with their labels in them.
ReadOptions annotated_read_options(ReadOptions read);

/// The rows of the block weigh so many times what they did.
void weigh(Examples& block, double weight);

/// Where training examples come from, and which of them count.
struct TrainingInput {
  std::string path;  ///< any format of docs/formats.md; "-" = standard input
  ReadOptions read;
  std::string dense;  ///< .npy or .npz with one row per example, put behind the features; "" = none
  uint32_t min_label_count = 1;
  AnnotatedInput annotated = {};  ///< more examples, behind the others
};

void describe(OptionTable& table, TrainingInput& input);

/// What a model is trained on, in memory.
///
/// Shapes: features n x d, labels n x L (values: relevance), weights n or empty.
struct TrainingSet {
  Csr features;
  Csr labels;
  std::vector<float> weights;
  LabelNames label_names;
  std::optional<Vectorizer> vectorizer;  ///< none when the input has features, not texts
  ReadReport report;
  std::optional<ReadReport> annotated;  ///< of the rows that a model has labelled, the last ones
  uint32_t rare_labels = 0;             ///< labels left out by `min_label_count`
  uint32_t n_dense = 0;                 ///< of the features, the last ones, which came from `TrainingInput::dense`

  size_t n_rows() const noexcept { return features.n_rows(); }
};

/// Reads examples and turns texts into features; those of `input.annotated` have a part in labels and vocabulary. Texts
/// are read twice (vocabulary, then features) and never held, so a file larger than memory can be trained on as long as
/// its features fit.
///
/// Throws `ErrorCode::data` with the place of a bad line, or when no row or no label is left; `ErrorCode::usage` for a
/// number of labels that is not that of their names, and for dense features with annotated rows.
TrainingSet read_training_set(const TrainingInput& input, const VectorizerOptions& options, Job job);

/// XXH3-128 of all that training depends on beside the options: features, labels, weights, names. In hexadecimal.
std::string fingerprint(const TrainingSet& set);

}  // namespace coppice
