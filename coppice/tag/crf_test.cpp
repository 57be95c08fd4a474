// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/crf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/core/random.h"
#include "coppice/tag/path_fixture.h"

namespace coppice {
namespace {

using testing::for_each_path;
using testing::random_values;

constexpr size_t kFeatures = 12;

/// Random texts of one to five words, each word with some features, each text with one or two.
CrfProblem random_problem(size_t n_texts, Random& random) {
  CrfProblem problem;
  problem.tags = {2};
  for (size_t feature = 0; feature < kFeatures; ++feature) {
    for (uint32_t tag = 0; tag < problem.tags.count(); ++tag) {
      if (random.below(2) == 0) problem.row_tags.push_back(tag);
    }
    problem.row_begin.push_back(problem.row_tags.size());
  }
  for (size_t text = 0; text < n_texts; ++text) {
    uint32_t last = Tags::kOutside;
    for (size_t n = 1 + random.below(5); n > 0; --n) {
      for (int i = 0; i < 3; ++i) problem.word_features.push_back(random.below(kFeatures));
      problem.word_begin.push_back(problem.word_features.size());
      uint32_t tag = random.below(problem.tags.count());
      if (!problem.tags.may_follow(last, tag)) tag = problem.tags.begin(problem.tags.type(tag));
      problem.gold.push_back(last = tag);
    }
    problem.text_features.push_back(random.below(kFeatures));
    problem.text_begin.push_back(problem.text_features.size());
    problem.first_word.push_back(problem.gold.size());
  }
  return problem;
}

std::vector<double> gradient_of(CrfObjective& objective, const std::vector<double>& weights) {
  std::vector<double> gradient(weights.size(), 7.0);  // what stands there must not matter
  objective(weights, gradient);
  return gradient;
}

double value_of(CrfObjective& objective, const std::vector<double>& weights) {
  std::vector<double> gradient(weights.size());
  return objective(weights, gradient);
}

/// -log P of one text, path by path.
double brute_force(const CrfProblem& problem, const std::vector<double>& weights, size_t text) {
  const Tags tags = problem.tags;
  const size_t first = problem.first_word[text], n = problem.first_word[text + 1] - first;
  const auto score = [&](std::span<const uint32_t> path) {
    double sum = 0;
    const auto add = [&](uint32_t feature, uint32_t tag) {
      for (uint64_t i = problem.row_begin[feature]; i < problem.row_begin[feature + 1]; ++i) {
        if (problem.row_tags[i] == tag) sum += weights[i];
      }
    };
    for (size_t t = 0; t < n; ++t) {
      sum += weights[problem.bias_begin() + path[t]];
      for (const uint32_t feature : problem.of_word(first + t)) add(feature, path[t]);
      for (const uint32_t feature : problem.of_text(text)) add(feature, path[t]);
      if (t == 0) continue;
      sum += weights[problem.transitions_begin() + TransitionView<double>::place(tags, path[t - 1], path[t])];
    }
    return sum;
  };
  double z = 0;
  for_each_path(tags, n, [&](std::span<const uint32_t> path) { z += std::exp(score(path)); });
  return std::log(z) - score(std::span(problem.gold).subspan(first, n));
}

TEST(CrfObjective, IsMinusTheLogarithmOfTheProbabilityOfTheRightTags) {
  Random random(1);
  const CrfProblem problem = random_problem(40, random);
  const auto weights = random_values<double>(problem.n_weights(), 1, random);
  ThreadPool pool(1);
  CrfObjective objective(problem, 0, pool);
  double expected = 0;
  for (size_t text = 0; text < problem.n_texts(); ++text) expected += brute_force(problem, weights, text);
  EXPECT_NEAR(value_of(objective, weights), expected, 1e-9 * expected);
}

TEST(CrfObjective, ItsGradientIsThatOfFiniteDifferences) {
  Random random(2);
  const CrfProblem problem = random_problem(25, random);
  auto weights = random_values<double>(problem.n_weights(), 1, random);
  ThreadPool pool(2);
  CrfObjective objective(problem, 0.7, pool);
  const std::vector<double> gradient = gradient_of(objective, weights);
  constexpr double kStep = 1e-5;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double weight = weights[i];
    weights[i] = weight + kStep;
    const double above = value_of(objective, weights);
    weights[i] = weight - kStep;
    const double below = value_of(objective, weights);
    weights[i] = weight;
    EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 1e-6) << i;
  }
}

TEST(CrfObjective, IsTheSameForAnyNumberOfThreads) {
  Random random(3);
  const CrfProblem problem = random_problem(200, random);
  const auto weights = random_values<double>(problem.n_weights(), 1, random);
  ThreadPool one(1);
  CrfObjective reference(problem, 0.1, one);
  const double value = value_of(reference, weights);
  const std::vector<double> gradient = gradient_of(reference, weights);
  for (const size_t threads : {2U, 7U}) {
    ThreadPool pool(threads);
    CrfObjective objective(problem, 0.1, pool);
    EXPECT_EQ(value_of(objective, weights), value);
    EXPECT_EQ(gradient_of(objective, weights), gradient);
  }
}

TEST(CrfObjective, FewerTextsThanPartsAreFine) {
  Random random(4);
  const CrfProblem problem = random_problem(1, random);
  const auto weights = random_values<double>(problem.n_weights(), 1, random);
  ThreadPool pool(1);
  CrfObjective objective(problem, 0, pool);
  EXPECT_NEAR(value_of(objective, weights), brute_force(problem, weights, 0), 1e-9);
}

}  // namespace
}  // namespace coppice
