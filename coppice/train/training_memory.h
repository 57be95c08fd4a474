// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coppice/math/csr.h"
#include "coppice/rank/level_weights.h"

namespace coppice {

/// A chunk as those see it who unpack it.
struct ChunkSize {
  ChunkEncoding encoding = ChunkEncoding::empty;
  uint32_t n_children = 0;
  uint64_t n_rows = 0;  ///< features with a weight
  uint64_t n_entries = 0;
};

/// What training one chunk holds, in bytes.
struct ChunkMemory {
  uint64_t problem = 0;  ///< its rows, gathered; shared by the threads that solve its children
  uint64_t solving = 0;  ///< of each of these threads
  uint64_t weights = 0;  ///< found, before they are packed
  uint64_t encoded = 0;  ///< what stays of it
  uint32_t parts = 1;    ///< that threads may work on at once
  bool narrows = false;  ///< each thread needs half of `solving` once half of a part's children are done
  ChunkSize size = {};
};

/// The most bytes held while chunks are trained in the order given, the encoded ones included.
///
/// At any time each thread is at one of as many neighbouring chunks, or several are at one that is split. The array
/// that a part's weights are collected in is copied as it grows: early, when half of the last part's children are done,
/// half of its weights lie twice; late, all of them. Once all are found, the problem is gone, and packing sorts the
/// weights into other arrays.
uint64_t peak_of_chunks(std::span<const ChunkMemory> chunks, size_t threads);

/// How many rows beside its own a matcher will bring each chunk, `per_chunk` on average: no more than there are.
///
/// The largest chunk decides the peak, and what is popular is matched often: the rows that a beam brings grow about
/// with own rows to the power of 0.6 (measured on cve-product and tldr-multi: 0.5 to 0.7).
std::vector<double> spread_matches(std::span<const size_t> own_rows, double per_chunk, size_t n_rows);

/// Rows that walk the tree together.
struct BlockSize {
  uint64_t n_features = 0;  ///< different ones
  uint64_t n_nonzeros = 0;
};

/// The first block of rows that a thread takes, of as many that search `beam` wide.
BlockSize first_block(const Csr& features, size_t beam, size_t threads);

/// What a thread holds of a chunk that it searches for a block: where unpacking pays if all of the block meet in the
/// chunk, a row of weights for each feature that both may share. Others are searched as they lie packed.
uint64_t unpacked_bytes(const ChunkSize& chunk, const BlockSize& block);

/// What a thread holds beside an unpacked chunk while a block of rows walks the tree, `beam` nodes wide: hashes and
/// numbers of their features; for each node kept the candidates (twice as many), the beam as it grows, and the stops,
/// which are sorted into a second array.
uint64_t block_search_bytes(const Csr& features, size_t beam, size_t threads);

}  // namespace coppice
