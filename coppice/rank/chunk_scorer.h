// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coppice/math/csr.h"
#include "coppice/rank/chunk_view.h"
#include "coppice/rank/packed_chunk.h"

namespace coppice {

/// A query as chunks want it: features ascending and below the ranker's number of them, with their hashes.
struct HashedQuery {
  const uint32_t* features = nullptr;
  const uint32_t* hashes = nullptr;
  const float* values = nullptr;
  size_t size = 0;
};

/// Those of a query's features that a ranker of `n_features` knows.
size_t known_features(SparseRow query, uint32_t n_features) noexcept;

/// Writes the hash of each of `features`; hashes has room for as many.
void hash_features(std::span<const uint32_t> features, uint32_t n_features, uint32_t* hashes) noexcept;

/// Room for the margins of one chunk: an index of any child type, and a few lanes past it, lie inside.
inline constexpr size_t kMarginRoom = 256 + 32;
inline constexpr size_t kWideMarginRoom = 65536 + 32;

/// How many floats `score_chunk` may touch for this chunk.
inline size_t margin_room(const ChunkView& chunk) noexcept {
  const bool narrow = chunk.encoding != ChunkEncoding::hashed || chunk.child_bytes == 1;
  return narrow && chunk.n_children <= 256 ? kMarginRoom : kWideMarginRoom;
}

/// A feature of a query that a chunk may have weights for.
struct Hit {
  uint32_t place = 0;  ///< in the query
  PackedRow row;       ///< packed: where its weights are
};

/// Asks for the cache lines in which `find_hits` will look.
void prefetch_headers(const ChunkView& chunk, const HashedQuery& query) noexcept;

/// Writes those features of the query that the chunk may have a row for, in their order, and asks for the cache lines
/// of their buckets or weights. Packed chunks know for sure; others are mistaken about one miss in some eight. `hits`
/// has room for query.size + 1. Cost: about 1 ns a feature, more in a packed chunk.
size_t find_hits(const ChunkView& chunk, const HashedQuery& query, Hit* hits) noexcept;

/// margins[c] = bias + sum over the query's features, ascending, of value * weight, each step one fused multiply-add
/// where the machine has it: so every path that scores a chunk gets the same bits.
/// `margins` has margin_room(chunk) floats; those from n_children on are scratch.
void sum_hits(const ChunkView& chunk, const HashedQuery& query, std::span<const Hit> hits, float* margins) noexcept;

/// What `sum_hits` ends with where the weights of a chunk are numbers to be scaled (`packed`): margins[c] = bias +
/// scale of c * margins[c].
void scale_margins(const ChunkView& chunk, float* margins) noexcept;

/// Rows of weights side by side, `stride` floats (a multiple of eight) each, from an address that is a multiple of 64;
/// `rows` gives each feature number its row.
struct DenseRows {
  const float* weights;
  size_t stride;
  const uint32_t* rows;
};

/// As `sum_hits`: margins[c] += value * weight for each of the numbered features, in order. `margins` has
/// `rows.stride` floats.
void sum_dense(const DenseRows& rows, const uint32_t* numbers, std::span<const float> values, float* margins) noexcept;

/// Writes the positions of margins that are not below `cut` (NaN ones too), ascending; `above` has room for `count`.
size_t select_margins(const float* margins, size_t count, float cut, uint32_t* above) noexcept;

/// The plain loops that `find_hits` and `sum_hits` are tested against.
void score_chunk_naive(const ChunkView& chunk, const HashedQuery& query, std::span<double> margins);

}  // namespace coppice
