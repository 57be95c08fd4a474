// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

/// One row for both implementations.
struct Row {
  std::vector<uint32_t> ranking;
  std::map<uint32_t, float> truth;
};

Metrics judge(const std::vector<Row>& rows, const std::vector<uint32_t>& counts, uint64_t training_rows,
              const MetricOptions& options = {}) {
  MetricsBuilder builder(options, counts, training_rows);
  for (const Row& row : rows) {
    std::vector<uint32_t> columns;
    std::vector<float> values;
    for (const auto& [label, relevance] : row.truth) {
      columns.push_back(label);
      values.push_back(relevance);
    }
    builder.add(row.ranking, {columns, values});
  }
  return builder.build();
}

/// The metrics once more, each from its formula on its own, with sets and maps and no shared passes.
class Naive {
 public:
  Naive(std::vector<Row> rows, std::vector<uint32_t> counts, double n, double a, double b)
      : rows_(std::move(rows)), counts_(std::move(counts)), n_(n), a_(a), b_(b) {}

  /// Cuts the truth to the labels that were in [lowest, highest] training rows.
  void keep(uint32_t lowest, uint32_t highest) { lowest_ = lowest, highest_ = highest; }

  bool in_bin(uint32_t label) const { return frequency(label) >= lowest_ && frequency(label) <= highest_; }
  uint32_t frequency(uint32_t label) const { return label < counts_.size() ? counts_[label] : 0; }
  double inverse_propensity(uint32_t label) const {
    return 1 + (std::log(n_) - 1) * std::pow(b_ + 1, a_) * std::exp(-a_ * std::log(frequency(label) + b_));
  }
  std::map<uint32_t, float> truth(const Row& row) const {
    std::map<uint32_t, float> kept;
    for (const auto& [label, relevance] : row.truth)
      if (relevance > 0 && in_bin(label)) kept[label] = relevance;
    return kept;
  }
  std::vector<uint32_t> first(const Row& row, size_t k) const {
    return {row.ranking.begin(), row.ranking.begin() + static_cast<std::ptrdiff_t>(std::min(k, row.ranking.size()))};
  }
  /// The mean of `score(row, truth)` over rows with a true label.
  template <class Score>
  double mean(Score score) const {
    double sum = 0, rows = 0;
    for (const Row& row : rows_)
      if (const auto y = truth(row); !y.empty()) sum += score(row, y), rows += 1;
    return rows > 0 ? 100 * sum / rows : 0;
  }

