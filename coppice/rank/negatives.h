// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/math/csr.h"

namespace coppice {

/// Which rows the children of a chunk learn from: the union of one or more of these sets, by their names in PECOS.
struct Negatives {
  bool tfn = false;  ///< teacher-forced: rows with a label under the chunk's parent, so all positives
  bool man = false;  ///< matcher-aware: rows that the matcher brings to the parent
  bool usn = false;  ///< user-supplied: rows that the user's matrix names for a label under the parent

  bool operator==(const Negatives&) const = default;
};

/// "tfn", "man", "usn" or several joined by '+': "tfn+man". Throws `ErrorCode::usage` for another word, naming the
/// nearest.
Negatives negatives_from_name(std::string_view name);

/// The rows of each chunk of a level, ascending and without repeats.
struct ChunkRowSets {
  std::vector<uint64_t> offsets;  ///< n_chunks + 1
  std::vector<uint32_t> rows;
  bool shared = false;  ///< every chunk has all of `rows`

  size_t n_chunks() const noexcept { return offsets.size() - 1; }
  std::span<const uint32_t> of(size_t chunk) const noexcept {
    if (shared) return rows;
    return std::span(rows).subspan(offsets[chunk], offsets[chunk + 1] - offsets[chunk]);
  }
};

/// Each chunk learns from all rows.
ChunkRowSets all_rows_in_each(size_t n_rows, size_t n_chunks);

/// Rows by chunk from matrices that say which rows go where: n x n_chunks each, values do not matter. The union of all.
ChunkRowSets rows_by_chunk(std::span<const Csr* const> memberships, size_t n_chunks);

}  // namespace coppice
