// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/bm25.h"

#include <cmath>
#include <cstdint>
#include <vector>

namespace coppice {
namespace {

constexpr size_t kRowGrain = 1024;

/// What the weights of all passages depend on.
struct Statistics {
  std::vector<double> lengths;
  double mean_length = 0;
  std::vector<double> idf;
};

Statistics statistics_of(const Csr& counts) {
  Statistics result;
  std::vector<uint32_t> frequencies(counts.n_columns);
  for (const uint32_t feature : counts.columns) ++frequencies[feature];
  uint64_t n = 0;
  double total = 0;
  for (size_t p = 0; p < counts.n_rows(); ++p) {
    double length = 0;
    for (const float count : counts.row(p).values) length += count;
    result.lengths.push_back(length);
    total += length;
    n += length > 0 ? 1 : 0;
  }
  result.mean_length = n > 0 ? total / static_cast<double>(n) : 1;
  for (const uint32_t frequency : frequencies) {
    result.idf.push_back(std::log1p((static_cast<double>(n) - frequency + 0.5) / (frequency + 0.5)));
  }
  return result;
}

}  // namespace

void describe(OptionTable& table, Bm25Options& options) {
  table.add("k1", options.k1, 0, 1000,
            "BM25: how soon more occurrences of a word in a passage stop to count for more. 0 = one counts for all.");
  table.add("b", options.b, 0, 1,
            "BM25: how much a long passage pays for its length. 0 = nothing; 1 = a word counts by its share of the "
            "passage.");
}

Csr bm25_weights(const Csr& counts, const Bm25Options& options, ThreadPool& pool) {
  const Statistics statistics = statistics_of(counts);
  const double k1 = options.k1, b = options.b;
  std::vector<float> weights(counts.n_nonzeros());
  pool.for_ranges(counts.n_rows(), kRowGrain, [&](size_t begin, size_t end, size_t) {
    for (size_t p = begin; p < end; ++p) {
      const SparseRow row = counts.row(p);
      const double norm = k1 * (1 - b + b * statistics.lengths[p] / statistics.mean_length);
      for (size_t j = 0; j < row.size(); ++j) {
        const double tf = row.values[j];
        const double weight = statistics.idf[row.columns[j]] * tf * (k1 + 1) / (tf + norm);
        weights[counts.offsets[p] + j] = static_cast<float>(weight);
      }
    }
  });
  Csr result = counts;
  result.values = std::move(weights);
  return result;
}

}  // namespace coppice