  double precision(size_t k) const {
    return mean([&](const Row& row, const auto& y) { return hits(row, y, k) / static_cast<double>(k); });
  }
  double recall(size_t k) const {
    return mean([&](const Row& row, const auto& y) { return hits(row, y, k) / static_cast<double>(y.size()); });
  }
  double ndcg(size_t k) const {
    return mean([&](const Row& row, const auto& y) {
      std::vector<double> gains, ideal;
      for (uint32_t label : first(row, k)) gains.push_back(y.contains(label) ? y.at(label) : 0);
      for (const auto& entry : y) ideal.push_back(entry.second);
      std::sort(ideal.rbegin(), ideal.rend());
      ideal.resize(std::min(k, ideal.size()));
      return dcg(gains) / dcg(ideal);
    });
  }
  double mrr() const {
    return mean([&](const Row& row, const auto& y) {
      for (size_t r = 0; r < row.ranking.size(); ++r)
        if (y.contains(row.ranking[r])) return 1.0 / static_cast<double>(r + 1);
      return 0.0;
    });
  }
  /// PSP (discounted = false) and PSnDCG (true).
  double propensity_scored(size_t k, bool discounted) const {
    double got = 0, best = 0;
    for (const Row& row : rows_) {
      const auto y = truth(row);
      if (y.empty()) continue;
      std::vector<double> gains, ideal;
      for (uint32_t label : first(row, k)) gains.push_back(y.contains(label) ? inverse_propensity(label) : 0);
      for (const auto& entry : y) ideal.push_back(inverse_propensity(entry.first));
      std::sort(ideal.rbegin(), ideal.rend());
      ideal.resize(std::min(k, ideal.size()));
      const double norm = discounted ? dcg(std::vector<double>(ideal.size(), 1.0)) : 1;
      got += (discounted ? dcg(gains) : std::accumulate(gains.begin(), gains.end(), 0.0)) / norm;
      best += (discounted ? dcg(ideal) : std::accumulate(ideal.begin(), ideal.end(), 0.0)) / norm;
    }
    return best > 0 ? 100 * got / best : 0;
  }
  double coverage(size_t k) const {
    std::set<uint32_t> present, hit;
    for (const Row& row : rows_) {
      const auto y = truth(row);
      for (const auto& entry : y) present.insert(entry.first);
      for (uint32_t label : first(row, k))
        if (y.contains(label)) hit.insert(label);
    }
    return present.empty() ? 0 : 100 * static_cast<double>(hit.size()) / static_cast<double>(present.size());
  }
  /// {macro, micro}
  std::pair<double, double> f1(size_t k) const {
    std::map<uint32_t, std::array<double, 3>> table;  // tp, fp, fn
    for (const Row& row : rows_) {
      if (std::none_of(row.truth.begin(), row.truth.end(), [](const auto& e) { return e.second > 0; })) continue;
      const auto y = truth(row);
      const auto predicted = first(row, k);
      for (uint32_t label : predicted)
        if (in_bin(label)) ++table[label][y.contains(label) ? 0 : 1];
      for (const auto& entry : y)
        if (std::find(predicted.begin(), predicted.end(), entry.first) == predicted.end()) ++table[entry.first][2];
    }
    double macro = 0, tp = 0, wrong = 0;
    for (const auto& [label, cell] : table) {
      macro += 2 * cell[0] / (2 * cell[0] + cell[1] + cell[2]);
      tp += cell[0], wrong += cell[1] + cell[2];
    }
    if (table.empty()) return {0, 0};
    return {100 * macro / static_cast<double>(table.size()), 100 * 2 * tp / (2 * tp + wrong)};
  }

 private:
  double hits(const Row& row, const std::map<uint32_t, float>& y, size_t k) const {
    double count = 0;
    for (uint32_t label : first(row, k)) count += y.contains(label);
    return count;
  }
  static double dcg(const std::vector<double>& gains) {
    double sum = 0;
    for (size_t r = 0; r < gains.size(); ++r) sum += gains[r] / (std::log(static_cast<double>(r) + 2) / std::log(2.0));
    return sum;
  }

  std::vector<Row> rows_;
  std::vector<uint32_t> counts_;
  double n_, a_, b_;
  uint32_t lowest_ = 0, highest_ = UINT32_MAX;
};

/// Rows whose labels are skewed as in the field; some labels above `n_seen` were never trained, some rows are empty.
std::vector<Row> random_rows(uint64_t seed, size_t n, uint32_t n_labels) {
  Random random(seed);
  const auto draw = [&] {
    const double u = random.uniform();
    return static_cast<uint32_t>(u * u * n_labels);
  };
  std::vector<Row> rows(n);
  for (Row& row : rows) {
    for (uint32_t i = random.below(6); i > 0; --i) row.truth[draw()] = static_cast<float>(1 + random.below(3));
    if (random.below(10) == 0) row.truth[draw()] = 0;  // listed, yet not relevant
    std::set<uint32_t> used;
    for (uint32_t i = random.below(12); i > 0; --i) {
      const uint32_t label = draw();
      if (used.insert(label).second) row.ranking.push_back(label);
    }
    for (const auto& entry : row.truth)
      if (random.below(3) == 0 && used.insert(entry.first).second) row.ranking.insert(row.ranking.begin(), entry.first);
  }
  return rows;
}

std::vector<uint32_t> skewed_counts(uint32_t n_labels) {
  std::vector<uint32_t> counts(n_labels);
  for (uint32_t label = 0; label < n_labels; ++label) counts[label] = 400 / (1 + label * label / 4);
  return counts;
}

