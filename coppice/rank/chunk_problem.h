// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/math/csr.h"

namespace coppice {

/// One nonzero of a row, feature and value side by side so that a row is one stream.
struct RowEntry {
  uint32_t feature;
  float value;
};

/// Where a row's entries lie. What the solver needs to ask for them early is in one place, as it jumps between rows.
struct RowPlace {
  uint64_t begin;
  uint32_t size;  ///< without the padding
  uint32_t cold;  ///< the first entry whose feature is not among the hot ones
};

/// That a row belongs to a child of the chunk.
struct Positive {
  uint16_t child;
  float relevance;
};

/// The training set that the children of one node share, gathered and renumbered: what the solver works on.
///
/// Local feature 0 is the bias. Features 1..n_shared-1 occur in at least two rows, most frequent first, so that what is
/// touched most lies together. A feature of a single row (a third of the nonzeros in text) gets a number from n_shared
/// on, in row order, and stands in `own`: its weight is alpha y x of that row alone, so the solver folds it into the
/// row's diagonal and spends neither memory nor time on it.
/// Shapes: n rows; `own_begin`, `positive_begin` n + 1; `entries` of a row start with the bias and end in
/// zeros up to a multiple of kRowStep.
struct ChunkProblem {
  static constexpr size_t kRowStep = 4;

  uint64_t id = 0;  ///< names the random stream of this chunk
  uint32_t n_children = 0;
  uint32_t n_shared = 1;
  float bias = 1.0F;               ///< value of the bias feature
  std::vector<uint32_t> features;  ///< local number -> global; entry 0 stands for the bias
  std::vector<RowPlace> places;    ///< n: where the entries of a row lie
  std::vector<RowEntry> entries;
  std::vector<uint64_t> own_begin;
  std::vector<float> own_values;  ///< of local features n_shared, n_shared + 1, ..
  std::vector<float> own_norm;    ///< n: sum of the row's own values squared
  std::vector<float> norm;        ///< n: sum of all its values squared, the bias included
  std::vector<float> weight;      ///< n, or empty = 1 each
  std::vector<uint64_t> positive_begin;
  std::vector<Positive> positives;  ///< children ascending in a row
  bool has_relevance = false;       ///< whether any relevance differs from 1

  size_t n_rows() const noexcept { return places.size(); }
  uint64_t size_bytes() const noexcept;
  /// The row's entries without the padding.
  std::span<const RowEntry> row_entries(size_t row) const noexcept {
    return {entries.data() + places[row].begin, places[row].size};
  }
  std::span<const Positive> row_positives(size_t row) const noexcept {
    return {positives.data() + positive_begin[row], positives.data() + positive_begin[row + 1]};
  }
};

/// The rows of all chunks: features, who belongs where, and how much a row weighs.
struct TrainingRows {
  const Csr* features = nullptr;        ///< n x d
  const Csr* nodes = nullptr;           ///< n x nodes of the children's level; the value is the relevance
  std::span<const float> weights = {};  ///< n, or empty = 1 each; a row of weight 0 takes no part
  float bias = 1.0F;
};

/// The children of one chunk, as nodes of their level.
struct ChunkRange {
  uint64_t id = 0;
  uint32_t first_node = 0;
  uint32_t n_children = 0;
};

/// Gathers chunk problems; one per thread, reused from chunk to chunk.
class ChunkGatherer {
 public:
  /// The problem of `chunk` on the rows given (ascending, without repeats).
  /// Cost: two passes over the rows' nonzeros; scratch of 4 bytes per feature of the matrix.
  ChunkProblem gather(const TrainingRows& all, const ChunkRange& chunk, std::span<const uint32_t> rows);

 private:
  void count_features(const Csr& features);
  void number_features(ChunkProblem& problem);
  void add_row(const Csr& features, uint32_t row, ChunkProblem& problem);
  void add_positives(const TrainingRows& all, const ChunkRange& chunk, uint32_t row, ChunkProblem& problem);

  std::vector<uint32_t> slots_;    // by global feature: its count, then its local number; 0 between calls
  std::vector<uint32_t> touched_;  // the features with a nonzero slot
  std::vector<uint32_t> rows_;     // of the problem in work
};

}  // namespace coppice
