// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// What training one chunk holds, in bytes.
struct ChunkMemory {
  uint64_t problem = 0;  ///< its rows, gathered; shared by the threads that solve its children
  uint64_t solving = 0;  ///< of each of these threads
  uint64_t weights = 0;  ///< found, before they are packed
  uint64_t encoded = 0;  ///< what stays of it
  uint32_t parts = 1;    ///< that threads may work on at once
};

/// The most bytes held while chunks are trained in the order given, the encoded ones included.
///
/// At any time each thread is at one of as many neighbouring chunks, or several are at one that is split. The array
/// that a part's weights are collected in is copied as it grows. Once all are found, the problem is gone, and packing
/// sorts the weights into other arrays.
uint64_t peak_of_chunks(std::span<const ChunkMemory> chunks, size_t threads);

/// How many rows beside its own a matcher will bring each chunk, `per_chunk` on average: no more than there are.
///
/// The largest chunk decides the peak, and what is popular is matched often: the rows that a beam brings grow about
/// with own rows to the power of 0.6 (measured on cve-product and tldr-multi: 0.5 to 0.7).
std::vector<double> spread_matches(std::span<const size_t> own_rows, double per_chunk, size_t n_rows);

}  // namespace coppice
