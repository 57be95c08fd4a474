// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kAll = 0, kHead = 1, kTorso = 2, kTail = 3, kUnseen = 4, kBins = 5;
constexpr std::array<const char*, kBins> kBinNames{"all", "head", "torso", "tail", "unseen"};

double percent(double numerator, double denominator) {
  return denominator > 0 ? 100 * numerator / denominator : 0;
}

double discount(size_t rank_from_0) {
  return 1 / std::log2(static_cast<double>(rank_from_0) + 2);
}

/// A mean in percent and its standard error, from the sum and the sum of squares.
struct Mean {
  double sum = 0, squares = 0;

  void add(double value) noexcept {
    sum += value;
    squares += value * value;
  }
  double mean(uint64_t rows) const { return percent(sum, static_cast<double>(rows)); }
  double error(uint64_t rows) const {
    if (rows < 2) return 0;
    const double n = static_cast<double>(rows);
    return 100 * std::sqrt(std::max(0.0, squares - sum * sum / n) / (n - 1) / n);
  }
};

struct SumsAtK {
  Mean precision, recall, ndcg;
  double psp = 0, best_psp = 0, psndcg = 0, best_psndcg = 0;
};

struct SumsOfBin {
  uint64_t rows = 0;
  Mean reciprocal_rank;
  std::vector<SumsAtK> at;
};

/// A true label of the row in work; among the hits also "no hit at this rank" (relevance 0).
struct Positive {
  uint32_t label = 0;
  size_t bin = kAll;
  double relevance = 0;
  double weight = 0;  ///< 1 / propensity
};

/// A count per label. Labels of the model lie in an array; others, whose ids may be any, in a map.
class LabelCounts {
 public:
  explicit LabelCounts(size_t n_known) : known_(n_known) {}

  void add(uint32_t label) { ++(label < known_.size() ? known_[label] : others_[label]); }
  uint32_t operator[](uint32_t label) const {
    if (label < known_.size()) return known_[label];
    const auto found = others_.find(label);
    return found == others_.end() ? 0 : found->second;
  }
  const std::map<uint32_t, uint32_t>& others() const noexcept { return others_; }

 private:
  std::vector<uint32_t> known_;
  std::map<uint32_t, uint32_t> others_;
};

/// How often each label is among the first k, rightly (hits) or not.
struct CountsAtK {
  LabelCounts hits, predicted;
};

MetricOptions with_constants(MetricOptions options) {
  if (options.propensity == Propensity::own) return options;
  const bool wikipedia = options.propensity == Propensity::wikipedia;
  const bool amazon = options.propensity == Propensity::amazon;
  options.propensity_a = wikipedia ? 0.5 : amazon ? 0.6 : 0.55;
  options.propensity_b = wikipedia ? 0.4 : amazon ? 2.6 : 1.5;
  return options;
}

void check_options(const MetricOptions& options) {
  if (options.at.empty()) throw Error(ErrorCode::usage, "no depth k given for the metrics, expected one or more");
  if (std::find(options.at.begin(), options.at.end(), 0u) != options.at.end())
    throw Error(ErrorCode::usage, "depth k of the metrics is 0, expected at least 1");
  if (options.torso_most < options.tail_most)
    throw Error(ErrorCode::usage, "torso_most " + std::to_string(options.torso_most) + " is below tail_most " +
                                      std::to_string(options.tail_most) + ", expected it at or above");
}

}  // namespace

