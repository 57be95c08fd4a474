// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/label_embedding.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/index/csr_pieces.h"

namespace coppice {
namespace {

constexpr size_t kLabelGrain = 128;

uint32_t bits_of(float value) noexcept {
  return std::bit_cast<uint32_t>(value);
}

/// An entry as one integer that sorts by column.
uint64_t by_column(uint32_t column, float value) noexcept {
  return uint64_t{column} << 32 | bits_of(value);
}

/// The same entry as an integer that sorts by falling magnitude, then by column.
uint64_t by_magnitude(uint64_t entry) noexcept {
  const uint32_t magnitude = static_cast<uint32_t>(entry) << 1;
  return uint64_t{~magnitude} << 32 | (entry >> 32);
}

/// Leaves the `most` entries of largest magnitude, ascending by column.
void select_largest(std::vector<uint64_t>& entries, uint32_t most) {
  if (entries.size() > most) {
    const auto cut = entries.begin() + most;
    std::nth_element(entries.begin(), cut, entries.end(),
                     [](uint64_t a, uint64_t b) { return by_magnitude(a) < by_magnitude(b); });
    entries.erase(cut, entries.end());
  }
  std::sort(entries.begin(), entries.end());
}

/// Appends entries sorted by column as a row of norm 1.
void append_unit_row(const std::vector<uint64_t>& entries, CsrPiece& piece) {
  double squares = 0;
  for (const uint64_t entry : entries) {
    const double value = std::bit_cast<float>(static_cast<uint32_t>(entry));
    squares += value * value;
  }
  const float scale = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0;
  if (scale > 0 && std::isfinite(scale)) {
    for (const uint64_t entry : entries) {
      piece.columns.push_back(static_cast<uint32_t>(entry >> 32));
      piece.values.push_back(std::bit_cast<float>(static_cast<uint32_t>(entry)) * scale);
    }
    piece.sizes.push_back(static_cast<uint32_t>(entries.size()));
  } else {
    piece.sizes.push_back(0);
  }
}

constexpr uint32_t kKeepAll = UINT32_MAX;

/// What 0 means for `max_features_per_label`: as many as a row has on average, 32 to 64; all where rows are dense.
uint32_t automatic_most(const Csr& rows) {
  const uint64_t mean = rows.n_nonzeros() / std::max<uint64_t>(1, rows.n_rows());
  return mean * 4 >= rows.n_columns ? kKeepAll : static_cast<uint32_t>(std::clamp<uint64_t>(mean, 32, 64));
}

/// Makes n_rows rows of at most `most` entries, l2 norm 1, from whatever `fill(row, worker, entries)` puts in.
template <class Fill>
Csr build_unit_rows(size_t n_rows, uint32_t n_columns, uint32_t most, ThreadPool& pool, const Fill& fill) {
  std::vector<CsrPiece> pieces((n_rows + kLabelGrain - 1) / kLabelGrain);
  std::vector<std::vector<uint64_t>> scratch(pool.threads());
  pool.for_ranges(n_rows, kLabelGrain, [&](size_t begin, size_t end, size_t worker) {
    CsrPiece& piece = pieces[begin / kLabelGrain];
    for (size_t row = begin; row < end; ++row) {
      scratch[worker].clear();
      fill(row, worker, scratch[worker]);
      select_largest(scratch[worker], most);
      append_unit_row(scratch[worker], piece);
    }
  });
  return join_pieces(pieces, n_columns, pool);
}

/// Y' transposed: row l holds the instances of label l, each with its weight in the label's vector.
Csr instances_by_label(const Csr& labels, bool weigh_by_relevance, ThreadPool& pool) {
  std::vector<float> weights(labels.values.size());
  for (size_t i = 0; i < labels.n_rows(); ++i) {
    const SparseRow row = labels.row(i);
    double squares = 0;
    for (const float value : row.values) squares += weigh_by_relevance ? double{value} * value : 1;
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (size_t j = 0; j < row.size(); ++j) {
      weights[labels.offsets[i] + j] = static_cast<float>(scale * (weigh_by_relevance ? row.values[j] : 1));
    }
  }
  Csr weighted = labels;
  weighted.values = std::move(weights);
  return transpose(weighted, pool);
}

/// The dense row in which one thread sums a label's instances, and the columns that it touched.
struct Accumulator {
  std::vector<float> sums;
  std::vector<uint32_t> touched;

  void add(const SparseRow& row, float weight) {
    for (size_t j = 0; j < row.size(); ++j) {
      float& sum = sums[row.columns[j]];
      if (sum == 0) touched.push_back(row.columns[j]);
      sum += weight * row.values[j];
    }
  }

