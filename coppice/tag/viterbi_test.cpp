// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/viterbi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "coppice/tag/path_fixture.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;
using testing::for_each_path;
using testing::random_values;
using testing::score_of;

std::vector<uint32_t> best_path(Tags tags, const std::vector<float>& scores, const std::vector<float>& transitions) {
  Viterbi viterbi;
  const auto path = viterbi.best_path(scores, TransitionView<float>::of(tags, transitions));
  return {path.begin(), path.end()};
}

void expect_allowed(Tags tags, const std::vector<uint32_t>& path) {
  for (size_t t = 0; t < path.size(); ++t) {
    ASSERT_LT(path[t], tags.count());
    EXPECT_TRUE(t > 0 || tags.may_stand_first(path[t]));
    EXPECT_TRUE(t == 0 || tags.may_follow(path[t - 1], path[t])) << t;
  }
}

TEST(Viterbi, FindsTheBestOfAllPaths) {
  Random random(1);
  for (int round = 0; round < 30; ++round) {
    const Tags tags{1 + random.below(3)};
    const size_t n = 1 + random.below(5);
    const auto scores = random_values<float>(n * tags.count(), 3, random);
    const auto transitions = random_values<float>(TransitionView<float>::size(tags), 3, random);
    std::vector<uint32_t> expected;
    double best = -std::numeric_limits<double>::infinity();
    for_each_path(tags, n, [&](std::span<const uint32_t> path) {
      const double score = score_of<float>(tags, path, scores, transitions);
      if (score <= best) return;
      best = score;
      expected.assign(path.begin(), path.end());
    });
    EXPECT_EQ(best_path(tags, scores, transitions), expected);
  }
}

TEST(Viterbi, AnITagThatScoresBestIsReachedThroughItsB) {
  const Tags tags{2};
  std::vector<float> scores(3 * tags.count()), transitions(TransitionView<float>::size(tags));
  scores[1 * tags.count() + tags.inside(1)] = 9;
  scores[2 * tags.count() + tags.inside(1)] = 9;
  EXPECT_THAT(best_path(tags, scores, transitions), ElementsAre(tags.begin(1), tags.inside(1), tags.inside(1)));
}

TEST(Viterbi, NeverBreaksBioWhateverTheScoresAre) {
  const float strange[] = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::max(), 0};
  Random random(2);
  for (int round = 0; round < 2000; ++round) {
    const Tags tags{1 + random.below(4)};
    const size_t n = 1 + random.below(6);
    auto scores = random_values<float>(n * tags.count(), 1, random);
    auto transitions = random_values<float>(TransitionView<float>::size(tags), 1, random);
    for (float& score : scores) score = random.below(3) == 0 ? strange[random.below(5)] : score;
    for (float& score : transitions) score = random.below(4) == 0 ? strange[random.below(5)] : score;
    expect_allowed(tags, best_path(tags, scores, transitions));
  }
}

TEST(Viterbi, OfNoWordsIsNoPath) {
  const Tags tags{2};
  EXPECT_TRUE(best_path(tags, {}, std::vector<float>(TransitionView<float>::size(tags))).empty());
}

TEST(Viterbi, GivesTheSamePathWhenStorageIsUsedAgain) {
  Random random(5);
  const Tags tags{3};
  const auto transitions = random_values<float>(TransitionView<float>::size(tags), 2, random);
  Viterbi used;
  for (const size_t n : {8U, 2U, 5U}) {
    const auto scores = random_values<float>(n * tags.count(), 2, random);
    const auto path = used.best_path(scores, TransitionView<float>::of(tags, transitions));
    EXPECT_EQ(std::vector<uint32_t>(path.begin(), path.end()), best_path(tags, scores, transitions));
  }
}

TEST(Viterbi, APathIsCutIntoSlots) {
  const Tags tags{2};
  const std::vector<uint32_t> path{tags.begin(0),  tags.inside(0), 0, tags.begin(1), tags.begin(1),
                                   tags.inside(1), tags.begin(0)};
  std::vector<Slot> slots{{9, 9, 9}};
  slots_of_path(tags, path, slots);
  EXPECT_THAT(slots, ElementsAre(Slot{0, 0, 2}, Slot{1, 3, 4}, Slot{1, 4, 6}, Slot{0, 6, 7}));
}

}  // namespace
}  // namespace coppice
