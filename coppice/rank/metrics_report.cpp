// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "coppice/core/quantity.h"
#include "coppice/rank/metrics.h"

namespace coppice {
namespace {

/// The formulas as reports print them; the contract of MetricsBuilder holds the same ones.
constexpr std::array<std::pair<const char*, const char*>, 10> kFormulas{{
    {"P@k", "mean over rows of hits among the first k / k"},
    {"R@k", "mean over rows of hits among the first k / true labels of the row"},
    {"nDCG@k", "mean over rows of sum_{r<=k} rel_r/log2(r+1), divided by its best value"},
    {"MRR", "mean over rows of 1 / rank of the first hit"},
    {"propensity",
     "p = 1 / (1 + C (N_l + B)^-A), C = max(0, ln N - 1)(B + 1)^A; N training rows, N_l of them with the label; where "
     "N_l + B = 0 it counts as 1"},
    {"PSP@k", "sum over rows of sum_hits 1/p, divided by its best value"},
    {"PSnDCG@k", "sum over rows of sum_hits 1/(p log2(r+1)) / sum_{r<=min(k,labels)} 1/log2(r+1), divided by its best"},
    {"Coverage@k", "labels hit at least once / labels in the test rows"},
    {"micro-F1@k", "2 tp / (2 tp + fp + fn), the first k being the prediction"},
    {"macro-F1@k", "mean over labels (in the test rows or predicted) of their F1"},
}};

std::string at_k(const char* name, uint32_t k) {
  return fmt::format("{}@{}", name, k);
}

/// `figure` as text or JSON has it; null where `known` is false.
template <class Figure>
nlohmann::ordered_json or_null(bool known, Figure figure) {
  return known ? nlohmann::ordered_json(figure) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json figure_or_null(const MetricsOfBin& bin, double value) {
  return or_null(bin.rows > 0, value);
}

bool is_propensity_scored(double MetricsAtK::*member) {
  return member == &MetricsAtK::psp || member == &MetricsAtK::psndcg;
}

/// Without label frequencies there are no propensities, and no bins by frequency.
bool is_known(const Metrics& metrics, double MetricsAtK::*member) {
  return metrics.frequencies_known || !is_propensity_scored(member);
}

nlohmann::ordered_json values(const Metrics& metrics, const MetricsOfBin& bin) {
  nlohmann::ordered_json out;
  const auto put = [&](const char* name, double MetricsAtK::*member) {
    const bool known = bin.rows > 0 && is_known(metrics, member);
    for (const MetricsAtK& at : bin.at) out[at_k(name, at.k)] = or_null(known, at.*member);
  };
  put("P", &MetricsAtK::precision);
  put("R", &MetricsAtK::recall);
  put("nDCG", &MetricsAtK::ndcg);
  put("PSP", &MetricsAtK::psp);
  put("PSnDCG", &MetricsAtK::psndcg);
  out["MRR"] = figure_or_null(bin, bin.mrr);
  put("Coverage", &MetricsAtK::coverage);
  put("macro-F1", &MetricsAtK::macro_f1);
  put("micro-F1", &MetricsAtK::micro_f1);
  return out;
}

nlohmann::ordered_json standard_errors(const MetricsOfBin& bin) {
  nlohmann::ordered_json out;
  const auto put = [&](const char* name, double MetricsAtK::*member) {
    for (const MetricsAtK& at : bin.at) out[at_k(name, at.k)] = figure_or_null(bin, at.*member);
  };
  put("P", &MetricsAtK::precision_error);
  put("R", &MetricsAtK::recall_error);
  put("nDCG", &MetricsAtK::ndcg_error);
  out["MRR"] = figure_or_null(bin, bin.mrr_error);
  return out;
}

std::string training_range(const MetricOptions& options, const std::string& bin) {
  if (bin == "head") return fmt::format(">{}", options.torso_most);
  if (bin == "torso") return fmt::format("{}-{}", uint64_t{options.tail_most} + 1, options.torso_most);
  if (bin == "tail") return fmt::format("1-{}", options.tail_most);
  return bin == "unseen" ? "0" : "any";
}

const char* rule_name(RowsWithoutLabels rule) {
  return rule == RowsWithoutLabels::skip ? "skip" : "zero";
}

std::string heading(const Metrics& metrics) {
  std::string line = fmt::format("{:<20}", "");
  for (const MetricsOfBin& bin : metrics.bins) line += fmt::format("{:>10}", bin.name);
  return line + "\n";
}

template <class Value>
std::string line(const std::string& name, const Metrics& metrics, Value value) {
  std::string text = fmt::format("{:<20}", name);
  for (const MetricsOfBin& bin : metrics.bins) text += fmt::format("{:>10}", value(bin));
  return text + "\n";
}

/// A figure of the table, or "-" where the bin has no row to judge by.
std::string figure(const MetricsOfBin& bin, double value) {
  return bin.rows > 0 ? fmt::format("{:.2f}", value) : std::string("-");
}

std::string table_body(const Metrics& metrics) {
  static constexpr std::array<std::pair<const char*, double MetricsAtK::*>, 8> kLines{
      {{"P", &MetricsAtK::precision},
       {"R", &MetricsAtK::recall},
       {"nDCG", &MetricsAtK::ndcg},
       {"PSP", &MetricsAtK::psp},
       {"PSnDCG", &MetricsAtK::psndcg},
       {"Coverage", &MetricsAtK::coverage},
       {"macro-F1", &MetricsAtK::macro_f1},
       {"micro-F1", &MetricsAtK::micro_f1}}};
  std::string text;
  for (const auto& entry : kLines)
    for (size_t depth = 0; depth < metrics.options.at.size(); ++depth)
      text += line(at_k(entry.first, metrics.options.at[depth]), metrics, [&](const MetricsOfBin& bin) {
        return is_known(metrics, entry.second) ? figure(bin, bin.at[depth].*entry.second) : "-";
      });
  return text + line("MRR", metrics, [](const MetricsOfBin& bin) { return figure(bin, bin.mrr); });
}

/// With fewer rows, a mean is not near enough to normal for an interval of 1.96 standard errors.
constexpr uint64_t kRowsForInterval = 30;

/// What depends on how often labels occur in training.
std::string frequency_notes(const Metrics& metrics) {
  if (!metrics.frequencies_known) {
    return "How often labels occur in training is not known to the model (an imported one): no PSP, no bins.\n";
  }
  const MetricsOfBin& unseen = metrics.bins.back();
  return fmt::format(
      "Labels never seen in training count as misses: {} ({}).\nPropensities: A = {}, B = {}, C = {:.4f}, N = {}.\n",
      unseen.labels, counted(unseen.positives, "occurrence"), metrics.options.propensity_a,
      metrics.options.propensity_b, metrics.propensity_c, metrics.training_rows);
}

std::string footnotes(const Metrics& metrics) {
  const MetricOptions& options = metrics.options;
  const MetricsOfBin& all = metrics.bins.front();
  std::string text = fmt::format("Percent of {}; rows without a label: {} ({}).\n", counted(all.rows, "row"),
                                 metrics.rows_without_labels,
                                 options.rows_without_labels == RowsWithoutLabels::skip ? "left out" : "count as 0");
  text += frequency_notes(metrics);
  if (!all.at.empty() && all.rows >= kRowsForInterval)
    text += fmt::format("P@{} is {:.2f} +- {:.2f} (95 %).\n", all.at[0].k, all.at[0].precision,
                        1.96 * all.at[0].precision_error);
  text += fmt::format("MRR looks at the first {} predictions.\n", metrics.depth);
  text += "In a bin, a row's labels are those of the bin; rows without one are left out; the ranking stays.\n";
  for (const auto& formula : kFormulas) text += fmt::format("  {:<11} {}\n", formula.first, formula.second);
  return text;
}

}  // namespace

nlohmann::ordered_json to_json(const Metrics& metrics) {
  const bool known = metrics.frequencies_known;
  nlohmann::ordered_json out = values(metrics, metrics.bins.front());
  out["unit"] = "percent";
  out["standard_error"] = standard_errors(metrics.bins.front());
  out["rows"] = metrics.rows;
  out["rows_without_labels"] = metrics.rows_without_labels;
  out["rows_without_labels_rule"] = rule_name(metrics.options.rows_without_labels);
  out["rows_counted"] = metrics.bins.front().rows;
  out["label_frequencies_known"] = known;
  out["labels_unseen_in_training"] = or_null(known, metrics.bins.back().labels);
  out["positives_unseen_in_training"] = or_null(known, metrics.bins.back().positives);
  out["depth"] = metrics.depth;
  out["propensity"] = {{"A", metrics.options.propensity_a},
                       {"B", metrics.options.propensity_b},
                       {"C", or_null(known, metrics.propensity_c)},
                       {"N", or_null(known, metrics.training_rows)}};
  for (const MetricsOfBin& bin : metrics.bins) {
    if (bin.name == "all") continue;
    nlohmann::ordered_json one = {{"training_rows_per_label", training_range(metrics.options, bin.name)},
                                  {"rows", or_null(known, bin.rows)},
                                  {"labels", or_null(known, bin.labels)},
                                  {"positives", or_null(known, bin.positives)}};
    one.update(values(metrics, bin));
    out["bins"][bin.name] = std::move(one);
  }
  for (const auto& formula : kFormulas) out["formulas"][formula.first] = formula.second;
  return out;
}

std::string to_table(const Metrics& metrics) {
  std::string text = heading(metrics);
  text += line("training rows", metrics,
               [&](const MetricsOfBin& bin) { return training_range(metrics.options, bin.name); });
  const auto count = [&](const MetricsOfBin& bin, uint64_t number) {
    return metrics.frequencies_known || &bin == &metrics.bins.front() ? std::to_string(number) : std::string("-");
  };
  text += line("labels in test", metrics, [&](const MetricsOfBin& bin) { return count(bin, bin.labels); });
  text += line("test rows", metrics, [&](const MetricsOfBin& bin) { return count(bin, bin.rows); });
  return text + table_body(metrics) + "\n" + footnotes(metrics);
}

}  // namespace coppice
