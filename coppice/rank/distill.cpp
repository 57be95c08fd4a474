// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/distill.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// A nonzero of the problem, seen from its feature.
struct ColumnEntry {
  uint32_t row;
  float value;
};

/// The problem by features: a child's few features find their rows.
class Columns {
 public:
  explicit Columns(const ChunkProblem& problem) : begin_(problem.features.size() + 1, 0) {
    for_each(problem, [&](uint32_t feature, ColumnEntry) { ++begin_[feature + 1]; });
    for (size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
    entries_.resize(begin_.back());
    std::vector<uint64_t> next(begin_.begin(), begin_.end() - 1);
    for_each(problem, [&](uint32_t feature, ColumnEntry entry) { entries_[next[feature]++] = entry; });
  }

  std::span<const ColumnEntry> of(uint32_t local) const {
    return {entries_.data() + begin_[local], begin_[local + 1] - begin_[local]};
  }

 private:
  template <class Use>
  static void for_each(const ChunkProblem& problem, const Use& use) {
    for (uint32_t row = 0; row < problem.n_rows(); ++row) {
      for (const RowEntry& entry : problem.row_entries(row)) use(entry.feature, ColumnEntry{row, entry.value});
      for (uint64_t i = problem.own_begin[row]; i < problem.own_begin[row + 1]; ++i) {
        use(problem.n_shared + static_cast<uint32_t>(i), ColumnEntry{row, problem.own_values[i]});
      }
    }
  }

  std::vector<uint64_t> begin_;
  std::vector<ColumnEntry> entries_;
};

/// A weight by the problem's own number of its feature; 0 is the bias.
struct LocalWeight {
  uint32_t local;
  uint32_t feature;
  double value;
};

using LocalNumbers = std::unordered_map<uint32_t, uint32_t>;

struct ChildWeights {
  std::vector<LocalWeight> present;  ///< the bias first, if there is one
  std::vector<LocalWeight> absent;   ///< of features that no row of the problem has
};

std::vector<ChildWeights> by_child(const ChunkRows& rows, const LocalNumbers& numbers, float bias) {
  std::vector<ChildWeights> children(rows.bias.size());
  for (size_t child = 0; child < children.size(); ++child) {
    if (bias != 0) children[child].present.push_back({0, 0, double{rows.bias[child]} / bias});
  }
  for (size_t r = 0; r < rows.features.size(); ++r) {
    const auto number = numbers.find(rows.features[r]);
    const bool is_present = number != numbers.end();
    for (uint32_t i = rows.first_entry[r]; i < rows.first_entry[r + 1]; ++i) {
      ChildWeights& child = children[rows.children[i]];
      (is_present ? child.present : child.absent)
          .push_back({is_present ? number->second : 0, rows.features[r], rows.values[i]});
    }
  }
  return children;
}

/// The least squares of one child, by conjugate gradients on the normal equations.
class ChildFit {
 public:
  ChildFit(const Columns& columns, size_t n_rows, const DistillOptions& options)
      : columns_(columns), options_(options), margins_(n_rows) {}

  /// Changes `kept` so that its margins come near those of `whole`.
  void fit(const std::vector<LocalWeight>& whole, std::vector<LocalWeight>& kept) {
    std::fill(margins_.begin(), margins_.end(), 0.0);
    for (const LocalWeight& weight : whole) add_column(weight.local, weight.value);
    for (const LocalWeight& weight : kept) add_column(weight.local, -weight.value);
    gradient_.resize(kept.size());
    correlate(kept, gradient_);
    direction_ = gradient_;
    step_.assign(kept.size(), 0.0);
    double norm = dot(gradient_, gradient_);
    const double enough = norm * 1e-6;
    for (uint32_t i = 0; i < options_.iterations && norm > enough && norm > 1e-12; ++i) norm = descend(kept, norm);
    for (size_t k = 0; k < kept.size(); ++k) kept[k].value += step_[k];
  }

 private:
  static double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
    return sum;
  }

