// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/annotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "coppice/train/training_fixture.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Answers as a model gives them: for each row labels and scores, best first.
Predictions answers(const std::vector<std::vector<ScoredLabel>>& rows) {
  Predictions made;
  for (const auto& row : rows) made.top_k = std::max(made.top_k, static_cast<uint32_t>(row.size()));
  made.labels.resize(rows.size() * made.top_k);
  made.scores.resize(rows.size() * made.top_k);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t r = 0; r < rows[i].size(); ++r) {
      made.labels[i * made.top_k + r] = rows[i][r].label;
      made.scores[i * made.top_k + r] = rows[i][r].score;
    }
    made.counts.push_back(static_cast<uint32_t>(rows[i].size()));
  }
  return made;
}

Examples texts(const std::vector<std::string>& rows) {
  Examples examples;
  for (const std::string& row : rows) examples.texts.add(row);
  return examples;
}

/// Of three rows: sure, in doubt, without an answer.
const Predictions kAnswers = answers({{{4, 0.9F}, {1, 0.06F}, {2, 0.001F}}, {{2, 0.4F}, {0, 0.3F}, {3, 0.1F}}, {}});

Examples annotate(Annotator& annotator, Examples rows = texts({"a", "b", "c"})) {
  return annotator.annotate(rows, 0, kAnswers, 5);
}

TEST(Annotation, SoftLabelsAreTheConfidencesAndKeepTheirRow) {
  Annotator annotator({}, ScoreScale::confidence);
  EXPECT_EQ(annotator.top_k(), 10U);
  const Examples made = annotate(annotator);
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made.texts[1], "b");
  EXPECT_EQ(made.labels.n_columns, 5U);
  EXPECT_EQ(row_text(made.labels, 0), "1:0.06 4:0.9");  // label 2 has less than a hundredth of the best one's share
  EXPECT_EQ(row_text(made.labels, 1), "0:0.3 2:0.4 3:0.1");
  EXPECT_THAT(made.weights, IsEmpty());
}

TEST(Annotation, HardLabelsAreTheBestAloneUnlessMoreAreAskedFor) {
  AnnotationOptions options;
  options.labels = AnnotatedLabels::hard;
  Annotator best(options, ScoreScale::confidence);
  EXPECT_EQ(best.top_k(), 1U);
  EXPECT_EQ(row_text(annotate(best).labels, 1), "2:1");
  options.top_k = 3;
  Annotator several(options, ScoreScale::confidence);
  EXPECT_EQ(row_text(annotate(several).labels, 0), "4:1");
  Annotator again(options, ScoreScale::confidence);
  EXPECT_EQ(row_text(annotate(again).labels, 1), "0:1 2:1");  // half of the best one's share, and no less
  options.share = 0.9;
  Annotator close(options, ScoreScale::confidence);
  EXPECT_EQ(row_text(annotate(close).labels, 1), "2:1");
}

TEST(Annotation, RowsBelowTheFloorAreLeftOutAndCounted) {
  AnnotationOptions options;
  options.floor = 0.5;
  Annotator annotator(options, ScoreScale::confidence);
  const Examples made = annotate(annotator);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made.texts[0], "a");
  EXPECT_EQ(annotator.report().rows, 3U);
  EXPECT_EQ(annotator.report().labelled, 1U);
  EXPECT_EQ(annotator.report().label_entries, 2U);
  EXPECT_FLOAT_EQ(static_cast<float>(annotator.report().confidence_sum), 0.9F);
}

TEST(Annotation, AFloorThatLeavesNothingIsAnErrorThatSaysTheHighestConfidence) {
  AnnotationOptions options;
  options.floor = 0.95;
  Annotator annotator(options, ScoreScale::confidence);
  annotate(annotator);
  const std::string said = message_of([&] { require_labelled(annotator.report(), options); });
  EXPECT_THAT(said, HasSubstr("the floor is 0.95, the highest confidence 0.9"));
}

TEST(Annotation, RowsKeepIdsFeaturesAndWeights) {
  Examples rows = texts({"a", "b", "c"});
  rows.ids = {"r1", "", "r3"};
  rows.weights = {2, 3, 4};
  CsrBuilder features(9);
  for (const uint32_t column : {5U, 6U, 7U}) {
    features.add(column, 0.5F);
    features.end_row();
  }
  rows.features = features.build();
  AnnotationOptions options;
  options.weight = 0.5;
  Annotator plain(options, ScoreScale::confidence);
  const Examples made = annotate(plain, rows);
  EXPECT_THAT(made.ids, ElementsAre("r1", ""));
  EXPECT_EQ(row_text(made.features, 1), "6:0.5");
  EXPECT_THAT(made.weights, ElementsAre(1.0F, 1.5F));
  options.weigh_by_confidence = true;
  Annotator weighed(options, ScoreScale::confidence);
  EXPECT_THAT(annotate(weighed, rows).weights, ElementsAre(0.9F, 1.5F * 0.4F));
}

TEST(Annotation, APartOfTheRowsIsLabelledFromItsBegin) {
  Annotator annotator({}, ScoreScale::confidence);
  const Examples rows = texts({"x", "a", "b"});
  const Examples made = annotator.annotate(rows, 1, answers({{{0, 0.5F}}, {{1, 0.25F}}}), 2);
  EXPECT_EQ(made.texts[0], "a");
  EXPECT_EQ(row_text(made.labels, 1), "1:0.25");
}

TEST(Annotation, LogarithmsAreTakenBackAndMarginsMakeNoShares) {
  Annotator annotator({}, ScoreScale::logarithm);
  const Examples made = annotator.annotate(texts({"a"}), 0, answers({{{0, 0.0F}, {1, std::log(0.25F)}}}), 2);
  EXPECT_FLOAT_EQ(made.labels.row(0).values[1], 0.25F);
  EXPECT_THAT(message_of([] { Annotator({}, ScoreScale::margin); }), HasSubstr("post_processor"));
  AnnotationOptions options;
  options.labels = AnnotatedLabels::hard;
  options.floor = -1;
  Annotator hard(options, ScoreScale::margin);
  const Predictions margins = answers({{{1, -0.5F}}, {{0, -2.0F}}});
  EXPECT_EQ(row_text(hard.annotate(texts({"a", "b"}), 0, margins, 2).labels, 0), "1:1");
  EXPECT_EQ(hard.report().labelled, 1U);
  options.weigh_by_confidence = true;
  EXPECT_THAT(message_of([&] { Annotator(options, ScoreScale::margin); }), HasSubstr("weights"));
}

TEST(Annotation, ScoresThatSayNothingLabelNothing) {
  AnnotationOptions options;
  options.floor = -1e30;
  Annotator annotator(options, ScoreScale::confidence);
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const Examples made =
      annotator.annotate(texts({"a", "b", "c"}), 0, answers({{{0, nan}}, {{0, 0}}, {{0, infinity}}}), 1);
  EXPECT_EQ(made.size(), 0U);
  EXPECT_THAT(message_of([&] { require_labelled(annotator.report(), options); }), HasSubstr("no answer"));
}

TEST(Annotation, PostProcessorsSayWhatTheirScoresAre) {
  EXPECT_EQ(scale_of(PostProcessor::noop), ScoreScale::margin);
  EXPECT_EQ(scale_of(PostProcessor::log_sigmoid), ScoreScale::logarithm);
  EXPECT_EQ(scale_of(PostProcessor::log_softmax), ScoreScale::logarithm);
  EXPECT_EQ(scale_of(PostProcessor::l3_hinge), ScoreScale::confidence);
}

}  // namespace
}  // namespace coppice
