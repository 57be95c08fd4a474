// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/core/options.h"
#include "coppice/core/parallel.h"
#include "coppice/rank/chunk.h"

namespace coppice {

struct Ranker;

/// What is kept of the weights that training leaves. The bias is always kept.
struct PruneOptions {
  float threshold = 0.1F;
  uint32_t max_weights = 0;
};
void describe(OptionTable& table, PruneOptions& options);

/// Whether any weight that is not zero may be dropped.
inline bool drops_any(const PruneOptions& prune) noexcept {
  return prune.threshold > 0 || prune.max_weights > 0;
}

/// The rows with the weights that `prune` keeps; among equals of a child, the first stay. Biases stay.
ChunkRows prune_rows(const ChunkRows& rows, const PruneOptions& prune);

/// The ranker with the weights that `prune_rows` keeps of each chunk. Packed weights stay packed no longer.
Ranker prune_ranker(const Ranker& ranker, const PruneOptions& prune, ThreadPool& pool);

}  // namespace coppice