void expect_same(const MetricsOfBin& fast, const Naive& naive) {
  SCOPED_TRACE(fast.name);
  EXPECT_NEAR(fast.mrr, naive.mrr(), 1e-9);
  for (const MetricsAtK& at : fast.at) {
    SCOPED_TRACE(at.k);
    EXPECT_NEAR(at.precision, naive.precision(at.k), 1e-9);
    EXPECT_NEAR(at.recall, naive.recall(at.k), 1e-9);
    EXPECT_NEAR(at.ndcg, naive.ndcg(at.k), 1e-9);
    EXPECT_NEAR(at.psp, naive.propensity_scored(at.k, false), 1e-9);
    EXPECT_NEAR(at.psndcg, naive.propensity_scored(at.k, true), 1e-9);
    EXPECT_NEAR(at.coverage, naive.coverage(at.k), 1e-9);
    EXPECT_NEAR(at.macro_f1, naive.f1(at.k).first, 1e-9);
    EXPECT_NEAR(at.micro_f1, naive.f1(at.k).second, 1e-9);
  }
}

TEST(Metrics, EqualTheirFormulasOverAllLabelsAndInEachBin) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const std::vector<Row> rows = random_rows(seed, 300, 60);
    const std::vector<uint32_t> counts = skewed_counts(50);
    MetricOptions options;
    options.at = {1, 2, 5, 10, 20};
    const Metrics metrics = judge(rows, counts, 5000, options);
    Naive naive(rows, counts, 5000, 0.55, 1.5);
    const std::pair<uint32_t, uint32_t> ranges[] = {{0, UINT32_MAX}, {51, UINT32_MAX}, {6, 50}, {1, 5}, {0, 0}};
    ASSERT_EQ(metrics.bins.size(), std::size(ranges));
    for (size_t bin = 0; bin < metrics.bins.size(); ++bin) {
      naive.keep(ranges[bin].first, ranges[bin].second);
      EXPECT_GT(metrics.bins[bin].rows, 0u);
      expect_same(metrics.bins[bin], naive);
    }
  }
}

TEST(Metrics, OfARowWorkedOutByHand) {
  // Two true labels (0 and 1, in 100 and 1 of 1,000 training rows), the rare one found at rank 2.
  const Metrics metrics = judge({{{7, 1, 8}, {{0, 1}, {1, 1}}}}, {100, 1}, 1000);
  const MetricsAtK& at3 = metrics.bins[0].at[1];
  EXPECT_NEAR(metrics.propensity_c, 9.7788, 1e-4);  // (ln 1000 - 1) * 2.5^0.55
  EXPECT_NEAR(at3.precision, 100.0 / 3, 1e-9);
  EXPECT_NEAR(at3.recall, 50, 1e-9);
  EXPECT_NEAR(at3.ndcg, 38.685, 1e-3);  // 0.63093 / (1 + 0.63093)
  // 1/p: 1 + C/2.5^0.55 = 6.90776 for the rare one, 1 + C/101.5^0.55 = 1.77041 for the frequent one
  EXPECT_NEAR(at3.psp, 79.599, 1e-3);
  EXPECT_NEAR(at3.psndcg, 54.3107, 1e-3);  // 6.90776*0.63093 / (6.90776 + 1.77041*0.63093)
  EXPECT_NEAR(metrics.bins[0].mrr, 50, 1e-9);
}

TEST(Metrics, APerfectRankingScoresHundred) {
  const Metrics metrics = judge({{{3}, {{3, 1}}}, {{0}, {{0, 2}}}}, {9, 9, 9, 9}, 40);
  const MetricsAtK& at1 = metrics.bins[0].at[0];
  for (double value : {at1.precision, at1.recall, at1.ndcg, at1.psp, at1.psndcg, at1.coverage, at1.macro_f1,
                       at1.micro_f1, metrics.bins[0].mrr})
    EXPECT_DOUBLE_EQ(value, 100);
  EXPECT_DOUBLE_EQ(at1.precision_error, 0);
}

