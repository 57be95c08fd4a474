// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/negatives.h"

#include <array>
#include <numeric>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/options.h"

namespace coppice {
namespace {

constexpr std::array<std::pair<Negatives, const char*>, 4> kNames{
    {{Negatives::tfn, "tfn"}, {Negatives::man, "man"}, {Negatives::user, "user"}, {Negatives::man_user, "man_user"}}};

// PECOS' words. Its plain "man" leaves out rows that only a sibling is right for; as siblings share their rows here,
// and each needs its positives, there is no such difference.
constexpr std::array<std::pair<std::string_view, Negatives>, 4> kOtherNames{{{"tfn+man", Negatives::man},
                                                                             {"usn", Negatives::user},
                                                                             {"tfn+usn", Negatives::user},
                                                                             {"tfn+man+usn", Negatives::man_user}}};

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
  for (const auto& [other, value] : kOtherNames) {
    if (name == other) return value;
  }
  std::vector<std::string> names;
  for (const auto& [value, text] : kNames) {
    if (name == text) return value;
    names.emplace_back(text);
  }
  const std::string nearest = nearest_name(name, names);
  throw Error(ErrorCode::usage, "negatives are '" + std::string(name) + "', expected tfn, man, user or man_user", {},
              nearest.empty() ? std::string() : "did you mean '" + nearest + "'?");
}

bool needs_matcher(Negatives negatives) noexcept {
  return negatives == Negatives::man || negatives == Negatives::man_user;
}

bool needs_user_matrix(Negatives negatives) noexcept {
  return negatives == Negatives::user || negatives == Negatives::man_user;
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
