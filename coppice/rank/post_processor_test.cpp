// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/post_processor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

double reference(PostProcessor post_processor, double v) {
  const double h = std::max(0.0, 1 - v);
  switch (post_processor) {
    case PostProcessor::noop:
      return v;
    case PostProcessor::sigmoid:
      return 1 / (1 + std::exp(-v));
    case PostProcessor::log_sigmoid:
      return -std::log(1 + std::exp(-v));
    case PostProcessor::l1_hinge:
      return std::exp(-h);
    case PostProcessor::l2_hinge:
      return std::exp(-h * h);
    case PostProcessor::l3_hinge:
      return std::exp(-h * h * h);
    case PostProcessor::l4_hinge:
      return std::exp(-h * h * h * h);
    case PostProcessor::log_l1_hinge:
      return -h;
    case PostProcessor::log_l2_hinge:
      return -h * h;
    case PostProcessor::log_l3_hinge:
      return -h * h * h;
    default:
      return -h * h * h * h;
  }
}

TEST(PostProcessor, FollowsItsFormula) {
  for (const auto& entry : post_processors()) {
    if (needs_siblings(entry.first)) continue;
    for (float v = -6; v < 6; v += 0.37F) {
      const double expected = reference(entry.first, v);
      EXPECT_NEAR(transform(entry.first, v), expected, 1e-5 * (1 + std::fabs(expected))) << entry.second << " of " << v;
    }
  }
}

TEST(PostProcessor, SoftmaxOfSiblingsSumsToTheParent) {
  const float margins[] = {0.5F, -2, 90, 89.5F};
  float scores[4];
  transform_siblings(PostProcessor::softmax, 0.25F, margins, scores, 4);
  EXPECT_NEAR(scores[0] + scores[1] + scores[2] + scores[3], 0.25, 1e-6);
  EXPECT_NEAR(scores[2] / scores[3], std::exp(0.5), 1e-4);
  float logs[4];
  transform_siblings(PostProcessor::log_softmax, std::log(0.25F), margins, logs, 4);
  for (int i = 2; i < 4; ++i) EXPECT_NEAR(std::exp(logs[i]), scores[i], 1e-5);
}

TEST(PostProcessor, NoopKeepsTheMarginOfTheNodeAlone) {
  for (const float parent : {-3.0F, 0.0F, 0.5F, 7.0F}) {
    EXPECT_EQ(combine(PostProcessor::noop, parent, -1.25F), -1.25F);
    EXPECT_EQ(margin_below(PostProcessor::noop, parent, -1.25F), -1.25F);
  }
}

TEST(PostProcessor, NamesRoundTripAndDashesAreTaken) {
  for (const auto& entry : post_processors()) {
    EXPECT_EQ(post_processor_from_name(entry.second), entry.first);
    EXPECT_EQ(name(entry.first), entry.second);
  }
  EXPECT_EQ(post_processor_from_name("log-l3-hinge"), PostProcessor::log_l3_hinge);
  EXPECT_EQ(name(static_cast<PostProcessor>(77)), "");
  try {
    post_processor_from_name("l3hinge");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.hint().find("l3_hinge"), std::string::npos) << error.message();
  }
}

TEST(PostProcessor, NaNMarginsScoreWorst) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(transform(PostProcessor::l3_hinge, nan), 0);
  EXPECT_EQ(transform(PostProcessor::log_l3_hinge, nan), -std::numeric_limits<float>::infinity());
  float scores[] = {nan, 1};
  transform_siblings(PostProcessor::softmax, 1, scores, scores, 2);
  EXPECT_EQ(scores[0], 0);
  EXPECT_EQ(scores[1], 1);
}

TEST(PostProcessor, SkippedMarginsAreCertainlyBelowTheBound) {
  Random random(3);
  for (const auto& entry : post_processors()) {
    const PostProcessor post_processor = entry.first;
    size_t skipped = 0;
    for (int trial = 0; trial < 20000; ++trial) {
      const bool sums = combines_by_sum(post_processor);
      const auto unit = static_cast<float>(random.uniform());
      const float parent = sums ? -3 * unit : unit * unit;
      const auto other = static_cast<float>(random.uniform() * 6 - 3);
      // A bound that some margin reaches exactly: the tightest case.
      const float child = needs_siblings(post_processor) ? 0.5F : transform(post_processor, other);
      const float bound = combine(post_processor, parent, child);
      const float cut = margin_below(post_processor, parent, bound);
      if (needs_siblings(post_processor)) {
        EXPECT_EQ(cut, -std::numeric_limits<float>::infinity());
        continue;
      }
      for (int i = 0; i < 4; ++i) {
        const auto margin = static_cast<float>(random.uniform() * 8 - 4);
        if (margin >= cut) continue;
        ++skipped;
        EXPECT_LT(combine(post_processor, parent, transform(post_processor, margin)), bound)
            << entry.second << ": parent " << parent << ", bound " << bound << ", margin " << margin;
      }
    }
    if (!needs_siblings(post_processor)) {
      EXPECT_GT(skipped, 20000U) << entry.second;
    }
  }
}

}  // namespace
}  // namespace coppice
