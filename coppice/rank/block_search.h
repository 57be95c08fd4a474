// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "coppice/core/parallel.h"
#include "coppice/math/csr.h"
#include "coppice/rank/beam_walk.h"

namespace coppice {

/// What is searched for, and where searches begin: at the root, or at nodes that somebody else found.
struct SearchRows {
  const Csr& queries;
  size_t level = 0;            ///< the first level to be scored; its chunks are the nodes below which to look
  const Csr* nodes = nullptr;  ///< n x chunks of that level, scores as values; null = the root
};

/// Gets the candidate keys of one row, best first, from any thread.
using TakeCandidates = std::function<void(size_t row, std::span<const uint64_t> candidates)>;

/// The most queries of a block: enough that many of them meet in a chunk, few enough that their hashes and candidates
/// stay in the outer cache.
inline constexpr size_t kBlockQueries = 16384;

/// How many queries walk the tree together, of `n_rows` that search in `threads` and keep up to `most_kept` candidates.
size_t block_queries(size_t n_rows, size_t most_kept, size_t threads);

/// Runs the plan for all queries, a block of them at a time: the block walks the tree together and visits each chunk
/// once for all of its queries.
///
/// Threads: what `take` gets does not depend on their number.
void search_blocks(const SearchPlan& plan, const SearchRows& rows, ThreadPool& pool, const TakeCandidates& take);

}  // namespace coppice
