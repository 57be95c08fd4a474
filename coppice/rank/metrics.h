// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/core/options.h"
#include "coppice/math/csr.h"

namespace coppice {

/// The constants A and B of the propensity model, as the field sets them for its data sets.
enum class Propensity { standard, wikipedia, amazon, own };

/// What becomes of test rows that have no label.
enum class RowsWithoutLabels { skip, zero };

/// How predictions are judged.
struct MetricOptions {
  std::vector<uint32_t> at{1, 3, 5};
  Propensity propensity = Propensity::standard;
  double propensity_a = 0.55;
  double propensity_b = 1.5;
  uint32_t tail_most = 5;
  uint32_t torso_most = 50;
  RowsWithoutLabels rows_without_labels = RowsWithoutLabels::skip;
};

void describe(OptionTable& table, MetricOptions& options);

/// The metrics at one depth k, in percent; `..._error` are standard errors of the mean.
struct MetricsAtK {
  uint32_t k = 0;
  double precision = 0, recall = 0, ndcg = 0;
  double precision_error = 0, recall_error = 0, ndcg_error = 0;
  double psp = 0, psndcg = 0;
  double coverage = 0, macro_f1 = 0, micro_f1 = 0;
};

/// The metrics over all labels, or over the labels of one frequency bin.
struct MetricsOfBin {
  std::string name;        ///< "all", "head", "torso", "tail" or "unseen"
  uint64_t rows = 0;       ///< rows that the means are over
  uint64_t labels = 0;     ///< labels of the bin that occur in the test rows
  uint64_t positives = 0;  ///< occurrences of them
  double mrr = 0, mrr_error = 0;
  std::vector<MetricsAtK> at;
};

/// A finished evaluation.
struct Metrics {
  MetricOptions options;           ///< with propensity_a and propensity_b as they were used
  bool frequencies_known = false;  ///< else propensities are taken to be 1, and the bins are empty
  double propensity_c = 0;
  uint64_t training_rows = 0;
  uint64_t rows = 0;                 ///< all test rows
  uint64_t rows_without_labels = 0;  ///< of them, those without a label
  uint64_t depth = 0;                ///< longest ranking seen: MRR looks no deeper
  std::vector<MetricsOfBin> bins;    ///< all, head, torso, tail, unseen
};

/// How often a label occurs in training decides its bin: 0 unseen, up to `tail_most` tail, up to `torso_most` torso,
/// above it head.
///
/// Formulas, for a row with the true labels y (relevance > 0) and the ranking l_1, l_2, ...; means are over rows:
///   P@k       mean of hits among l_1..l_k / k
///   R@k       mean of hits / |y|
///   nDCG@k    mean of sum_{r<=k} rel(l_r)/log2(r+1) over its best value (relevances in descending order)
///   MRR       mean of 1 / rank of the first hit (0 if there is none)
///   p_l       1 / (1 + C (N_l + B)^-A), C = max(0, ln N - 1)(B + 1)^A; N training rows, N_l of them with
///             label l; where N_l + B = 0 it counts as 1
///   PSP@k     sum over rows of sum_{hits} 1/p_l, over the same sum of the best k labels of each row
///   PSnDCG@k  the same with 1/(p_l log2(r+1)), each row divided by sum_{r<=min(k,|y|)} 1/log2(r+1)
///   Coverage@k  labels hit at least once / labels that occur in the test rows
///   micro-F1@k  2 tp / (2 tp + fp + fn) over all labels, taking the first k as the prediction
///   macro-F1@k  mean of each label's F1, over the labels that occur in test rows or among their first k
/// In a bin, y is cut to the bin's labels and rows left without one do not count; the ranking stays as it is. F1 of a
/// bin counts the bin's labels in all rows.
/// Source: Jain, Prabhu, Varma, "Extreme Multi-label Loss Functions", KDD 2016 (equation 2, sections 5 and 6); sums
/// over rows before dividing as in the tools of the Extreme Classification Repository. Relevances other than 1 enter
/// nDCG alone, linearly. For N < e, C is 0.
///
/// Rows are added one by one, so test sets larger than memory pass through.
/// Cost: O(k log |y|) per row; memory 4 bytes x labels x (1 + 2 x depths).
class MetricsBuilder {
 public:
  /// `training_counts[l]` = training rows with label l; a label beyond them was never seen in training. No counts
  /// at all = unknown: then all propensities are 1 and no bin is filled.
  /// Throws `ErrorCode::usage` for an empty list of depths or bins out of order.
  MetricsBuilder(MetricOptions options, std::vector<uint32_t> training_counts, uint64_t training_rows);
  ~MetricsBuilder();

  /// Adds a row: its ranking, best label first (a repeated label is no second hit), and its true labels.
  void add(std::span<const uint32_t> ranking, SparseRow truth);

  Metrics build() const;

 private:
  class Sums;
  std::unique_ptr<Sums> sums_;
};

/// Keys as in the field ("P@1", "nDCG@5", "PSP@3"), values in percent, with bins, counts, constants and formulas.
/// Figures over no row are null, since there is nothing to judge by: 0 would mean that every answer was wrong. So is
/// what depends on label frequencies (propensities, bins) where they are not known.
nlohmann::ordered_json to_json(const Metrics& metrics);

/// A table for people, with the constants and formulas under it.
std::string to_table(const Metrics& metrics);

}  // namespace coppice
