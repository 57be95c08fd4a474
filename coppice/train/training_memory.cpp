// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/training_memory.h"

#include <algorithm>

namespace coppice {
namespace {

/// What all threads hold that are at these chunks, or on their way from the first to the others.
uint64_t bytes_in_work(std::span<const ChunkMemory> chunks, size_t threads) {
  uint64_t bytes = 0, solving = 0;
  size_t solvers = 0;
  for (const ChunkMemory& chunk : chunks) {
    const uint64_t found = chunk.weights + chunk.weights / chunk.parts;
    bytes += std::max(chunk.problem + found, 2 * chunk.weights + chunk.encoded);
    solving = std::max(solving, chunk.solving);
    solvers += chunk.parts;
  }
  return bytes + solving * std::min(threads, solvers);
}

}  // namespace

uint64_t peak_of_chunks(std::span<const ChunkMemory> chunks, size_t threads) {
  uint64_t peak = 0, finished = 0;
  for (size_t first = 0; first < chunks.size(); ++first) {
    const size_t at_once = std::min(threads, chunks.size() - first);
    peak = std::max(peak, finished + bytes_in_work(chunks.subspan(first, at_once), threads));
    finished += chunks[first].encoded;
  }
  return std::max(peak, finished);
}

}  // namespace coppice