void describe(OptionTable& table, MetricOptions& options) {
  table.add("at", options.at, 1, 100000,
            "Depths k at which the metrics are taken: P@k, R@k, nDCG@k and so on. evaluate predicts as many "
            "labels per row as the deepest says, and top_k at the least.");
  table.add("propensity", options.propensity,
            {{Propensity::standard, "standard"},
             {Propensity::wikipedia, "wikipedia"},
             {Propensity::amazon, "amazon"},
             {Propensity::own, "own"}},
            "Constants A and B of the propensity model behind PSP@k and PSnDCG@k, as the field sets them: standard "
            "0.55 and 1.5, wikipedia 0.5 and 0.4, amazon 0.6 and 2.6; own takes propensity_a and propensity_b.");
  table.add("propensity_a", options.propensity_a, 0, 10, "A of the propensity model; used with --propensity own.");
  table.add("propensity_b", options.propensity_b, 0, 1000, "B of the propensity model; used with --propensity own.");
  table.add("tail_most", options.tail_most, 1, 1000000000,
            "A label with at most this many training rows is in the tail bin (few-shot labels elsewhere).");
  table.add("torso_most", options.torso_most, 1, 1000000000,
            "A label with more training rows than the tail has, and at most this many, is in the torso bin; those "
            "above it are in the head.");
  table.add("rows_without_labels", options.rows_without_labels,
            {{RowsWithoutLabels::skip, "skip"}, {RowsWithoutLabels::zero, "zero"}},
            "Test rows without any label are left out of all means (skip), or count as rows that score 0 (zero, as in "
            "PECOS). How many there are is reported either way.");
}

class MetricsBuilder::Sums {
 public:
  Sums(MetricOptions options, std::vector<uint32_t> training_counts, uint64_t training_rows)
      : options_(with_constants(std::move(options))),
        training_counts_(std::move(training_counts)),
        training_rows_(training_rows),
        truth_counts_(training_counts_.size()),
        counts_at_(options_.at.size(), {truth_counts_, truth_counts_}) {
    check_options(options_);
    for (SumsOfBin& bin : bins_) bin.at.resize(options_.at.size());
    const double log_rows = training_rows > 0 ? std::log(static_cast<double>(training_rows)) : 0;
    c_ = std::max(0.0, log_rows - 1) * std::pow(options_.propensity_b + 1, options_.propensity_a);
  }

  void add(std::span<const uint32_t> ranking, SparseRow truth) {
    ++rows_;
    depth_ = std::max<uint64_t>(depth_, ranking.size());
    collect_positives(truth);
    if (positives_.empty()) {
      ++rows_without_labels_;
      if (options_.rows_without_labels == RowsWithoutLabels::skip) return;
    }
    collect_hits(ranking);
    count_labels(ranking);
    for (size_t bin = 0; bin < kBins; ++bin) add_to_bin(bin);
  }

  Metrics build() const;

 private:
  uint32_t training_count(uint32_t label) const noexcept {
    return label < training_counts_.size() ? training_counts_[label] : 0;
  }

  size_t bin_of(uint32_t label) const noexcept {
    if (training_counts_.empty()) return kAll;  // frequencies are unknown: no bins
    const uint32_t count = training_count(label);
    if (count == 0) return kUnseen;
    if (count <= options_.tail_most) return kTail;
    return count <= options_.torso_most ? kTorso : kHead;
  }

  Positive positive(uint32_t label, float relevance) const {
    const double frequency = training_count(label) + options_.propensity_b;
    // B = 0 and a label never seen would be a division by zero: such a label weighs as one seen once.
    const double weight = 1 + c_ * std::pow(frequency > 0 ? frequency : 1.0, -options_.propensity_a);
    return {label, bin_of(label), relevance, weight};
  }

  void collect_positives(SparseRow truth);
  void collect_hits(std::span<const uint32_t> ranking);
  void count_labels(std::span<const uint32_t> ranking);
  void add_to_bin(size_t bin);
  void add_at_k(SumsAtK& sums, uint32_t k, size_t bin) const;
  void finish_labels(size_t bin, MetricsOfBin& out) const;
  void finish_f1(size_t bin, const CountsAtK& counts, MetricsAtK& out) const;

  /// Calls `visit` for each label of the bin that the truth or the predictions may hold.
  template <class Visit>
  void for_labels(size_t bin, const LabelCounts& predicted, Visit visit) const {
    for (uint32_t label = 0; label < training_counts_.size(); ++label)
      if (bin == kAll || bin_of(label) == bin) visit(label);
    std::map<uint32_t, uint32_t> others = truth_counts_.others();
    others.insert(predicted.others().begin(), predicted.others().end());
    for (const auto& entry : others)
      if (bin == kAll || bin_of(entry.first) == bin) visit(entry.first);
  }

