// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "coppice/rank/chunk_scorer.h"

namespace coppice {

/// The features of a block of queries, numbered from 1 by ascending hash: a set of bits, and how many lie before each
/// word of them, so that both stay in a near cache while a chunk is swept.
class BlockFeatures {
 public:
  /// Leaves no feature. Memory: 1.5 bits for each hash that a ranker of `n_features` has.
  void reset(uint32_t n_features);
  void add(std::span<const uint32_t> hashes) noexcept;
  /// To be called between the last `add` and the first question.
  void number();

  /// The number of the feature with this hash; 0: none of the block's.
  uint32_t find(uint32_t hash) const noexcept {
    const uint32_t place = hash >> shift_;
    const uint64_t word = present_[place / 64];
    const uint64_t bit = uint64_t{1} << (place % 64);
    if ((word & bit) == 0) return 0;
    return before_[place / 64] + static_cast<uint32_t>(std::popcount(word & (bit - 1)));
  }

  void find(std::span<const uint32_t> hashes, uint32_t* numbers) const noexcept;

  /// All numbers are below.
  uint32_t end() const noexcept { return end_; }

 private:
  uint32_t shift_ = 31;
  std::vector<uint64_t> present_;
  std::vector<uint32_t> before_;  ///< the number of a word's first bit, were it set
  uint32_t end_ = 1;
};

/// One chunk unpacked for a block of queries: a row of weights for each feature of the block, zeros where the chunk has
/// none. So many queries of a block meet in a chunk that this pays: a feature costs a few instructions then, without
/// lookup, mask or branch.
class DenseChunk {
 public:
  /// Rows of more children are rather packed: most of them would be zeros.
  static constexpr uint32_t kMostChildren = 256;

  /// The floats of a row.
  static constexpr size_t row_floats(uint32_t n_children) noexcept {
    return (n_children + kLanes - 1) / kLanes * kLanes;
  }

  /// For each feature that a query looks up, unpacking may cost so many of what the chunk's n_entries counts and still
  /// pay; 0: it is never done.
  static size_t entries_per_lookup(ChunkEncoding encoding) noexcept;

  /// Whether unpacking `chunk` costs less than it saves to queries with `n_features` features together.
  static bool pays(const ChunkView& chunk, size_t n_features) noexcept;

  /// Cost: O(entries of the chunk + features of the block). Memory: a row of `n_children` floats, rounded up to eight,
  /// for each feature that block and chunk share.
  void unpack(const ChunkView& chunk, const BlockFeatures& features);

  /// What `sum_hits` computes, to the bit (but for the sign of a zero). `numbers`: those of the query's features.
  void sum(const HashedQuery& query, const uint32_t* numbers, float* margins) const noexcept;

  /// For the kernels that unpack: a new row, the number's. Its floats are not set. A damaged chunk may pretend to more
  /// rows than it has entries; they share the last one.
  float* add_row(uint32_t number) noexcept {
    const size_t row = std::min(n_rows_, most_rows_ - 1);
    n_rows_ = row + 1;
    rows_[number] = static_cast<uint32_t>(row);
    return floats() + row * stride_;
  }
  float* row(uint32_t number) noexcept { return floats() + size_t{rows_[number]} * stride_; }
  bool has_row(uint32_t number) const noexcept { return rows_[number] != 0; }
  size_t stride() const noexcept { return stride_; }

 private:
  void reserve(size_t n_rows);
  /// All lines as one array, which they are in memory.
  float* floats() const noexcept { return reinterpret_cast<float*>(weights_.get()); }

  static constexpr size_t kLanes = 8;
  static constexpr size_t kLineFloats = 16;
  struct alignas(64) Line {
    float values[kLineFloats];
  };

  const ChunkView* chunk_ = nullptr;
  size_t stride_ = 0;
  std::vector<uint32_t> rows_;       ///< by number: its row; 0 is a row of zeros
  std::unique_ptr<Line[]> weights_;  ///< room for as many rows as there may be; what is not used is never touched
  size_t n_lines_ = 0;
  size_t n_rows_ = 0, most_rows_ = 0;
};

}  // namespace coppice