  /// Moves the sums out and leaves zeros. A column touched twice (its sum was zero in between) is met with zero then.
  void drain(std::vector<uint64_t>& entries) {
    for (const uint32_t column : touched) {
      if (sums[column] != 0) entries.push_back(by_column(column, sums[column]));
      sums[column] = 0;
    }
    touched.clear();
  }
};

Csr pifa(const EmbedderInput& input, const EmbeddingOptions& options, ThreadPool& pool, Progress& progress) {
  const Csr instances = instances_by_label(input.labels, options.weigh_by_relevance, pool);
  std::vector<Accumulator> accumulators(pool.threads());
  const auto fill = [&](size_t label, size_t worker, std::vector<uint64_t>& entries) {
    Accumulator& accumulator = accumulators[worker];
    if (accumulator.sums.empty()) accumulator.sums.resize(input.features.n_columns);
    if (label % kLabelGrain == 0) progress.throw_if_stopped();
    const SparseRow row = instances.row(label);
    for (size_t j = 0; j < row.size(); ++j) accumulator.add(input.features.row(row.columns[j]), row.values[j]);
    accumulator.drain(entries);
    progress.advance(1);
  };
  const uint32_t asked = options.max_features_per_label;
  const uint32_t most = asked == 0 ? automatic_most(input.features) : asked;
  return build_unit_rows(instances.n_rows(), input.features.n_columns, most, pool, fill);
}

/// Row l of the result: left's row l scaled by left_scale(l), and right's by right_scale(l) with its columns shifted.
Csr weighted_sum(const Csr& left, const Csr& right, uint32_t shift, const std::vector<float>& left_scales,
                 const std::vector<float>& right_scales, ThreadPool& pool) {
  const uint32_t n_columns = std::max(left.n_columns, right.n_columns + shift);
  return build_unit_rows(left.n_rows(), n_columns, kKeepAll, pool,
                         [&](size_t l, size_t, std::vector<uint64_t>& entries) {
                           const SparseRow a = left.row(l);
                           const SparseRow b = right.row(l);
                           size_t i = 0, j = 0;
                           while (i < a.size() || j < b.size()) {
                             const uint64_t from_a = i < a.size() ? a.columns[i] : UINT64_MAX;
                             const uint64_t from_b = j < b.size() ? uint64_t{b.columns[j]} + shift : UINT64_MAX;
                             float value = 0;
                             if (from_a <= from_b) value += left_scales[l] * a.values[i++];
                             if (from_b <= from_a) value += right_scales[l] * b.values[j++];
                             if (value != 0)
                               entries.push_back(by_column(static_cast<uint32_t>(std::min(from_a, from_b)), value));
                           }
                         });
}

void check_shapes(const EmbedderInput& input, const EmbeddingOptions& options) {
  const uint32_t n_labels = input.labels.n_columns;
  if (input.features.n_rows() != input.labels.n_rows() && options.method != EmbeddingMethod::pii &&
      options.method != EmbeddingMethod::features) {
    throw Error(ErrorCode::data, "label embedding: " + std::to_string(input.features.n_rows()) +
                                     " rows of features but " + std::to_string(input.labels.n_rows()) +
                                     " rows of labels");
  }
  if (!input.pifa_shares.empty() && input.pifa_shares.size() != n_labels) {
    throw Error(ErrorCode::data, "label embedding: " + std::to_string(input.pifa_shares.size()) + " pifa shares for " +
                                     std::to_string(n_labels) + " labels");
  }
  for (const float share : input.pifa_shares) {
    if (!(share >= 0 && share <= 1)) throw Error(ErrorCode::data, "label embedding: a pifa share is not in [0, 1]");
  }
  if (options.method == EmbeddingMethod::pifa || options.method == EmbeddingMethod::pii) return;
  if (input.label_features == nullptr) {
    throw Error(ErrorCode::usage, "this label embedding needs label features, and none are given", {},
                "give label features, or choose pifa or pii");
  }
  if (input.label_features->n_rows() != n_labels) {
    throw Error(ErrorCode::data, "label embedding: " + std::to_string(input.label_features->n_rows()) +
                                     " rows of label features for " + std::to_string(n_labels) + " labels");
  }
  if (options.method == EmbeddingMethod::pifa_convex && input.label_features->n_columns != input.features.n_columns) {
    throw Error(ErrorCode::data,
                "label embedding: label features of " + std::to_string(input.label_features->n_columns) +
                    " columns cannot be added to features of " + std::to_string(input.features.n_columns),
                {}, "pifa_convex needs both in one feature space; pifa_concat does not");
  }
}

class BuiltInEmbedder final : public LabelEmbedder {
 public:
  explicit BuiltInEmbedder(const EmbeddingOptions& options) : options_(options) {}