  void add_column(uint32_t local, double value) {
    for (const ColumnEntry entry : columns_.of(local)) margins_[entry.row] += entry.value * value;
  }

  /// The products of the features with `margins_`.
  void correlate(const std::vector<LocalWeight>& kept, std::vector<double>& products) const {
    for (size_t k = 0; k < kept.size(); ++k) {
      double sum = 0;
      for (const ColumnEntry entry : columns_.of(kept[k].local)) sum += entry.value * margins_[entry.row];
      products[k] = sum;
    }
  }

  /// One step; returns the squared norm of the new gradient.
  double descend(const std::vector<LocalWeight>& kept, double norm) {
    std::fill(margins_.begin(), margins_.end(), 0.0);
    for (size_t k = 0; k < kept.size(); ++k) add_column(kept[k].local, direction_[k]);
    curved_.resize(kept.size());
    correlate(kept, curved_);
    for (size_t k = 0; k < kept.size(); ++k) curved_[k] += options_.ridge * direction_[k];
    const double length = norm / dot(direction_, curved_);
    for (size_t k = 0; k < kept.size(); ++k) {
      step_[k] += length * direction_[k];
      gradient_[k] -= length * curved_[k];
    }
    const double next = dot(gradient_, gradient_);
    for (size_t k = 0; k < kept.size(); ++k) direction_[k] = gradient_[k] + next / norm * direction_[k];
    return next;
  }

  const Columns& columns_;
  DistillOptions options_;
  std::vector<double> margins_;  ///< by row
  std::vector<double> gradient_, direction_, step_, curved_;
};

}  // namespace

LaneWeights Distiller::solve(const ChunkProblem& problem, ChildRange children, const SolverOptions&,
                             const PruneOptions&) const {
  const size_t level = problem.id >> 32;
  const auto chunk = static_cast<uint32_t>(problem.id);
  LocalNumbers numbers;
  for (uint32_t local = 1; local < problem.features.size(); ++local) numbers[problem.features[local]] = local;
  const ChunkRows kept_rows = pruned_.levels[level].rows(chunk);
  std::vector<ChildWeights> kept = by_child(kept_rows, numbers, problem.bias);
  const std::vector<ChildWeights> whole = by_child(original_.levels[level].rows(chunk), numbers, problem.bias);

  const Columns columns(problem);
  ChildFit child_fit(columns, problem.n_rows(), options_);
  LaneWeights result;
  result.first_child = children.first;
  for (uint32_t child = children.first; child < children.first + children.count; ++child) {
    child_fit.fit(whole[child].present, kept[child].present);
    const auto put = [&](const LocalWeight& weight) {
      result.weights.push_back({weight.feature, static_cast<uint16_t>(child), static_cast<float>(weight.value)});
    };
    const std::span<const LocalWeight> present = kept[child].present;
    const bool has_bias = problem.bias != 0;
    std::ranges::for_each(present.subspan(has_bias ? 1 : 0), put);
    std::ranges::for_each(kept[child].absent, put);
    const float bias = has_bias ? static_cast<float>(present[0].value) * problem.bias : kept_rows.bias[child];
    result.bias.push_back(bias);
    result.iterations.push_back(0);
  }
  return result;
}

Ranker distill_ranker(const RankerInput& input, const Distiller& distiller, const RankerOptions& options, Job job,
                      const Matcher* matcher) {
  const Ranker& pruned = distiller.pruned();
  if (input.features.n_columns != pruned.n_features) {
    throw Error(ErrorCode::data, "the rows have " + std::to_string(input.features.n_columns) + " features, the model " +
                                     std::to_string(pruned.n_features));
  }
  RankerOptions all_kept = options;
  all_kept.prune = {.threshold = 0};
  all_kept.level_threshold.clear();
  all_kept.level_max_weights.clear();
  TrainingHooks hooks;
  hooks.solver = &distiller;
  hooks.matcher = matcher;
  Ranker distilled = train_ranker(input, pruned.tree, all_kept, job, std::move(hooks));
  distilled.post_processor = pruned.post_processor;
  return distilled;
}

}  // namespace coppice