  static bool belongs(const Positive& positive, size_t bin) noexcept { return bin == kAll || positive.bin == bin; }

  MetricOptions options_;
  std::vector<uint32_t> training_counts_;
  uint64_t training_rows_;
  double c_ = 0;
  uint64_t rows_ = 0, rows_without_labels_ = 0, depth_ = 0;
  std::array<SumsOfBin, kBins> bins_;
  LabelCounts truth_counts_;          ///< occurrences of each label in the test rows
  std::vector<CountsAtK> counts_at_;  ///< one per depth
  // Scratch of the row in work.
  std::vector<Positive> positives_;           ///< its true labels, ascending
  std::vector<Positive> hits_;                ///< by rank
  std::vector<double> relevances_, weights_;  ///< of its true labels in the bin in work, descending
};

MetricsBuilder::MetricsBuilder(MetricOptions options, std::vector<uint32_t> training_counts, uint64_t training_rows)
    : sums_(std::make_unique<Sums>(std::move(options), std::move(training_counts), training_rows)) {}

MetricsBuilder::~MetricsBuilder() = default;

void MetricsBuilder::add(std::span<const uint32_t> ranking, SparseRow truth) {
  sums_->add(ranking, truth);
}

Metrics MetricsBuilder::build() const {
  return sums_->build();
}

void MetricsBuilder::Sums::collect_positives(SparseRow truth) {
  positives_.clear();
  for (size_t i = 0; i < truth.size(); ++i)
    if (truth.values[i] > 0) positives_.push_back(positive(truth.columns[i], truth.values[i]));
}

void MetricsBuilder::Sums::collect_hits(std::span<const uint32_t> ranking) {
  hits_.assign(ranking.size(), {});
  for (size_t rank = 0; rank < ranking.size(); ++rank) {
    const auto found = std::lower_bound(positives_.begin(), positives_.end(), ranking[rank],
                                        [](const Positive& one, uint32_t label) { return one.label < label; });
    if (found == positives_.end() || found->label != ranking[rank]) continue;
    const auto earlier = ranking.begin() + static_cast<std::ptrdiff_t>(rank);
    if (std::find(ranking.begin(), earlier, ranking[rank]) != earlier) continue;
    hits_[rank] = *found;
  }
}

void MetricsBuilder::Sums::count_labels(std::span<const uint32_t> ranking) {
  for (const Positive& one : positives_) truth_counts_.add(one.label);
  for (size_t depth = 0; depth < options_.at.size(); ++depth) {
    const size_t end = std::min<size_t>(options_.at[depth], ranking.size());
    for (size_t rank = 0; rank < end; ++rank) {
      counts_at_[depth].predicted.add(ranking[rank]);
      if (hits_[rank].relevance > 0) counts_at_[depth].hits.add(ranking[rank]);
    }
  }
}

void MetricsBuilder::Sums::add_to_bin(size_t bin) {
  relevances_.clear();
  weights_.clear();
  for (const Positive& one : positives_) {
    if (!belongs(one, bin)) continue;
    relevances_.push_back(one.relevance);
    weights_.push_back(one.weight);
  }
  SumsOfBin& sums = bins_[bin];
  if (relevances_.empty()) {
    if (bin == kAll) ++sums.rows;  // a row without labels that is to count as zero: it adds nothing else
    return;
  }
  ++sums.rows;
  std::sort(relevances_.begin(), relevances_.end(), std::greater<>());
  std::sort(weights_.begin(), weights_.end(), std::greater<>());
  const auto first = std::find_if(hits_.begin(), hits_.end(),
                                  [bin](const Positive& hit) { return hit.relevance > 0 && belongs(hit, bin); });
  if (first != hits_.end()) sums.reciprocal_rank.add(1 / static_cast<double>(first - hits_.begin() + 1));
  for (size_t depth = 0; depth < options_.at.size(); ++depth) add_at_k(sums.at[depth], options_.at[depth], bin);
}

