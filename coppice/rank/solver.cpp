// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/solver.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "coppice/rank/solver_lanes.h"

namespace coppice {

void describe(OptionTable& table, SolverOptions& options) {
  table.add("loss", options.loss,
            {{Loss::squared_hinge, "squared_hinge"}, {Loss::hinge, "hinge"}, {Loss::logistic, "logistic"}},
            "What a mistake of a label's classifier costs: squared_hinge (PECOS: L2R_L2LOSS_SVC_DUAL, the usual "
            "choice), hinge (L2R_L1LOSS_SVC_DUAL) or logistic (L2R_LR_DUAL; pair it with the sigmoid post-processor; "
            "several times slower, denser models).");
  table.add("c_positive", options.c_positive, 1e-6, 1e6,
            "Cost of a mistake on a row that has the label (LIBLINEAR and PECOS: Cp). Higher values fit rare labels "
            "better and take a few more passes.");
  table.add("c_negative", options.c_negative, 1e-6, 1e6,
            "Cost of a mistake on a row that does not have the label (PECOS: Cn).");
  table.add("bias", options.bias, 0.0, 1e3,
            "Value of the feature that every row has besides its own, so that each label learns a bias (LIBLINEAR: "
            "-B). 0 = no bias.");
  table.add("epsilon", options.epsilon, 1e-6, 10.0,
            "Training of a label stops once the spread of the projected gradients in a pass is no more than this "
            "(LIBLINEAR and PECOS: eps). Lower is slower; below 0.1 ranking quality hardly moves.");
  table.add("max_iterations", options.max_iterations, 1, 100000,
            "Passes over the rows after which a label's training stops at the latest (PECOS: max_iter).");
}

void describe(OptionTable& table, PruneOptions& options) {
  table.add("threshold", options.threshold, 0.0, 1e6,
            "Weights nearer to zero than this are dropped after training; biases stay. 0 keeps every weight that is "
            "not zero. A model at 0.3 is some ten times smaller than at 0.1, for one to two points of P@1.");
  table.add("max_weights", options.max_weights, 0, 0xFFFFFFFF,
            "The most weights a label or inner node keeps, largest first (PECOS: max_nonzeros_per_label). 0 = no "
            "limit.");
}

float cost_of(const ChunkProblem& problem, size_t row, float relevance, const SolverOptions& options) {
  const float weight = problem.weight.empty() ? 1.0F : problem.weight[row];
  const float c = relevance < 0 ? weight * options.c_negative : weight * options.c_positive * relevance;
  return std::max(c, SolverOptions::kSmallestCost);
}

SideCost side_cost(const ChunkProblem& problem, size_t row, float c, Loss loss) {
  constexpr float kLargestStep = 1e30F;  // of a row without features: alpha goes straight to its bound
  const float diagonal = loss == Loss::squared_hinge ? 0.5F / c : 0.0F;
  const float q = problem.norm[row] + diagonal;
  return {diagonal + problem.own_norm[row], q > 1.0F / kLargestStep ? 1.0F / q : kLargestStep,
          loss == Loss::squared_hinge ? LaneBlock::kInfinity : c};
}

RowCost row_cost(const ChunkProblem& problem, size_t row, const SolverOptions& options) {
  return {side_cost(problem, row, cost_of(problem, row, -1.0F, options), options.loss),
          side_cost(problem, row, cost_of(problem, row, 1.0F, options), options.loss)};
}

namespace {

bool larger(const ChunkWeight& a, const ChunkWeight& b) {
  const float x = std::abs(a.value);
  const float y = std::abs(b.value);
  return x != y ? x > y : a.feature < b.feature;
}

// Keeps the largest `most` weights of each child.
void limit_weights(std::vector<ChunkWeight>& weights, size_t n_children, uint32_t most) {
  std::vector<std::vector<ChunkWeight>> by_child(n_children);
  for (const ChunkWeight& weight : weights) by_child[weight.child].push_back(weight);
  weights.clear();
  for (auto& child : by_child) {
    if (child.size() > most) {
      std::nth_element(child.begin(), child.begin() + most, child.end(), larger);
      child.resize(most);
    }
    weights.insert(weights.end(), child.begin(), child.end());
  }
}

}  // namespace

ChunkRows pack_children(std::span<const LaneWeights> parts, const PruneOptions& prune, PackScratch& scratch) {
  ChunkRows rows;
  size_t n_children = 0;
  for (const LaneWeights& part : parts) n_children = std::max(n_children, part.first_child + part.bias.size());
  rows.bias.resize(n_children);
  std::vector<ChunkWeight> weights;
  for (const LaneWeights& part : parts) {
    std::copy(part.bias.begin(), part.bias.end(), rows.bias.begin() + part.first_child);
    weights.insert(weights.end(), part.weights.begin(), part.weights.end());
  }
  if (prune.max_weights != 0) limit_weights(weights, n_children, prune.max_weights);

  auto& slots = scratch.slots;
  for (const ChunkWeight& weight : weights) {
    if (weight.feature >= slots.size()) slots.resize(weight.feature + 1, 0);
    if (slots[weight.feature]++ == 0) rows.features.push_back(weight.feature);
  }
  std::sort(rows.features.begin(), rows.features.end());
  rows.first_entry.assign(1, 0);
  for (const uint32_t feature : rows.features) {
    const uint32_t count = slots[feature];
    slots[feature] = rows.first_entry.back();
    rows.first_entry.push_back(rows.first_entry.back() + count);
  }
  std::vector<ChunkWeight> sorted(weights.size());
  for (const ChunkWeight& weight : weights) sorted[slots[weight.feature]++] = weight;
  rows.children.resize(sorted.size());
  rows.values.resize(sorted.size());
  const auto by_child = [](const ChunkWeight& a, const ChunkWeight& b) { return a.child < b.child; };
  for (size_t r = 0; r < rows.features.size(); ++r) {
    slots[rows.features[r]] = 0;
    const auto begin = sorted.begin() + rows.first_entry[r];
    const auto end = sorted.begin() + rows.first_entry[r + 1];
    if (!std::is_sorted(begin, end, by_child)) std::sort(begin, end, by_child);
    for (auto it = begin; it != end; ++it) {
      const auto at = static_cast<size_t>(it - sorted.begin());
      rows.children[at] = it->child;
      rows.values[at] = it->value;
    }
  }
  return rows;
}

}  // namespace coppice
