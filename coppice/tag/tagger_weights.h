// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "coppice/core/parallel.h"
#include "coppice/math/key_index.h"
#include "coppice/rank/chunk.h"
#include "coppice/rank/packed_chunk.h"
#include "coppice/tag/tagger.h"

namespace coppice {

struct TaggerProblem;

/// Puts the fitted weights of a problem into `parts`: its features, those without a weight left out, and its weights;
/// those below `threshold` by size are dropped. The same for any number of threads.
void assemble(const TaggerProblem& problem, std::span<const double> weights, float threshold, TaggerParts& parts,
              ThreadPool& pool);

/// How a tagger is put into few bits.
struct TaggerCompression {
  float threshold = 0;  ///< weights nearer to zero are dropped first
  PackOptions pack;
  KeyIndexOptions keys;
};

/// The same tagger in few bits: weights as `pack` says, features that no weight is left for dropped, the hashes of the
/// others replaced by fingerprints. One that was compressed before may be compressed again; its features stay as they
/// are then. Throws `ErrorCode::data` for damaged weights. The same for any number of threads.
Tagger compress_tagger(const Tagger& tagger, const TaggerCompression& options, ThreadPool& pool);

}  // namespace coppice
