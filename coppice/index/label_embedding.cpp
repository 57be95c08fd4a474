// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/label_embedding.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
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

double square_of(uint64_t entry) noexcept {
  const double value = std::bit_cast<float>(static_cast<uint32_t>(entry));
  return value * value;
}

/// How many entries of a row are kept, those of largest magnitude first: at least `least`, then until they hold
/// `share` of the row's squared norm, and at most `most`.
struct Cut {
  size_t least = SIZE_MAX;
  double share = 1;
  size_t most = SIZE_MAX;
};

size_t size_after(const Cut& cut, const std::vector<uint64_t>& by_falling_magnitude) {
  double total = 0;
  for (const uint64_t entry : by_falling_magnitude) total += square_of(entry);
  double held = 0;
  size_t size = 0;
  while (size < by_falling_magnitude.size() && (size < cut.least || held < cut.share * total)) {
    held += square_of(by_falling_magnitude[size++]);
  }
  return std::min(size, cut.most);
}

/// Leaves the entries that the cut keeps, ascending by column.
void select_largest(std::vector<uint64_t>& entries, const Cut& cut) {
  if (entries.size() > std::min(cut.least, cut.most)) {
    std::sort(entries.begin(), entries.end(), [](uint64_t a, uint64_t b) { return by_magnitude(a) < by_magnitude(b); });
    entries.resize(size_after(cut, entries));
  }
  std::sort(entries.begin(), entries.end());
}

