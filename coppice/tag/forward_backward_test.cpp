// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/forward_backward.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coppice/tag/path_fixture.h"

namespace coppice {
namespace {

using testing::for_each_path;
using testing::random_values;
using testing::score_of;

struct Sums {
  double log_z = 0;
  std::vector<double> probabilities;
  std::vector<double> counts;
};

/// By trying every path.
Sums brute_force(Tags tags, const std::vector<double>& scores, const std::vector<double>& transitions) {
  const size_t n = scores.size() / tags.count();
  Sums sums{0, std::vector<double>(scores.size()), std::vector<double>(transitions.size())};
  double z = 0;
  for_each_path(tags, n, [&](std::span<const uint32_t> path) {
    z += std::exp(score_of<double>(tags, path, scores, transitions));
  });
  for_each_path(tags, n, [&](std::span<const uint32_t> path) {
    const double probability = std::exp(score_of<double>(tags, path, scores, transitions)) / z;
    for (size_t t = 0; t < n; ++t) {
      sums.probabilities[t * tags.count() + path[t]] += probability;
      if (t > 0) sums.counts[TransitionView<double>::place(tags, path[t - 1], path[t])] += probability;
    }
  });
  sums.log_z = std::log(z);
  return sums;
}

Sums fast(Tags tags, std::vector<double> scores, const std::vector<double>& transitions) {
  ForwardBackward sums(tags, transitions);
  const double log_z = sums.run(scores);
  std::vector<double> counts(transitions.size());
  sums.take_counts(counts);
  return {log_z, std::move(scores), std::move(counts)};
}

Sums by_logarithms(Tags tags, std::vector<double> scores, const std::vector<double>& transitions) {
  std::vector<double> counts(transitions.size());
  const double log_z = log_forward_backward(tags, transitions, scores, counts);
  return {log_z, std::move(scores), std::move(counts)};
}

void expect_same(const Sums& got, const Sums& expected) {
  EXPECT_NEAR(got.log_z, expected.log_z, 1e-9 * std::max(1.0, std::abs(expected.log_z)));
  for (size_t i = 0; i < expected.probabilities.size(); ++i) {
    EXPECT_NEAR(got.probabilities[i], expected.probabilities[i], 1e-10) << i;
  }
  for (size_t i = 0; i < expected.counts.size(); ++i) EXPECT_NEAR(got.counts[i], expected.counts[i], 1e-10) << i;
}

TEST(ForwardBackward, SumsOverAllPathsThatBioAllows) {
  Random random(1);
  for (const uint32_t n_slots : {1U, 2U, 3U}) {
    const Tags tags{n_slots};
    for (const size_t n : {1U, 2U, 5U}) {
      const auto scores = random_values<double>(n * tags.count(), 3, random);
      const auto transitions = random_values<double>(TransitionView<double>::size(tags), 3, random);
      const Sums expected = brute_force(tags, scores, transitions);
      expect_same(fast(tags, scores, transitions), expected);
      expect_same(by_logarithms(tags, scores, transitions), expected);
    }
  }
}

TEST(ForwardBackward, OfManyWordsAgreesWithTheLoopsOverLogarithms) {
  Random random(2);
  const Tags tags{7};
  const auto scores = random_values<double>(300 * tags.count(), 8, random);
  const auto transitions = random_values<double>(TransitionView<double>::size(tags), 4, random);
  expect_same(fast(tags, scores, transitions), by_logarithms(tags, scores, transitions));
}

TEST(ForwardBackward, ProbabilitiesOfAWordAddUpToOneAndAnITagNeverStandsFirst) {
  Random random(3);
  const Tags tags{4};
  const Sums sums = fast(tags, random_values<double>(20 * tags.count(), 50, random),
                         random_values<double>(TransitionView<double>::size(tags), 50, random));
  for (size_t t = 0; t < 20; ++t) {
    double sum = 0;
    for (size_t tag = 0; tag < tags.count(); ++tag) sum += sums.probabilities[t * tags.count() + tag];
    EXPECT_NEAR(sum, 1, 1e-9);
  }
  for (uint32_t tag = tags.n_entered(); tag < tags.count(); ++tag) EXPECT_EQ(sums.probabilities[tag], 0);
}

/// Weights that no exponential can hold: only the path of the largest scores is left.
TEST(ForwardBackward, SurvivesScoresFarBeyondTheRangeOfExponentials) {
  const Tags tags{2};
  std::vector<double> scores(4 * tags.count()), transitions(TransitionView<double>::size(tags));
  scores[0 * tags.count() + tags.begin(1)] = 5000;
  scores[1 * tags.count() + tags.inside(1)] = 4000;
  scores[2 * tags.count() + tags.begin(0)] = -4000;
  transitions[TransitionView<double>::place(tags, tags.begin(1), tags.inside(1))] = -3000;
  transitions[TransitionView<double>::place(tags, Tags::kOutside, Tags::kOutside)] = 2500;
  const Sums sums = fast(tags, scores, transitions);
  expect_same(sums, by_logarithms(tags, scores, transitions));
  EXPECT_NEAR(sums.log_z, 5000 + 2500 + 2500, 1e-6 * sums.log_z + 3);
  for (const double probability : sums.probabilities) EXPECT_TRUE(probability >= 0 && probability <= 1 + 1e-9);
}

TEST(ForwardBackward, AddsTheCountsOfSeveralTexts) {
  Random random(4);
  const Tags tags{2};
  const auto transitions = random_values<double>(TransitionView<double>::size(tags), 1, random);
  ForwardBackward sums(tags, transitions);
  std::vector<double> counts(transitions.size(), 1.0), expected(transitions.size(), 1.0);
  for (const size_t n : {3U, 1U, 4U}) {
    auto scores = random_values<double>(n * tags.count(), 2, random);
    const Sums one = brute_force(tags, scores, transitions);
    for (size_t i = 0; i < expected.size(); ++i) expected[i] += one.counts[i];
    sums.run(scores);
  }
  sums.take_counts(counts);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(counts[i], expected[i], 1e-10);
  std::vector<double> again(transitions.size());
  sums.take_counts(again);
  for (const double count : again) EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace coppice