TEST(Metrics, RowsWithoutLabelsAreLeftOutOrCountAsZero) {
  const std::vector<Row> rows{{{0}, {{0, 1}}}, {{0}, {}}};
  MetricOptions options;
  EXPECT_DOUBLE_EQ(judge(rows, {5}, 10, options).bins[0].at[0].precision, 100);
  options.rows_without_labels = RowsWithoutLabels::zero;
  const Metrics zero = judge(rows, {5}, 10, options);
  EXPECT_DOUBLE_EQ(zero.bins[0].at[0].precision, 50);
  EXPECT_EQ(zero.rows_without_labels, 1u);
  EXPECT_EQ(zero.rows, 2u);
}

TEST(Metrics, ARepeatedPredictionIsNoSecondHit) {
  EXPECT_NEAR(judge({{{4, 4, 4}, {{4, 1}}}}, {1, 1, 1, 1, 1}, 10).bins[0].at[1].precision, 100.0 / 3, 1e-9);
}

TEST(Metrics, LabelsUnseenInTrainingAreCountedAndMissed) {
  const Metrics metrics = judge({{{0}, {{0, 1}, {5, 1}}}, {{0}, {{5, 1}, {9, 1}}}}, {3}, 10);
  EXPECT_EQ(metrics.bins[4].name, "unseen");
  EXPECT_EQ(metrics.bins[4].labels, 2u);
  EXPECT_EQ(metrics.bins[4].positives, 3u);
  EXPECT_DOUBLE_EQ(metrics.bins[0].at[0].precision, 50);
}

TEST(Metrics, ALabelNumberBeyondTheModelCostsNoMemory) {
  const Metrics metrics = judge({{{0}, {{UINT32_MAX, 1}}}}, {3}, 10);
  EXPECT_EQ(metrics.bins[4].positives, 1u);
  EXPECT_DOUBLE_EQ(metrics.bins[0].at[0].macro_f1, 0);
}

TEST(Metrics, WithoutLabelFrequenciesThereAreNoBins) {
  const Metrics metrics = judge({{{0}, {{0, 1}, {1, 1}}}}, {}, 0);
  EXPECT_DOUBLE_EQ(metrics.bins[0].at[0].psp, 100);
  EXPECT_EQ(metrics.bins[4].labels, 0u);
}

TEST(Metrics, WithoutLabelFrequenciesWhatNeedsThemIsNotKnown) {
  const Metrics metrics = judge({{{0}, {{0, 1}, {1, 1}}}}, {}, 0);
  const nlohmann::ordered_json json = to_json(metrics);
  EXPECT_EQ(json["label_frequencies_known"], false);
  EXPECT_EQ(json["P@1"], 100);
  for (const char* name : {"PSP@1", "PSnDCG@3", "labels_unseen_in_training", "positives_unseen_in_training"})
    EXPECT_TRUE(json[name].is_null()) << name;
  for (const char* name : {"C", "N"}) EXPECT_TRUE(json["propensity"][name].is_null()) << name;
  for (const char* name : {"rows", "labels", "P@1"}) EXPECT_TRUE(json["bins"]["tail"][name].is_null()) << name;
  const std::string table = to_table(metrics);
  EXPECT_NE(table.find("\nPSP@1                        -         -         -         -         -\n"),
            std::string::npos);
  EXPECT_NE(table.find("\ntest rows                    1         -         -         -         -\n"),
            std::string::npos);
  EXPECT_NE(table.find("is not known to the model"), std::string::npos) << table;
  for (const char* part : {"Propensities", "never seen", "100.00         -         -         -         -\nPSnDCG"})
    EXPECT_EQ(table.find(part), std::string::npos) << part << "\n" << table;
}

TEST(Metrics, StandardErrorIsThatOfTheMean) {
  std::vector<Row> rows(100, Row{{0}, {{0, 1}}});
  for (size_t i = 0; i < 36; ++i) rows[i].ranking = {1};
  // sqrt(p (1 - p) / (n - 1)) for p = 0.64
  EXPECT_NEAR(judge(rows, {7, 7}, 100).bins[0].at[0].precision_error, 100 * std::sqrt(0.64 * 0.36 / 99), 1e-9);
}

