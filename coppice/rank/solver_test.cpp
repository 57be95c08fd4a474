// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/solver.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "coppice/core/random.h"

namespace coppice {
namespace {

struct Set {
  Csr features;
  Csr nodes;
  std::vector<float> weights;
  uint32_t n_children = 0;

  ChunkProblem problem(float bias = 1.0F, uint64_t id = 3) const {
    std::vector<uint32_t> rows(features.n_rows());
    std::iota(rows.begin(), rows.end(), 0U);
    ChunkGatherer gatherer;
    return gatherer.gather({&features, &nodes, weights, bias}, {id, 0, n_children}, rows);
  }
};

struct Shape {
  size_t rows = 120;
  uint32_t features = 200;
  uint32_t children = 21;
  size_t nonzeros = 12;
};

// Rows of unit length; a child likes a few features, so that it can be learned, not perfectly.
Set random_set(uint64_t seed, const Shape& shape = {}) {
  Random random(seed);
  Set set;
  CsrBuilder features(shape.features);
  CsrBuilder nodes(shape.children);
  for (size_t i = 0; i < shape.rows; ++i) {
    const uint32_t child = random.below(shape.children);
    for (size_t j = 0; j < shape.nonzeros; ++j) {
      const bool signal = j < 3;
      const uint32_t feature = signal ? (child * 5 + random.below(5)) % shape.features
                                      : static_cast<uint32_t>(random.uniform() * random.uniform() * shape.features);
      features.add(feature, static_cast<float>((0.2 + random.uniform()) / std::sqrt(double(shape.nonzeros))));
    }
    features.end_row();
    nodes.add(random.below(10) == 0 ? random.below(shape.children) : child, 1.0F);
    if (random.below(3) == 0) nodes.add(random.below(shape.children), 1.0F);
    nodes.end_row();
  }
  ThreadPool pool(1);
  set.features = normalize_rows_l2(features.build(), pool);
  set.nodes = nodes.build();
  std::vector<float> ones(set.nodes.n_nonzeros(), 1.0F);  // a child drawn twice was summed
  set.nodes.values = ones;
  set.n_children = shape.children;
  return set;
}

SolverOptions with(Loss loss, float epsilon = 0.1F) {
  SolverOptions options;
  options.loss = loss;
  options.epsilon = epsilon;
  options.max_iterations = 2000;
  return options;
}

constexpr Loss kLosses[] = {Loss::squared_hinge, Loss::hinge, Loss::logistic};

void expect_same_bits(const std::vector<LaneSolution>& a, const std::vector<LaneSolution>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t child = 0; child < a.size(); ++child) {
    EXPECT_EQ(a[child].weights, b[child].weights) << "child " << child;
    EXPECT_EQ(a[child].dual, b[child].dual) << "child " << child;
    EXPECT_EQ(a[child].iterations, b[child].iterations) << "child " << child;
  }
}

TEST(Solver, SolvesAChildToTheSameBitsWhoeverItIsSolvedWith) {
  Set set = random_set(1);
  for (const Loss loss : kLosses) {
    for (const float relevance : {1.0F, 2.5F}) {
      std::vector<float> values(set.nodes.n_nonzeros(), 1.0F);
      for (size_t i = 0; i < values.size(); i += 3) values[i] = relevance;
      set.nodes.values = values;
      const ChunkProblem problem = set.problem();
      SolverOptions options = with(loss, 0.01F);
      const auto alone = solve_children_fully(problem, options, 1);
      EXPECT_GT(alone[0].iterations, 2U);
      for (const uint32_t lanes : {2U, 5U, 7U, 16U}) {
        SCOPED_TRACE(lanes);
        expect_same_bits(solve_children_fully(problem, options, lanes), alone);
      }
    }
  }
}

TEST(Solver, GivesThePrunedWeightsOfItsFullSolution) {
  const Set set = random_set(2);
  const ChunkProblem problem = set.problem();
  const SolverOptions options = with(Loss::squared_hinge);
  PruneOptions prune;
  prune.threshold = 0.07F;
  const LaneWeights all = solve_children(problem, {0, problem.n_children}, options, prune);
  const LaneWeights parts[] = {solve_children(problem, {0, 3}, options, prune),
                               solve_children(problem, {3, 9}, options, prune),
                               solve_children(problem, {12, problem.n_children - 12}, options, prune)};
  PackScratch scratch;
  const ChunkRows rows = pack_children({&all, 1}, prune, scratch);
  const ChunkRows from_parts = pack_children(parts, prune, scratch);
  EXPECT_EQ(rows.features, from_parts.features);
  EXPECT_EQ(rows.children, from_parts.children);
  EXPECT_EQ(rows.values, from_parts.values);
  EXPECT_EQ(rows.bias, from_parts.bias);

  std::vector<std::vector<float>> dense(set.features.n_columns, std::vector<float>(problem.n_children, 0.0F));
  for (size_t r = 0; r < rows.features.size(); ++r) {
    if (r > 0) {
      EXPECT_LT(rows.features[r - 1], rows.features[r]);
    }
    for (uint32_t e = rows.first_entry[r]; e < rows.first_entry[r + 1]; ++e) {
      if (e > rows.first_entry[r]) {
        EXPECT_LT(rows.children[e - 1], rows.children[e]);
      }
      dense[rows.features[r]][rows.children[e]] = rows.values[e];
    }
  }
  size_t kept = 0;
  size_t dropped = 0;
  const auto full = solve_children_fully(problem, options, 16);
  for (uint32_t child = 0; child < problem.n_children; ++child) {
    EXPECT_EQ(rows.bias[child], full[child].weights[0]);
    for (size_t j = 1; j < problem.features.size(); ++j) {
      const float weight = full[child].weights[j];
      const bool keep = std::abs(weight) >= prune.threshold;
      EXPECT_EQ(dense[problem.features[j]][child], keep ? weight : 0.0F);
      (keep ? kept : dropped) += 1;
    }
  }
  EXPECT_EQ(kept, rows.values.size());
  EXPECT_GT(kept, 100U);
  EXPECT_GT(dropped, 100U);
}

TEST(Solver, ReachesTheObjectiveOfThePlainSolver) {
  const Set set = random_set(3);
  const ChunkProblem problem = set.problem();
  for (const Loss loss : kLosses) {
    for (const float epsilon : {0.1F, 0.001F}) {
      const SolverOptions options = with(loss, epsilon);
      double joint = 0;
      double plain = 0;
      double gap = 0;
      const auto solutions = solve_children_fully(problem, options, 16);
      for (uint32_t child = 0; child < problem.n_children; ++child) {
        const Objective value = objective(problem, child, solutions[child], options);
        joint += value.primal;
        gap += value.primal - value.dual;
        plain += objective(problem, child, solve_child_plainly(problem, child, options), options).primal;
        EXPECT_GE(value.primal, value.dual - 1e-5 * std::abs(value.dual));
      }
      // At a loose epsilon both stop anywhere within it; at a tight one they agree and the gap closes.
      EXPECT_NEAR(joint / plain, 1.0, epsilon < 0.01F ? 2e-5 : loss == Loss::hinge ? 1e-2 : 1e-3) << int(loss);
      EXPECT_LT(gap / plain, epsilon > 0.01F ? 2e-2 : 2e-4) << int(loss);
    }
  }
}

// Minimises the primal by plain gradient descent with a tiny step, in double precision, from its definition alone.
std::vector<double> descend(const Set& set, uint32_t child, const SolverOptions& options) {
  const size_t d = set.features.n_columns;
  std::vector<double> w(d + 1);
  for (int step = 0; step < 4000; ++step) {
    std::vector<double> gradient = w;
    for (size_t i = 0; i < set.features.n_rows(); ++i) {
      const SparseRow row = set.features.row(i);
      const SparseRow nodes = set.nodes.row(i);
      double z = w[d] * static_cast<double>(options.bias);
      for (size_t j = 0; j < row.size(); ++j) z += w[row.columns[j]] * static_cast<double>(row.values[j]);
      double y = -1;
      double c = static_cast<double>(options.c_negative);
      for (size_t j = 0; j < nodes.size(); ++j) {
        if (nodes.columns[j] != child) continue;
        y = 1;
        c = static_cast<double>(options.c_positive * nodes.values[j]);
      }
      if (!set.weights.empty()) c *= static_cast<double>(set.weights[i]);
      z *= y;
      const double slope = options.loss == Loss::logistic ? -1 / (1 + std::exp(z)) : -2 * std::max(0.0, 1 - z);
      for (size_t j = 0; j < row.size(); ++j) {
        gradient[row.columns[j]] += c * slope * y * static_cast<double>(row.values[j]);
      }
      gradient[d] += c * slope * y * static_cast<double>(options.bias);
    }
    for (size_t j = 0; j <= d; ++j) w[j] -= 0.004 * gradient[j];
  }
  return w;
}

TEST(Solver, FindsTheMinimumThatGradientDescentFindsWithWeightsCostsRelevanceAndBias) {
  Set set = random_set(4, {30, 12, 3, 4});
  set.weights.resize(30);
  for (size_t i = 0; i < 30; ++i) set.weights[i] = i % 3 == 0 ? 0.5F : 1.5F;
  std::vector<float> relevance(set.nodes.n_nonzeros());
  for (size_t i = 0; i < relevance.size(); ++i) relevance[i] = i % 2 == 0 ? 1.0F : 0.3F;
  set.nodes.values = relevance;
  for (const Loss loss : {Loss::squared_hinge, Loss::logistic}) {
    SolverOptions options = with(loss, 1e-5F);
    options.c_positive = 2.0F;
    options.c_negative = 0.7F;
    options.bias = 0.8F;
    const ChunkProblem problem = set.problem(options.bias);
    const auto solutions = solve_children_fully(problem, options, 3);
    for (uint32_t child = 0; child < 3; ++child) {
      const std::vector<double> expected = descend(set, child, options);
      EXPECT_GT(std::abs(expected[12]), 0.02) << "the bias matters here";
      EXPECT_NEAR(solutions[child].weights[0], expected[12], 2e-3) << int(loss) << " bias of " << child;
      for (size_t j = 1; j < problem.features.size(); ++j) {
        EXPECT_NEAR(solutions[child].weights[j], expected[problem.features[j]], 2e-3) << int(loss);
      }
    }
  }
}

TEST(Solver, HandlesTheSmallestAndOddestProblems) {
  PruneOptions keep_all;
  keep_all.threshold = 0.0F;
  PackScratch scratch;
  for (const Loss loss : kLosses) {
    const SolverOptions options = with(loss, 0.001F);
    // No rows at all: zero weights, zero biases.
    Set empty;
    empty.n_children = 3;
    empty.features.n_columns = 5;
    const ChunkProblem nothing = empty.problem();
    const LaneWeights none = solve_children(nothing, {0, 3}, options, keep_all);
    EXPECT_EQ(none.bias, std::vector<float>(3, 0.0F));
    EXPECT_TRUE(pack_children({&none, 1}, keep_all, scratch).features.empty());

    // One child that every row has, one that none has; a row without features; rows that repeat.
    Set odd;
    odd.n_children = 2;
    CsrBuilder features(4);
    CsrBuilder nodes(2);
    for (int i = 0; i < 6; ++i) {
      if (i != 2) features.add(i < 4 ? 1 : 2, 1.0F);
      features.end_row();
      nodes.add(0, 1.0F);
      nodes.end_row();
    }
    odd.features = features.build();
    odd.nodes = nodes.build();
    for (const float bias : {1.0F, 0.0F}) {
      const LaneWeights weights = solve_children(odd.problem(bias), {0, 2}, options, keep_all);
      if (bias > 0) {
        EXPECT_GT(weights.bias[0], 0.5F);
        EXPECT_LT(weights.bias[1], -0.5F);
      } else {
        EXPECT_EQ(weights.bias[0], 0.0F);
      }
      for (const ChunkWeight& weight : weights.weights) {
        EXPECT_TRUE(std::isfinite(weight.value));
        EXPECT_NE(weight.value, 0.0F);
        EXPECT_NE(weight.feature, 3U);
        EXPECT_EQ(weight.value > 0, weight.child == 0);
      }
    }
    Set single = random_set(5, {40, 30, 1, 5});
    EXPECT_EQ(solve_children(single.problem(), {0, 1}, options, keep_all).bias.size(), 1U);
  }
}

TEST(Solver, CountsARepeatedRowLikeItsWeight) {
  Set once = random_set(6, {25, 20, 4, 5});
  once.weights.assign(25, 1.0F);
  once.weights[7] = 2.0F;
  once.weights[9] = 0.0F;
  std::vector<uint32_t> rows(25);
  std::iota(rows.begin(), rows.end(), 0U);
  rows.push_back(7);
  rows.erase(rows.begin() + 9);
  Set twice;
  twice.n_children = 4;
  twice.features = select_rows(once.features, rows);
  twice.nodes = select_rows(once.nodes, rows);
  const SolverOptions options = with(Loss::squared_hinge, 1e-4F);
  PruneOptions keep_all;
  keep_all.threshold = 1e-3F;
  PackScratch scratch;
  const LaneWeights a = solve_children(once.problem(), {0, 4}, options, keep_all);
  const LaneWeights b = solve_children(twice.problem(), {0, 4}, options, keep_all);
  for (size_t child = 0; child < 4; ++child) EXPECT_NEAR(a.bias[child], b.bias[child], 1e-3);
  const ChunkRows ra = pack_children({&a, 1}, keep_all, scratch);
  const ChunkRows rb = pack_children({&b, 1}, keep_all, scratch);
  ASSERT_EQ(ra.features, rb.features);
  ASSERT_EQ(ra.values.size(), rb.values.size());
  for (size_t e = 0; e < ra.values.size(); ++e) EXPECT_NEAR(ra.values[e], rb.values[e], 1e-3);
}

TEST(Solver, StopsAtItsIterationsAndSaysSo) {
  const Set set = random_set(7);
  SolverOptions options = with(Loss::squared_hinge, 1e-6F);
  options.max_iterations = 3;
  const LaneWeights weights = solve_children(set.problem(), {0, set.n_children}, options, {});
  for (const uint32_t passes : weights.iterations) EXPECT_EQ(passes, 3U);
}

TEST(PackChildren, KeepsTheLargestWeightsOfEachChildWhenAskedTo) {
  LaneWeights part;
  part.bias = {0.5F, -0.5F};
  part.weights = {{4, 0, 0.3F}, {2, 0, -0.9F}, {9, 0, 0.3F}, {7, 1, 0.1F}, {2, 1, 0.2F}};
  PruneOptions prune;
  prune.max_weights = 2;
  PackScratch scratch;
  const ChunkRows rows = pack_children({&part, 1}, prune, scratch);
  EXPECT_EQ(rows.features, (std::vector<uint32_t>{2, 4, 7}));
  EXPECT_EQ(rows.first_entry, (std::vector<uint32_t>{0, 2, 3, 4}));
  EXPECT_EQ(rows.children, (std::vector<uint16_t>{0, 1, 0, 1}));
  EXPECT_EQ(rows.values, (std::vector<float>{-0.9F, 0.2F, 0.3F, 0.1F}));
  EXPECT_EQ(rows.bias, part.bias);
}

}  // namespace
}  // namespace coppice