  Csr embed(const EmbedderInput& input, ThreadPool& pool, Progress& progress) const override {
    check_shapes(input, options_);
    progress.stage("embedding labels", input.labels.n_columns);
    const uint32_t most = options_.max_features_per_label;
    switch (options_.method) {
      case EmbeddingMethod::pii:
        return keep_largest(instances_by_label(input.labels, options_.weigh_by_relevance, pool),
                            most == 0 ? kKeepAll : most, pool);
      case EmbeddingMethod::features:
        return keep_largest(*input.label_features, most, pool);
      case EmbeddingMethod::pifa:
        return pifa(input, options_, pool, progress);
      default:
        return joined(input, pool, progress);
    }
  }

 private:
  /// Side by side, the blocks are scaled by sqrt(a) and sqrt(1 - a): inner products, on which clustering rests, are
  /// then a * (pifa's) + (1 - a) * (the features').
  Csr joined(const EmbedderInput& input, ThreadPool& pool, Progress& progress) const {
    const bool side_by_side = options_.method == EmbeddingMethod::pifa_concat;
    const Csr own = pifa(input, options_, pool, progress);
    const Csr given = keep_largest(*input.label_features, options_.max_features_per_label, pool);
    std::vector<float> own_scales(own.n_rows(), options_.pifa_share);
    if (!input.pifa_shares.empty()) own_scales.assign(input.pifa_shares.begin(), input.pifa_shares.end());
    std::vector<float> given_scales(own.n_rows());
    for (size_t l = 0; l < own.n_rows(); ++l) {
      given_scales[l] = 1 - own_scales[l];
      if (side_by_side) {
        own_scales[l] = std::sqrt(own_scales[l]);
        given_scales[l] = std::sqrt(given_scales[l]);
      }
    }
    if (side_by_side && uint64_t{own.n_columns} + given.n_columns > UINT32_MAX) {
      throw Error(ErrorCode::data, "label embedding: features and label features have more than 2^32 columns");
    }
    return weighted_sum(own, given, side_by_side ? own.n_columns : 0, own_scales, given_scales, pool);
  }

  EmbeddingOptions options_;
};

}  // namespace

void describe(OptionTable& table, EmbeddingOptions& options) {
  table.add("label_embedding", options.method,
            {{EmbeddingMethod::pifa, "pifa"},
             {EmbeddingMethod::pii, "pii"},
             {EmbeddingMethod::features, "features"},
             {EmbeddingMethod::pifa_concat, "pifa_concat"},
             {EmbeddingMethod::pifa_convex, "pifa_convex"}},
            "What a label is known by when labels are clustered. pifa: the summed features of its instances (positive "
            "instance feature aggregation). pii: the set of its instances (positive instance indices). features: the "
            "given label features alone, such as word vectors of the label's name. pifa_concat: pifa and the features "
            "side by side (pifa_lf_concat in PECOS). pifa_convex: their weighted sum, for features in the same space "
            "as the instances' (pifa_lf_convex_combine).");
  table.add("pifa_share", options.pifa_share, 0, 1,
            "The weight a of pifa where it is joined with label features, which weigh 1 - a. alpha in PECOS, whose "
            "concatenation leaves the features unscaled.");
  table.add("weigh_by_relevance", options.weigh_by_relevance,
            "Weigh an instance in its labels' vectors by the relevance of the label to it. Without it every label of "
            "an instance counts alike.");
  table.add("max_features_per_label", options.max_features_per_label, 0, UINT32_MAX,
            "How many features of a label's vector are kept, those of the largest weight; 4294967295 keeps all. "
            "Frequent labels have long tails of tiny weights that cost time and memory and hardly move a cluster. 0 "
            "chooses as many as an instance has on average, 32 to 64, so that rare labels, which have no tail, are "
            "cut like frequent ones; a cap between the two makes clusters of rare and of frequent labels. Dense "
            "features and pii are not cut then. Other tools keep all.");
}

std::unique_ptr<LabelEmbedder> make_embedder(const EmbeddingOptions& options) {
  return std::make_unique<BuiltInEmbedder>(options);
}

Csr keep_largest(const Csr& matrix, uint32_t most, ThreadPool& pool) {
  if (most == 0) most = automatic_most(matrix);
  return build_unit_rows(matrix.n_rows(), matrix.n_columns, most, pool,
                         [&](size_t i, size_t, std::vector<uint64_t>& entries) {
                           const SparseRow row = matrix.row(i);
                           for (size_t j = 0; j < row.size(); ++j) {
                             if (row.values[j] != 0) entries.push_back(by_column(row.columns[j], row.values[j]));
                           }
                         });
}

std::vector<uint32_t> label_frequencies(const Csr& labels) {
  std::vector<uint32_t> frequencies(labels.n_columns);
  for (const uint32_t label : labels.columns) ++frequencies[label];
  return frequencies;
}

}  // namespace coppice