/// Appends entries sorted by column as a row of norm 1.
void append_unit_row(const std::vector<uint64_t>& entries, CsrPiece& piece) {
  double squares = 0;
  for (const uint64_t entry : entries) squares += square_of(entry);
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

/// What 0 means for `max_features_per_label`: a label of few instances is known by their heaviest features, those that
/// hold most of the squared norm. Its lighter ones are what those instances happen to share with everything else, and
/// scatter such labels over the tree: without them, on rows held out from training, P@1 rose by 2.1 on cve-product and
/// 2.5 on cve-version. Labels of more instances keep all: there, cutting cost up to 8 points (cldr-emoji).
constexpr size_t kFewInstances = 3;
constexpr size_t kLeastFeatures = 8;
constexpr double kShareOfNorm = 0.6;

Cut cut_of_label(size_t n_instances) noexcept {
  if (n_instances > kFewInstances) return {};
  return {.least = kLeastFeatures, .share = kShareOfNorm};
}

/// 0 keeps all.
Cut cut_to(size_t most) noexcept {
  return {.most = most == 0 ? SIZE_MAX : most};
}

/// Dense features have no tail to cut.
bool is_dense(const Csr& rows) noexcept {
  const uint64_t mean = rows.n_nonzeros() / std::max<uint64_t>(1, rows.n_rows());
  return mean * 4 >= rows.n_columns;
}

/// Makes n_rows rows of l2 norm 1 from what `fill(row, worker, entries)` puts in and the cut that it returns.
template <class Fill>
Csr build_unit_rows(size_t n_rows, uint32_t n_columns, ThreadPool& pool, const Fill& fill) {
  std::vector<std::vector<uint64_t>> scratch(pool.threads());
  const CsrPlan plan{n_rows, n_columns, kLabelGrain};
  return build_in_pieces(plan, pool, [&](size_t begin, size_t end, size_t worker, CsrPiece& piece) {
    for (size_t row = begin; row < end; ++row) {
      scratch[worker].clear();
      const Cut cut = fill(row, worker, scratch[worker]);
      select_largest(scratch[worker], cut);
      append_unit_row(scratch[worker], piece);
    }
  });
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

Csr pifa(const EmbedderInput& input, const EmbeddingOptions& options, Job job) {
  const Csr instances = instances_by_label(input.labels, options.weigh_by_relevance, job.pool);
  std::vector<Accumulator> accumulators(job.pool.threads());
  const size_t asked = options.max_features_per_label;
  const bool choose = asked == 0 && !is_dense(input.features);
  const auto fill = [&](size_t label, size_t worker, std::vector<uint64_t>& entries) {
    Accumulator& accumulator = accumulators[worker];
    if (accumulator.sums.empty()) accumulator.sums.resize(input.features.n_columns);
    if (label % kLabelGrain == 0) job.progress.throw_if_stopped();
    const SparseRow row = instances.row(label);
    for (size_t j = 0; j < row.size(); ++j) accumulator.add(input.features.row(row.columns[j]), row.values[j]);
    accumulator.drain(entries);
    job.progress.advance(1);
    return choose ? cut_of_label(row.size()) : cut_to(asked);
  };
  return build_unit_rows(instances.n_rows(), input.features.n_columns, job.pool, fill);
}

/// Row l of the result: left's row l scaled by left_scale(l), and right's by right_scale(l) with its columns shifted.
Csr weighted_sum(const Csr& left, const Csr& right, uint32_t shift, const std::vector<float>& left_scales,
                 const std::vector<float>& right_scales, ThreadPool& pool) {
  const uint32_t n_columns = std::max(left.n_columns, right.n_columns + shift);
  return build_unit_rows(left.n_rows(), n_columns, pool, [&](size_t l, size_t, std::vector<uint64_t>& entries) {
    const SparseRow a = left.row(l);
    const SparseRow b = right.row(l);
    size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
      const uint64_t from_a = i < a.size() ? a.columns[i] : UINT64_MAX;
      const uint64_t from_b = j < b.size() ? uint64_t{b.columns[j]} + shift : UINT64_MAX;
      float value = 0;
      if (from_a <= from_b) value += left_scales[l] * a.values[i++];
      if (from_b <= from_a) value += right_scales[l] * b.values[j++];
      if (value != 0) entries.push_back(by_column(static_cast<uint32_t>(std::min(from_a, from_b)), value));
    }
    return Cut{};
  });
}

void check_shapes(const EmbedderInput& input, const EmbeddingOptions& options) {
  const uint32_t n_labels = input.labels.n_columns;
  if (input.features.n_rows() != input.labels.n_rows() && options.method != EmbeddingMethod::pii &&
      options.method != EmbeddingMethod::features) {
    throw Error(ErrorCode::data, "label embedding: " + counted(input.features.n_rows(), "row") + " of features but " +
                                     counted(input.labels.n_rows(), "row") + " of labels");
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

  Csr embed(const EmbedderInput& input, Job job) const override {
    check_shapes(input, options_);
    job.progress.stage("embedding labels", input.labels.n_columns);
    const uint32_t most = options_.max_features_per_label;
    switch (options_.method) {
      case EmbeddingMethod::pii:
        return keep_largest(instances_by_label(input.labels, options_.weigh_by_relevance, job.pool), most, job.pool);
      case EmbeddingMethod::features:
        return keep_largest(*input.label_features, most, job.pool);
      case EmbeddingMethod::pifa:
        return pifa(input, options_, job);
      default:
        return joined(input, job);
    }
  }

 private:
  /// Side by side, the blocks are scaled by sqrt(a) and sqrt(1 - a): inner products, on which clustering rests, are
  /// then a * (pifa's) + (1 - a) * (the features').
  Csr joined(const EmbedderInput& input, Job job) const {
    const bool side_by_side = options_.method == EmbeddingMethod::pifa_concat;
    const Csr own = pifa(input, options_, job);
    const Csr given = keep_largest(*input.label_features, options_.max_features_per_label, job.pool);
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
    return weighted_sum(own, given, side_by_side ? own.n_columns : 0, own_scales, given_scales, job.pool);
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
            "How many features of a label's vector are kept, those of the largest weight; 4294967295 keeps all, as "
            "other tools do. 0 keeps all of a label of more than 3 instances, and of a rarer one the heaviest, 8 at "
            "least, that hold six tenths of the squared norm: what its few instances share with everything else "
            "would scatter it over the tree. Dense features, pii and given label features are not cut then. A small "
            "number saves memory and time, and costs quality where labels are frequent.");
}

std::unique_ptr<LabelEmbedder> make_embedder(const EmbeddingOptions& options) {
  return std::make_unique<BuiltInEmbedder>(options);
}

Csr keep_largest(const Csr& matrix, uint32_t most, ThreadPool& pool) {
  return build_unit_rows(matrix.n_rows(), matrix.n_columns, pool,
                         [&](size_t i, size_t, std::vector<uint64_t>& entries) {
                           const SparseRow row = matrix.row(i);
                           for (size_t j = 0; j < row.size(); ++j) {
                             if (row.values[j] != 0) entries.push_back(by_column(row.columns[j], row.values[j]));
                           }
                           return cut_to(most);
                         });
}

std::vector<uint32_t> label_frequencies(const Csr& labels) {
  std::vector<uint32_t> frequencies(labels.n_columns);
  for (const uint32_t label : labels.columns) ++frequencies[label];
  return frequencies;
}

}  // namespace coppice
