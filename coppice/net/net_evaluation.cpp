// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

const MetricsAtK* at_one(const Metrics& metrics) {
  const auto& all = metrics.bins.front().at;
  const auto found = std::find_if(all.begin(), all.end(), [](const MetricsAtK& at) { return at.k == 1; });
  return found == all.end() ? nullptr : &*found;
}

NetRows select_rows(const NetRows& rows, std::span<const uint32_t> chosen) {
  NetRows selected;
  selected.examples = select_examples(rows.examples, chosen);
  for (const uint32_t row : chosen) {
    if (!rows.speakers.empty()) selected.speakers.push_back(rows.speakers[row]);
    if (!rows.ids.empty()) selected.ids.push_back(rows.ids[row]);
  }
  selected.report = rows.report;
  selected.report.rows = chosen.size();
  selected.annotated = rows.annotated;
  return selected;
}

void expect_known(const std::vector<std::string>& speakers, const NetRows& rows) {
  for (const std::string& speaker : speakers) {
    if (std::find(rows.speakers.begin(), rows.speakers.end(), speaker) != rows.speakers.end()) continue;
    throw Error(ErrorCode::usage, "no recording is of the speaker '" + speaker + "'", {},
                "the speaker stands behind the first _ of a file's name");
  }
}

/// Those that no model has labelled, which stand in front.
size_t own_rows(const NetRows& rows) {
  return rows.examples.size() - (rows.annotated ? rows.annotated->rows : 0);
}

}  // namespace

NetRows hold_speakers_out(NetRows& rows, const std::vector<std::string>& speakers) {
  expect_known(speakers, rows);
  std::vector<uint32_t> held, kept;
  const size_t n_own = own_rows(rows);
  size_t n_left_out = 0;
  for (uint32_t row = 0; row < rows.speakers.size(); ++row) {
    const bool is_held = std::find(speakers.begin(), speakers.end(), rows.speakers[row]) != speakers.end();
    if (is_held && row >= n_own) {
      ++n_left_out;  // a label by a model is no judge, and the speaker is not to be known
    } else {
      (is_held ? held : kept).push_back(row);
    }
  }
  if (kept.empty()) throw Error(ErrorCode::usage, "all speakers are held out: there is nobody to train on");
  NetRows held_out = select_rows(rows, held);
  held_out.annotated.reset();
  rows = select_rows(rows, kept);
  if (rows.annotated) rows.annotated->rows -= n_left_out;
  return held_out;
}

NetRows only_speakers(const NetRows& rows, const std::vector<std::string>& speakers) {
  expect_known(speakers, rows);
  std::vector<uint32_t> chosen;
  for (uint32_t row = 0; row < rows.speakers.size(); ++row) {
    if (std::find(speakers.begin(), speakers.end(), rows.speakers[row]) != speakers.end()) chosen.push_back(row);
  }
  return select_rows(rows, chosen);
}

namespace {

/// Of the first so many rows: those who have the fewest, until they have as many as are to be held out; one at least,
/// and never all. None where some are not known.
std::vector<std::string> speakers_of(const NetRows& rows, size_t n_own, size_t n_held) {
  std::map<std::string, size_t> counts;
  for (size_t i = 0; i < std::min(n_own, rows.speakers.size()); ++i) ++counts[rows.speakers[i]];
  if (counts.size() < 2 || counts.contains("")) return {};
  std::vector<std::pair<size_t, std::string>> by_count;
  for (const auto& [speaker, count] : counts) by_count.emplace_back(count, speaker);
  std::sort(by_count.begin(), by_count.end());
  std::vector<std::string> speakers;
  size_t n = 0;
  for (const auto& [count, speaker] : by_count) {
    if (!speakers.empty() && n + count > n_held) break;
    speakers.push_back(speaker);
    n += count;
  }
  return speakers;
}

}  // namespace

NetRows hold_share_out(NetRows& rows, double share, uint64_t seed) {
  const size_t n_own = own_rows(rows);
  const auto n_held = static_cast<size_t>(share * static_cast<double>(n_own));
  const std::vector<std::string> speakers = speakers_of(rows, n_own, n_held);
  if (!speakers.empty()) return hold_speakers_out(rows, speakers);
  if (n_held == 0 || n_held == n_own) {
    throw Error(ErrorCode::usage, "there are too few rows to hold some of them out", {}, "--validate PATH");
  }
  std::vector<uint32_t> held = shuffled_rows(n_own, seed);
  held.resize(n_held);
  std::sort(held.begin(), held.end());
  std::vector<uint32_t> kept;
  for (uint32_t row = 0; row < rows.examples.size(); ++row) {
    if (!std::binary_search(held.begin(), held.end(), row)) kept.push_back(row);
  }
  NetRows held_out = select_rows(rows, held);
  held_out.annotated.reset();
  rows = select_rows(rows, kept);
  return held_out;
}

Metrics evaluate_network(const NetModel& model, const NetExamples& examples, const MetricOptions& options, Job job) {
  const uint32_t deepest = options.at.empty() ? 1 : *std::max_element(options.at.begin(), options.at.end());
  const Predictions predictions = model.predict(examples, deepest, job);
  MetricsBuilder judge(options, {}, 0);
  for (size_t i = 0; i < examples.size(); ++i) judge.add(predictions.row_labels(i), examples.labels.row(i));
  Metrics metrics = judge.build();
  if (metrics.rows == metrics.rows_without_labels) throw Error(ErrorCode::data, "no row has a label");
  return metrics;
}

double error_rate(const Metrics& metrics) {
  const MetricsAtK* const first = at_one(metrics);
  return first == nullptr ? std::nan("") : 100 - first->precision;
}

std::string error_text(const Metrics& metrics) {
  const uint64_t rows = metrics.bins.front().rows;
  char text[128];
  std::snprintf(text, sizeof text, "error rate %.2f %% (%.0f of %llu rows)\n", error_rate(metrics),
                error_rate(metrics) / 100 * double(rows), static_cast<unsigned long long>(rows));
  return text;
}

NetModel with_metrics(NetModel model, const Metrics& metrics) {
  const auto rounded = [](double value) { return std::round(value * 1e4) / 1e4; };
  nlohmann::ordered_json object{{"rows", metrics.rows}, {"error_rate", rounded(error_rate(metrics))}};
  for (const MetricsAtK& at : metrics.bins.front().at) {
    object["P@" + std::to_string(at.k)] = rounded(at.precision);
    object["R@" + std::to_string(at.k)] = rounded(at.recall);
  }
  NetModelParts parts = model.parts();
  parts.metrics_json = object.dump();
  return NetModel(std::move(parts));
}

}  // namespace coppice