void MetricsBuilder::Sums::add_at_k(SumsAtK& sums, uint32_t k, size_t bin) const {
  double hits = 0, dcg = 0, weight = 0, weighted_dcg = 0;
  for (size_t rank = 0; rank < std::min<size_t>(k, hits_.size()); ++rank) {
    const Positive& hit = hits_[rank];
    if (hit.relevance <= 0 || !belongs(hit, bin)) continue;
    hits += 1;
    dcg += hit.relevance * discount(rank);
    weight += hit.weight;
    weighted_dcg += hit.weight * discount(rank);
  }
  double best_dcg = 0, plain_dcg = 0, best_weight = 0, best_weighted_dcg = 0;
  for (size_t rank = 0; rank < std::min<size_t>(k, relevances_.size()); ++rank) {
    best_dcg += relevances_[rank] * discount(rank);
    plain_dcg += discount(rank);
    best_weight += weights_[rank];
    best_weighted_dcg += weights_[rank] * discount(rank);
  }
  sums.precision.add(hits / k);
  sums.recall.add(hits / static_cast<double>(relevances_.size()));
  sums.ndcg.add(dcg / best_dcg);
  sums.psp += weight;
  sums.best_psp += best_weight;
  sums.psndcg += weighted_dcg / plain_dcg;
  sums.best_psndcg += best_weighted_dcg / plain_dcg;
}

Metrics MetricsBuilder::Sums::build() const {
  Metrics out;
  out.options = options_;
  out.frequencies_known = !training_counts_.empty();
  out.propensity_c = c_;
  out.training_rows = training_rows_;
  out.rows = rows_;
  out.rows_without_labels = rows_without_labels_;
  out.depth = depth_;
  for (size_t bin = 0; bin < kBins; ++bin) {
    const SumsOfBin& sums = bins_[bin];
    MetricsOfBin& result = out.bins.emplace_back();
    result.name = kBinNames[bin];
    result.rows = sums.rows;
    result.mrr = sums.reciprocal_rank.mean(sums.rows);
    result.mrr_error = sums.reciprocal_rank.error(sums.rows);
    for (size_t depth = 0; depth < options_.at.size(); ++depth) {
      const SumsAtK& at = sums.at[depth];
      MetricsAtK& one = result.at.emplace_back();
      one.k = options_.at[depth];
      one.precision = at.precision.mean(sums.rows);
      one.recall = at.recall.mean(sums.rows);
      one.ndcg = at.ndcg.mean(sums.rows);
      one.precision_error = at.precision.error(sums.rows);
      one.recall_error = at.recall.error(sums.rows);
      one.ndcg_error = at.ndcg.error(sums.rows);
      one.psp = percent(at.psp, at.best_psp);
      one.psndcg = percent(at.psndcg, at.best_psndcg);
    }
    finish_labels(bin, result);
  }
  return out;
}

void MetricsBuilder::Sums::finish_labels(size_t bin, MetricsOfBin& out) const {
  for_labels(bin, truth_counts_, [&](uint32_t label) {
    if (truth_counts_[label] == 0) return;
    ++out.labels;
    out.positives += truth_counts_[label];
  });
  for (size_t depth = 0; depth < out.at.size(); ++depth) finish_f1(bin, counts_at_[depth], out.at[depth]);
}

void MetricsBuilder::Sums::finish_f1(size_t bin, const CountsAtK& counts, MetricsAtK& out) const {
  double sum_f1 = 0, labels = 0, all_hits = 0, all_mentions = 0, labels_hit = 0, labels_true = 0;
  for_labels(bin, counts.predicted, [&](uint32_t label) {
    const double hits = counts.hits[label], truths = truth_counts_[label];
    const double mentions = counts.predicted[label] + truths;  // 2 tp + fp + fn
    if (mentions == 0) return;
    labels += 1;
    sum_f1 += 2 * hits / mentions;
    all_hits += hits;
    all_mentions += mentions;
    labels_hit += hits > 0 ? 1 : 0;
    labels_true += truths > 0 ? 1 : 0;
  });
  out.coverage = percent(labels_hit, labels_true);
  out.macro_f1 = percent(sum_f1, labels);
  out.micro_f1 = percent(2 * all_hits, all_mentions);
}

}  // namespace coppice