TEST(Metrics, FiguresOverNoRowAreNull) {
  const nlohmann::ordered_json none = to_json(judge({}, {}, 0));
  EXPECT_TRUE(none["P@1"].is_null());
  EXPECT_TRUE(none["standard_error"]["MRR"].is_null());
  const nlohmann::ordered_json wrong = to_json(judge({{{0}, {{1, 1}}}}, {1, 7}, 10));  // label 1 is torso, label 0 tail
  EXPECT_EQ(wrong["P@1"], 0);
  EXPECT_EQ(wrong["bins"]["torso"]["P@1"], 0);
  EXPECT_TRUE(wrong["bins"]["tail"]["P@1"].is_null());
  EXPECT_EQ(wrong["bins"]["tail"]["rows"], 0);
  EXPECT_EQ(to_table(judge({}, {}, 0)).find("nan"), std::string::npos);
}

TEST(Metrics, PropensityPresetsSetBothConstants) {
  MetricOptions options;
  options.propensity = Propensity::amazon;
  EXPECT_DOUBLE_EQ(judge({}, {}, 10, options).options.propensity_a, 0.6);
  EXPECT_DOUBLE_EQ(judge({}, {}, 10, options).options.propensity_b, 2.6);
  options.propensity = Propensity::wikipedia;
  EXPECT_DOUBLE_EQ(judge({}, {}, 10, options).options.propensity_b, 0.4);
  options.propensity = Propensity::own;
  options.propensity_a = 0.7;
  EXPECT_DOUBLE_EQ(judge({}, {}, 10, options).options.propensity_a, 0.7);
}

TEST(Metrics, ReportsUseTheNamesOfTheField) {
  const Metrics metrics = judge({{{0, 1}, {{0, 1}}}}, {3, 60}, 100);
  const nlohmann::ordered_json json = to_json(metrics);
  for (const char* key : {"P@1", "R@3", "nDCG@5", "PSP@3", "PSnDCG@1", "MRR", "Coverage@1", "macro-F1@1", "micro-F1@5"})
    EXPECT_TRUE(json.contains(key)) << key;
  EXPECT_TRUE(json["bins"]["tail"].contains("PSP@5"));
  EXPECT_EQ(json["propensity"]["A"], 0.55);
  const std::string table = to_table(metrics);
  for (const char* part : {"P@1", "PSnDCG@5", "head", "torso", "tail", "A = 0.55", "B = 1.5", "never seen"})
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
}

TEST(Metrics, ThePrintedPropensityIsTheOneOfFewRowsToo) {
  const std::vector<Row> rows{{{0, 1}, {{0, 1}, {1, 1}}}};
  const Metrics few = judge(rows, {1, 0}, 2);  // ln 2 < 1
  EXPECT_EQ(few.propensity_c, 0);
  MetricOptions options;
  options.propensity = Propensity::own;
  options.propensity_b = 0;
  EXPECT_EQ(judge(rows, {1, 0}, 100, options).bins[0].at[0].psp, 100) << "a label never seen weighs as one seen once";
  const auto formula = to_json(few)["formulas"]["propensity"].get<std::string>();
  for (const char* part : {"C = max(0, ln N - 1)(B + 1)^A", "where N_l + B = 0 it counts as 1"}) {
    EXPECT_NE(formula.find(part), std::string::npos) << formula;
    EXPECT_NE(to_table(few).find(part), std::string::npos);
  }
}

TEST(Metrics, WrongOptionsAreRefused) {
  MetricOptions options;
  options.at = {};
  EXPECT_THROW(judge({}, {}, 1, options), Error);
  options.at = {0};
  EXPECT_THROW(judge({}, {}, 1, options), Error);
  options.at = {1};
  options.torso_most = 2;
  EXPECT_THROW(judge({}, {}, 1, options), Error);
}

}  // namespace
}  // namespace coppice
