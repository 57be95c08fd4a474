// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/ensemble.h"

#include <algorithm>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

struct Vote {
  uint32_t label;
  double score;
};

void check_models(std::span<const Predictions> models, const EnsembleOptions& options) {
  if (models.empty()) throw Error(ErrorCode::usage, "an ensemble of no models");
  for (const Predictions& model : models) {
    if (model.n_rows() != models.front().n_rows()) {
      throw Error(ErrorCode::usage, "models of an ensemble that predicted " + std::to_string(model.n_rows()) + " and " +
                                        counted(models.front().n_rows(), "row"));
    }
  }
  if (!options.weights.empty() && options.weights.size() != models.size()) {
    throw Error(ErrorCode::usage,
                counted(options.weights.size(), "weight") + " for an ensemble of " + counted(models.size(), "model"));
  }
  double sum = 0;
  for (const float weight : options.weights) sum += weight;
  if (!options.weights.empty() && !(sum > 0)) throw Error(ErrorCode::usage, "weights of an ensemble that are all 0");
}

/// What the model gives to labels that it did not return.
double missing_score(const Predictions& model, size_t row, EnsembleMethod method) {
  if (method == EnsembleMethod::rank_average || model.counts[row] == 0) return 0;
  return std::min(0.0F, model.row_scores(row).back());
}

/// The weighted mean of every label that any model returned, in any order.
void collect_votes(std::span<const Predictions> models, const EnsembleOptions& options, size_t row,
                   std::vector<Vote>& votes) {
  votes.clear();
  double total = 0;
  double all_missing = 0;
  for (size_t m = 0; m < models.size(); ++m) {
    const double weight = options.weights.empty() ? 1 : options.weights[m];
    const double missing = missing_score(models[m], row, options.method);
    total += weight;
    all_missing += weight * missing;
    for (size_t r = 0; r < models[m].counts[row]; ++r) {
      const double score = options.method == EnsembleMethod::average ? models[m].row_scores(row)[r]
                                                                     : 1 - static_cast<double>(r) / models[m].top_k;
      votes.push_back({models[m].row_labels(row)[r], weight * (score - missing)});
    }
  }
  std::stable_sort(votes.begin(), votes.end(), [](const Vote& a, const Vote& b) { return a.label < b.label; });
  size_t kept = 0;
  for (const Vote& vote : votes) {
    if (kept > 0 && votes[kept - 1].label == vote.label) {
      votes[kept - 1].score += vote.score;
    } else {
      votes[kept++] = vote;
    }
  }
  votes.resize(kept);
  for (Vote& vote : votes) vote.score = (vote.score + all_missing) / total;
  // As floats, as which scores come out and --threshold was read.
  std::erase_if(votes, [&](const Vote& vote) { return static_cast<float>(vote.score) < options.threshold; });
}

}  // namespace

void describe(OptionTable& table, EnsembleOptions& options) {
  table.add("ensemble", options.method,
            {{EnsembleMethod::average, "average"}, {EnsembleMethod::rank_average, "rank_average"}},
            "How several models are combined: by the mean of their scores, or by the mean of their ranks, which suits "
            "models whose scores are not comparable. Costs one prediction per model.");
  table.add("ensemble_weights", options.weights, 0, 1e30,
            "The weight of each model in the mean, in their order. Empty: all alike.");
}

void renumber_labels(Predictions& predictions, std::span<const uint32_t> numbers) {
  if (numbers.empty()) return;
  for (size_t row = 0; row < predictions.n_rows(); ++row) {
    uint32_t* labels = predictions.labels.data() + row * predictions.top_k;
    for (size_t j = 0; j < predictions.counts[row]; ++j) labels[j] = numbers[labels[j]];
  }
}

Predictions combine_predictions(std::span<const Predictions> models, const EnsembleOptions& options) {
  check_models(models, options);
  Predictions result;
  for (const Predictions& model : models) result.top_k = std::max(result.top_k, model.top_k);
  const size_t n_rows = models.front().n_rows();
  result.counts.resize(n_rows);
  result.labels.resize(n_rows * result.top_k);
  result.scores.resize(n_rows * result.top_k);
  std::vector<Vote> votes;
  for (size_t row = 0; row < n_rows; ++row) {
    collect_votes(models, options, row, votes);
    const size_t count = std::min<size_t>(votes.size(), result.top_k);
    std::partial_sort(
        votes.begin(), votes.begin() + static_cast<ptrdiff_t>(count), votes.end(),
        [](const Vote& a, const Vote& b) { return a.score != b.score ? a.score > b.score : a.label < b.label; });
    result.counts[row] = static_cast<uint32_t>(count);
    for (size_t j = 0; j < count; ++j) {
      result.labels[row * result.top_k + j] = votes[j].label;
      result.scores[row * result.top_k + j] = static_cast<float>(votes[j].score);
    }
  }
  return result;
}

}  // namespace coppice
