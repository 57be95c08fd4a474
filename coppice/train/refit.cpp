// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/refit.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/json_text.h"
#include "coppice/data/examples.h"
#include "coppice/data/label_index.h"
#include "coppice/data/reader.h"
#include "coppice/model/answer.h"
#include "coppice/rank/distill.h"
#include "coppice/rank/prune.h"
#include "coppice/train/dense_features.h"
#include "coppice/train/pipeline.h"

namespace coppice {
namespace {

/// The labels below `n_labels`.
Csr known_labels(const Csr& labels, uint32_t n_labels) {
  CsrBuilder known(n_labels);
  for (size_t i = 0; i < labels.n_rows(); ++i) {
    const SparseRow row = labels.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      if (row.columns[j] < n_labels) known.add(row.columns[j], row.values[j]);
    }
    known.end_row();
  }
  return known.build();
}

/// Those the model was trained with, but for negatives that the user gave then and does not now.
RankerOptions refit_options(const Model& model) {
  TrainOptions options;
  OptionTable table;
  describe(table, options);
  nlohmann::json object = parse_json(model.options_json());
  if (object.is_object()) object.erase("tagger");
  if (object.is_object() && !object.empty()) table.set(object);
  for (std::string& kinds : options.ranker.negatives) {
    const auto at = kinds.find("usn");
    if (at != std::string::npos) kinds = kinds.find("man") != std::string::npos ? "tfn+man" : "tfn";
  }
  options.ranker.solver.seed = options.seed;
  return options.ranker;
}

/// How many weights there are of each size, by the upper half of the float: sizes of one number differ by 1/128 at
/// most.
class SizeCounts {
 public:
  void add(float weight) { ++counts_[number_of(weight)]; }

  /// The least size that at most `n` weights have or exceed.
  float threshold_for(uint64_t n) const {
    uint64_t kept = 0;
    for (size_t number = counts_.size(); number-- > 0;) {
      kept += counts_[number];
      if (kept > n) return std::bit_cast<float>(static_cast<uint32_t>(number + 1) << 16);
    }
    return 0;
  }

 private:
  static uint32_t number_of(float weight) { return std::bit_cast<uint32_t>(std::abs(weight)) >> 16; }

  std::vector<uint64_t> counts_ = std::vector<uint64_t>(size_t{1} << 15);
};

float threshold_that_keeps(const Ranker& ranker, uint64_t n_weights) {
  SizeCounts counts;
  for (const LevelWeights& level : ranker.levels) {
    for (size_t chunk = 0; chunk < level.n_chunks(); ++chunk) {
      for (const float weight : level.rows(chunk).values) counts.add(weight);
    }
  }
  return counts.threshold_for(n_weights);
}

}  // namespace

RefitRows read_refit_rows(const Model& model, const EvaluationInput& input, Job job) {
  LabelIndex labels(model.label_names(), model.n_labels());
  const auto reader = open_examples(input.path, input.read, labels);
  DenseFeatures dense(input.dense_path);
  std::vector<Csr> features, label_rows;
  RefitRows rows;
  size_t n_rows = 0;
  job.progress.stage("reading rows to refit on", 0);
  for (Examples block; reader->next(block);) {
    job.progress.throw_if_stopped();
    dense.join(block);
    features.push_back(features_for(model, block, job.pool));
    append_weights(block, n_rows, rows.weights);
    n_rows += block.size();
    job.progress.advance(block.size());
    label_rows.push_back(known_labels(block.labels, model.n_labels()));
  }
  dense.expect_end();
  require_rows(reader->report());
  require_labels(reader->report());
  rows.features = concatenate_rows(std::move(features));
  rows.labels = concatenate_rows(std::move(label_rows));
  return rows;
}

Pruner::Pruner(const Model& model, const RefitRows* rows, ThreadPool& pool)
    : model_(&model), rows_(rows), options_(refit_options(model)), ranker_(model.ranker()) {
  if (rows == nullptr) return;
  matches_ = std::make_shared<FoundMatches>(model.ranker(), rows->features, options_.matcher_beam, pool);
}

void Pruner::keep(uint64_t n_weights, Job job) {
  prune({.threshold = threshold_that_keeps(ranker_, n_weights)}, job);
}

void Pruner::descend_to(uint64_t n_weights, Job job) {
  descend_near(n_weights, job);
  keep(n_weights, job);
}

void Pruner::descend_near(uint64_t n_weights, Job job) {
  if (rows_ == nullptr) return;
  for (uint64_t n = fewer(); n > n_weights; n = fewer()) keep(n, job);
}

uint64_t Pruner::fewer() const noexcept {
  return static_cast<uint64_t>(static_cast<double>(n_weights()) * kShareKept);
}

void Pruner::prune(const PruneOptions& options, Job job) {
  job.progress.throw_if_stopped();
  ranker_ = prune_ranker(ranker_, options, job.pool);
  if (rows_ == nullptr) return;
  const Distiller distiller(model_->ranker(), ranker_);
  const RankerInput input{rows_->features, rows_->labels, rows_->weights, nullptr};
  ranker_ = distill_ranker(input, distiller, options_, job, matches_.get());
}

Model Pruner::model() const {
  ModelParts parts = model_->parts();
  parts.ranker = ranker_;
  return Model(std::move(parts));
}

}  // namespace coppice
