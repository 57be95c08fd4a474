// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/core/options.h"
#include "coppice/index/indexer.h"
#include "coppice/index/label_embedding.h"
#include "coppice/model/model.h"
#include "coppice/rank/ranker_training.h"
#include "coppice/train/training_set.h"

namespace coppice {

/// All options of training, by stage. Each stage describes its own.
///
/// The stages' own defaults are the plain ones of the literature (PECOS). Training starts from those that rank best for
/// their time on held-out tenths of real training sets: wide trees, matcher-aware negatives, a higher cost of missed
/// labels, symbols kept as words. bench/quality.py shows what each of them buys and costs.
struct TrainOptions {
  TrainOptions();

  VectorizerOptions vectorizer;
  EmbeddingOptions embedding;
  IndexOptions index;
  RankerOptions ranker;
  uint64_t seed = 0;  ///< of clustering and of the solver
};

void describe(OptionTable& table, TrainOptions& options);

/// What training may use instead of building it, and where it leaves its state.
struct TrainExtras {
  const Csr* label_features = nullptr;      ///< L x any, for embeddings that want them
  const LabelEmbedder* embedder = nullptr;  ///< an embedding of the user's own, in place of the options' one
  const Indexer* indexer = nullptr;         ///< an indexer of the user's own
  const Matcher* matcher = nullptr;         ///< a matcher of the user's own, for matcher-aware negatives
  const ChunkSolver* solver = nullptr;      ///< a ranker of the user's own: how the weights of a chunk are found
  TrainLevels train_levels;               ///< where chunks are trained, with the same result; empty = all of them here
  const LabelTree* tree = nullptr;        ///< a tree of the user's own; no index is built then
  const Csr* negatives = nullptr;         ///< n x L, for negatives given by the user
  const LabelDomains* domains = nullptr;  ///< which the labels belong to; the model keeps them, nothing else changes
  std::string checkpoint_path;            ///< "" = none
  bool resume = false;                    ///< go on from the checkpoint, which must be of the same data and options
};

/// XXH3-128 of what `extras` brings: label features, tree and negatives by their content, stages of the user's own by
/// whether they are there (what they would do, nobody else knows); domains play no part. In hexadecimal.
std::string fingerprint(const TrainExtras& extras);

/// The index alone: what `train` builds first, unless `extras` brings a tree. Throws as `check_ranker_input` does, for
/// a set that no ranker could be trained on.
LabelTree index_labels(const TrainingSet& set, const TrainOptions& options, const TrainExtras& extras, Job job);

/// Index, then rank: from a training set to a model.
///
/// The result depends on data, options and extras alone: neither on threads nor on whether training was interrupted. A
/// checkpoint of other data, options or extras is refused.
/// Throws `ErrorCode::cancelled` when `progress` asks to stop; the checkpoint then holds the finished levels.
/// Source: Yu et al., "PECOS", 2022.
Model train(const TrainingSet& set, const TrainOptions& options, const TrainExtras& extras, Job job);

}  // namespace coppice
