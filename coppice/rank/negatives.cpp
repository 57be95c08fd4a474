// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/negatives.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/options.h"

namespace coppice {
namespace {

/// Calls `use(chunk)` once for each chunk that some matrix names for the row.
class ChunksOfRow {
 public:
  ChunksOfRow(std::span<const Csr* const> memberships, size_t n_chunks)
      : memberships_(memberships), last_row_(n_chunks, UINT32_MAX) {}

  template <class Use>
  void visit(uint32_t row, const Use& use) {
    for (const Csr* matrix : memberships_) {
      for (const uint32_t chunk : matrix->row(row).columns) {
        if (last_row_[chunk] == row) continue;  // no row has the number UINT32_MAX
        last_row_[chunk] = row;
        use(chunk);
      }
    }
  }
  void restart() { last_row_.assign(last_row_.size(), UINT32_MAX); }

 private:
  std::span<const Csr* const> memberships_;
  std::vector<uint32_t> last_row_;  // by chunk
};

}  // namespace

Negatives negatives_from_name(std::string_view name) {
  Negatives result;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('+', begin), name.size());
    const std::string_view word = name.substr(begin, end - begin);
    if (word == "tfn") {
      result.tfn = true;
    } else if (word == "man") {
      result.man = true;
    } else if (word == "usn") {
      result.usn = true;
    } else {
      const std::string nearest = nearest_name(word, {"tfn", "man", "usn"});
      throw Error(ErrorCode::usage,
                  "negatives are '" + std::string(name) + "', expected tfn, man, usn or several joined by '+'", {},
                  nearest.empty() ? std::string() : "did you mean '" + nearest + "'?");
    }
    begin = end + 1;
  }
  return result;
}

ChunkRowSets all_rows_in_each(size_t n_rows, size_t n_chunks) {
  ChunkRowSets sets;
  sets.shared = true;
  sets.rows.resize(n_rows);
  std::iota(sets.rows.begin(), sets.rows.end(), 0U);
  sets.offsets.assign(n_chunks + 1, 0);
  return sets;
}

ChunkRowSets rows_by_chunk(std::span<const Csr* const> memberships, size_t n_chunks) {
  ChunkRowSets sets;
  sets.offsets.assign(n_chunks + 1, 0);
  const auto n_rows = static_cast<uint32_t>(memberships.front()->n_rows());
  ChunksOfRow chunks(memberships, n_chunks);
  for (uint32_t row = 0; row < n_rows; ++row) {
    chunks.visit(row, [&](uint32_t chunk) { ++sets.offsets[chunk + 1]; });
  }
  std::partial_sum(sets.offsets.begin(), sets.offsets.end(), sets.offsets.begin());
  sets.rows.resize(sets.offsets.back());
  std::vector<uint64_t> next(sets.offsets.begin(), sets.offsets.end() - 1);
  chunks.restart();
  for (uint32_t row = 0; row < n_rows; ++row) {
    chunks.visit(row, [&](uint32_t chunk) { sets.rows[next[chunk]++] = row; });
  }
  return sets;
}

}  // namespace coppice
