// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/solver.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "coppice/rank/solver_lanes.h"

namespace coppice {

void describe(OptionTable& table, SolverOptions& options) {
  table.add("loss", options.loss,
            {{Loss::squared_hinge, "squared_hinge"}, {Loss::hinge, "hinge"}, {Loss::logistic, "logistic"}},
            "What a mistake of a label's classifier costs: squared_hinge (PECOS: L2R_L2LOSS_SVC_DUAL, the usual "
            "choice), hinge (L2R_L1LOSS_SVC_DUAL) or logistic (L2R_LR_DUAL; pair it with the sigmoid post-processor: "
            "with l3_hinge it ranked 3.5 to 21 points of P@1 worse on three sets; three to five times slower, models "
            "somewhat smaller).");
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

float cost_of(const ChunkProblem& problem, size_t row, float relevance, const SolverOptions& options) {
  const float weight = problem.weight.empty() ? 1.0F : problem.weight[row];
  const float side = weight * (relevance < 0 ? options.c_negative : options.c_positive);
  // Bounded here too: an infinite product times a relevance of 0 would be no number.
  const float c = std::min(side, SolverOptions::kLargestCost) * (relevance < 0 ? 1.0F : relevance);
  return std::clamp(c, SolverOptions::kSmallestCost, SolverOptions::kLargestCost);
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

// The largest `most` weights of each child.
std::vector<ChunkWeight> largest_weights(std::span<const LaneWeights> parts, size_t n_children, uint32_t most) {
  std::vector<std::vector<ChunkWeight>> by_child(n_children);
  for (const LaneWeights& part : parts) {
    for (const ChunkWeight& weight : part.weights) by_child[weight.child].push_back(weight);
  }
  std::vector<ChunkWeight> weights;
  for (auto& child : by_child) {
    if (child.size() > most) {
      std::nth_element(child.begin(), child.begin() + most, child.end(), larger);
      child.resize(most);
    }
    weights.insert(weights.end(), child.begin(), child.end());
  }
  return weights;
}

// Puts the entries [begin, end) of a row in the order of their children.
void sort_row(ChunkRows& rows, uint32_t begin, uint32_t end, std::vector<std::pair<uint16_t, float>>& entries) {
  if (std::is_sorted(rows.children.begin() + begin, rows.children.begin() + end)) return;
  entries.clear();
  for (uint32_t at = begin; at < end; ++at) entries.emplace_back(rows.children[at], rows.values[at]);
  std::sort(entries.begin(), entries.end());
  for (uint32_t at = begin; at < end; ++at) std::tie(rows.children[at], rows.values[at]) = entries[at - begin];
}

}  // namespace

ChunkRows pack_children(std::span<const LaneWeights> parts, const PruneOptions& prune, PackScratch& scratch) {
  ChunkRows rows;
  size_t n_children = 0;
  for (const LaneWeights& part : parts) n_children = std::max(n_children, part.first_child + part.bias.size());
  rows.bias.resize(n_children);
  for (const LaneWeights& part : parts) {
    std::copy(part.bias.begin(), part.bias.end(), rows.bias.begin() + part.first_child);
  }
  std::vector<ChunkWeight> largest;
  if (prune.max_weights != 0) largest = largest_weights(parts, n_children, prune.max_weights);
  const auto for_each_weight = [&](const auto& use) {
    if (prune.max_weights != 0) return void(std::for_each(largest.begin(), largest.end(), use));
    for (const LaneWeights& part : parts) std::for_each(part.weights.begin(), part.weights.end(), use);
  };

  auto& slots = scratch.slots;
  for_each_weight([&](const ChunkWeight& weight) {
    if (weight.feature >= slots.size()) slots.resize(weight.feature + 1, 0);
    if (slots[weight.feature]++ == 0) rows.features.push_back(weight.feature);
  });
  std::sort(rows.features.begin(), rows.features.end());
  rows.first_entry.assign(1, 0);
  rows.first_entry.reserve(rows.features.size() + 1);
  for (const uint32_t feature : rows.features) {
    const uint32_t count = slots[feature];
    slots[feature] = rows.first_entry.back();
    rows.first_entry.push_back(rows.first_entry.back() + count);
  }
  rows.children.resize(rows.first_entry.back());
  rows.values.resize(rows.first_entry.back());
  for_each_weight([&](const ChunkWeight& weight) {
    const uint32_t at = slots[weight.feature]++;
    rows.children[at] = weight.child;
    rows.values[at] = weight.value;
  });
  std::vector<std::pair<uint16_t, float>> entries;
  for (size_t r = 0; r < rows.features.size(); ++r) {
    slots[rows.features[r]] = 0;
    sort_row(rows, rows.first_entry[r], rows.first_entry[r + 1], entries);
  }
  return rows;
}

}  // namespace coppice
