// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/csr_pieces.h"

#include <algorithm>
#include <utility>

#include "coppice/math/growing_array.h"

namespace coppice {
namespace {

constexpr size_t kRoundPieces = 32;  ///< built before they are copied to their place and used again

/// Where a piece goes.
struct Target {
  uint32_t* columns;
  float* values;
};

}  // namespace

Csr build_in_pieces(const CsrPlan& plan, ThreadPool& pool, const FillPiece& fill) {
  const size_t n_pieces = (plan.n_rows + plan.grain - 1) / plan.grain;
  std::vector<CsrPiece> pieces(std::min(n_pieces, kRoundPieces));
  std::vector<Target> targets(pieces.size());
  std::vector<uint64_t> offsets{0};
  offsets.reserve(plan.n_rows + 1);
  GrowingArray<uint32_t> columns;
  GrowingArray<float> values;
  for (size_t first = 0; first < n_pieces; first += kRoundPieces) {
    const size_t count = std::min(kRoundPieces, n_pieces - first);
    pool.run(count, [&](size_t part, size_t worker) {
      CsrPiece& piece = pieces[part];
      piece.sizes.clear();
      piece.columns.clear();
      piece.values.clear();
      const size_t begin = (first + part) * plan.grain;
      fill(begin, std::min(begin + plan.grain, plan.n_rows), worker, piece);
    });
    size_t size = 0;
    for (size_t part = 0; part < count; ++part) size += pieces[part].columns.size();
    Target next{columns.extend(size), values.extend(size)};
    for (size_t part = 0; part < count; ++part) {
      targets[part] = next;
      next.columns += pieces[part].columns.size();
      next.values += pieces[part].columns.size();
      for (const uint32_t row : pieces[part].sizes) offsets.push_back(offsets.back() + row);
    }
    pool.run(count, [&](size_t part, size_t) {
      std::copy(pieces[part].columns.begin(), pieces[part].columns.end(), targets[part].columns);
      std::copy(pieces[part].values.begin(), pieces[part].values.end(), targets[part].values);
    });
  }
  Csr result;
  result.n_columns = plan.n_columns;
  result.offsets = std::move(offsets);
  result.columns = columns.finish();
  result.values = values.finish();
  return result;
}

}  // namespace coppice
