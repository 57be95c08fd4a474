// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coppice/rank/level_weights.h"
#include "coppice/rank/ranker_training.h"

namespace coppice {

/// A level of which a few chunks are trained.
struct PilotLevel {
  std::span<const uint32_t> first_child;  ///< of all its chunks
  std::span<const size_t> by_size;        ///< all its chunks, the smallest first
  std::span<const EncodedChunk> pilots;   ///< evenly spread over `by_size`
};

/// What our beam search will search.
struct SearchSample {
  const Csr& features;
  const Csr* nodes;  ///< rows x the level's chunks: where each row belongs; null at the root
  const RankerOptions& options;
  size_t threads;
};

/// CPU seconds that all rows take to search this one level, as far as they have come through those above.
///
/// A block of rows, as many as search together in training, is searched and timed: as many of them meet in a chunk as
/// there will. Each chunk has the weights of the trained one nearest in size, so that the level takes no more memory
/// than those. Where rows come to is not known before the weights are: each comes to its own nodes and, until the beam
/// is full, to those of other rows, so that popular nodes are visited often.
/// Left out: weights that lie in far memory because the whole level is larger than the pilots (too few seconds), and
/// that a search of several levels numbers features once (too many).
double level_search_seconds(const PilotLevel& level, const SearchSample& sample);

}  // namespace coppice
