// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/core/options.h"
#include "coppice/data/passage_reader.h"
#include "coppice/data/vectorizer.h"
#include "coppice/index/indexer.h"
#include "coppice/model/model.h"
#include "coppice/rank/bm25.h"

namespace coppice {

struct PassageIndexOptions {
  PassageIndexOptions();

  VectorizerOptions vectorizer;  ///< of its weighting the analyzers' weights alone count, in queries
  Bm25Options bm25;
  TermFrequency query_tf = TermFrequency::count;
  uint32_t max_flat = LabelTree::kMostChildren;
  IndexOptions tree;  ///< of more passages than that
};

void describe(OptionTable& table, PassageIndexOptions& options);

/// An index of passages without training pairs: a model whose labels are the passages, by their ids, and whose scores
/// are those of BM25 (see `bm25_weights`). `retrieve` answers from it, and so does all that takes a model.
///
/// Up to `max_flat` passages are the children of the root: all of them are scored. More stand in a tree of passages
/// that are alike, whose inner nodes bound what lies below them (see `bounding_ranker`). Throws `ErrorCode::data` when
/// there is no passage, and when none has a feature. Says in `job.progress` how many have none, which no query finds.
/// Threads: the same bytes for any number of them.
/// Cost: memory for the texts twice and, for each different word of each passage, some 70 bytes.
Model index_passages(const std::vector<Passage>& passages, const PassageIndexOptions& options, Job job);

}  // namespace coppice
