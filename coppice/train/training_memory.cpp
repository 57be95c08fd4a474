// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/training_memory.h"

#include <algorithm>
#include <cmath>

#include "coppice/rank/block_search.h"
#include "coppice/rank/dense_chunk.h"

namespace coppice {
namespace {

/// What all threads hold that are at these chunks, or on their way from the first to the others: each chunk is being
/// solved, or packed by a thread that solves nothing meanwhile. `late`: half of the children of a part are done or
/// more.
uint64_t bytes_in_work(std::span<const ChunkMemory> chunks, size_t threads, bool late) {
  uint64_t solving = 0;  // of a thread
  size_t solvers = 0;
  for (const ChunkMemory& chunk : chunks) {
    solving = std::max(solving, late && chunk.narrows ? chunk.solving / 2 : chunk.solving);
    solvers += chunk.parts;
  }
  uint64_t bytes = solving * std::min(threads, solvers);
  for (const ChunkMemory& chunk : chunks) {
    const uint64_t copied = late || !chunk.narrows ? chunk.weights / chunk.parts : 0;
    const uint64_t packing = 2 * chunk.weights + chunk.encoded;
    bytes += std::max(chunk.problem + chunk.weights + copied, packing - std::min(packing, solving));
  }
  return bytes;
}

}  // namespace

uint64_t peak_of_chunks(std::span<const ChunkMemory> chunks, size_t threads) {
  uint64_t peak = 0, finished = 0;
  for (size_t first = 0; first < chunks.size(); ++first) {
    const size_t at_once = std::min(threads, chunks.size() - first);
    const std::span<const ChunkMemory> in_work = chunks.subspan(first, at_once);
    peak = std::max(
        {peak, finished + bytes_in_work(in_work, threads, false), finished + bytes_in_work(in_work, threads, true)});
    finished += chunks[first].encoded;
  }
  return std::max(peak, finished);
}

std::vector<double> spread_matches(std::span<const size_t> own_rows, double per_chunk, size_t n_rows) {
  std::vector<double> extra;
  double sum = 0;
  for (const size_t own : own_rows) {
    extra.push_back(std::pow(static_cast<double>(own), 0.6));
    sum += extra.back();
  }
  const double scale = sum > 0 ? per_chunk * static_cast<double>(own_rows.size()) / sum : 0;
  for (size_t i = 0; i < extra.size(); ++i) {
    extra[i] = std::min(extra[i] * scale, static_cast<double>(n_rows - std::min(n_rows, own_rows[i])));
  }
  return extra;
}

BlockSize first_block(const Csr& features, size_t beam, size_t threads) {
  const size_t n_rows = std::min(features.n_rows(), block_queries(features.n_rows(), beam, threads));
  std::vector<bool> seen(features.n_columns);
  BlockSize block;
  for (size_t i = 0; i < n_rows; ++i) {
    const SparseRow row = features.row(i);
    block.n_nonzeros += row.size();
    for (const uint32_t feature : row.columns) {
      block.n_features += !seen[feature];
      seen[feature] = true;
    }
  }
  return block;
}

uint64_t unpacked_bytes(const ChunkSize& chunk, const BlockSize& block) {
  const uint64_t affordable = block.n_nonzeros * DenseChunk::entries_per_lookup(chunk.encoding);
  if (chunk.n_children > DenseChunk::kMostChildren || chunk.n_entries + chunk.n_rows > affordable) return 0;
  const uint64_t n_rows = std::min(block.n_features, chunk.n_rows);
  return n_rows * DenseChunk::row_floats(chunk.n_children) * sizeof(float) + block.n_features * sizeof(uint32_t);
}

uint64_t block_search_bytes(const Csr& features, size_t beam, size_t threads) {
  const size_t n_rows = features.n_rows();
  const size_t block = block_queries(n_rows, beam, threads);
  uint64_t nonzeros = 0;  // of the block that has most
  for (size_t begin = 0; begin < n_rows; begin += block) {
    nonzeros = std::max(nonzeros, features.offsets[std::min(n_rows, begin + block)] - features.offsets[begin]);
  }
  const uint64_t of_nodes = (Selection::room(beam) + 4 * beam) * sizeof(uint64_t);
  const uint64_t of_row = of_nodes + sizeof(Selection) + sizeof(HashedQuery);
  return std::min(block, n_rows) * of_row + nonzeros * 2 * sizeof(uint32_t) + features.n_columns * 3 / 8;
}

}  // namespace coppice
