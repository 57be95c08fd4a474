// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/core/options.h"
#include "coppice/core/parallel.h"
#include "coppice/math/key_index.h"
#include "coppice/model/model.h"
#include "coppice/rank/packed_chunk.h"
#include "coppice/rank/prune.h"

namespace coppice {

/// What compressing may cost, and where it saves.
struct CompressOptions {
  PruneOptions prune{.threshold = 0};  ///< what is dropped of the ranker first
  float tagger_threshold = 0;          ///< weights of the tagger nearer to zero are dropped
  uint32_t tagger_value_bits = 0;      ///< of its weights; 0: as pack.value_bits
  PackOptions pack;
  KeyIndexOptions keys;
  bool keep_strings = false;  ///< the names of the features, so that `explain` can name them
};

void describe(OptionTable& table, CompressOptions& options);

/// Throws `ErrorCode::usage` for a number of bits that there is not.
void validate(const CompressOptions& options);

/// Whether the features of texts are known by what `compress` put in place of their names.
bool is_compressed(const Model& model) noexcept;

/// The same model in few bits: weights as `options.pack` says, features that no weight is left for dropped, the others
/// known by a perfect hash and fingerprints; a tagger likewise. What was measured of the model goes under "as_trained"
/// of its metrics. A model that was compressed before may be compressed again; its features stay as they are then.
///
/// Throws `ErrorCode::unsupported` for a vectorizer whose features have no names.
/// The same for any number of threads. Cost: O(weights); memory: one level, unpacked chunk by chunk.
Model compress(const Model& model, const CompressOptions& options, ThreadPool& pool);

}  // namespace coppice
