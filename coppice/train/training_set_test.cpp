// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/training_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/train/training_fixture.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrainingSetFile : public ::testing::Test {
 protected:
  TrainingSet read(const std::string& bytes, const std::string& name = "train.jsonl", size_t threads = 1) {
    input_.path = folder_.write(name, bytes);
    return read_set(input_, threads);
  }
  std::string refusal_of(const std::string& bytes, const std::string& name = "train.jsonl") {
    return message_of([&] { read(bytes, name); });
  }

  TestFolder folder_;
  TrainingInput input_;
};

std::vector<std::string> names_of(const TrainingSet& set) {
  std::vector<std::string> names;
  for (uint32_t label = 0; label < set.label_names.size(); ++label) names.push_back(set.label_names.name(label));
  return names;
}

const std::string kRows =
    "{\"text\": \"alpha beta\", \"labels\": [\"rare\", \"a\"]}\n"
    "{\"text\": \"beta\", \"labels\": {\"b\": 2, \"a\": 0.5}}\n"
    "{\"text\": \"gamma beta\", \"labels\": [\"b\"], \"weight\": 3}\n"
    "{\"text\": \"gamma\", \"labels\": [\"once\"]}\n";

TEST_F(TrainingSetFile, TextsBecomeTheFeaturesOfItsVectorizer) {
  const TrainingSet set = read(kRows);
  ASSERT_TRUE(set.vectorizer.has_value());
  EXPECT_EQ(set.n_rows(), 4u);
  EXPECT_EQ(set.features.n_columns, set.vectorizer->n_features());
  Vectorizer::State state;
  const SparseRow expected = set.vectorizer->transform("gamma beta", state);
  EXPECT_TRUE(std::ranges::equal(set.features.row(2).columns, expected.columns));
  EXPECT_TRUE(std::ranges::equal(set.features.row(2).values, expected.values));
}

TEST_F(TrainingSetFile, KeepsNamesRelevanceAndWeights) {
  const TrainingSet set = read(kRows);
  EXPECT_THAT(names_of(set), ElementsAre("rare", "a", "b", "once"));
  EXPECT_EQ(row_text(set.labels, 1), "1:0.5 2:2");
  EXPECT_THAT(set.weights, ElementsAre(1, 1, 3, 1));
  EXPECT_EQ(set.rare_labels, 0u);
}

TEST_F(TrainingSetFile, RareLabelsAreLeftOutAndTheirRowsStay) {
  input_.min_label_count = 2;
  const TrainingSet set = read(kRows);
  EXPECT_EQ(set.rare_labels, 2u);
  EXPECT_THAT(names_of(set), ElementsAre("a", "b"));
  EXPECT_EQ(set.labels.n_columns, 2u);
  EXPECT_EQ(set.n_rows(), 4u);
  EXPECT_EQ(row_text(set.labels, 0), "0:1");
  EXPECT_EQ(row_text(set.labels, 1), "0:0.5 1:2");
  EXPECT_EQ(row_text(set.labels, 3), "");
}

TEST_F(TrainingSetFile, NoLabelThatIsFrequentEnoughIsAnError) {
  input_.min_label_count = 3;
  EXPECT_THAT(refusal_of(kRows), HasSubstr("no label is seen often enough"));
}

TEST_F(TrainingSetFile, ARowLeftOutForItsLabelsIsLeftOutWithItsText) {
  input_.read.skip_bad_lines = true;
  const std::string last = "{\"text\": \"delta\", \"labels\": [\"a\"]}\n";
  const std::string bad =
      "{\"text\": \"wrong\", \"labels\": [0]}\n{\"text\": \"wrong\", \"labels\": [\"a\", 1]}\n"
      "{\"text\": \"wrong\", \"labels\": [\"\"]}\n";
  const TrainingSet set = read(kRows + bad + last);
  EXPECT_EQ(set.report.bad_lines, 3u);
  EXPECT_EQ(fingerprint(set), fingerprint(read(kRows + last)));
}

TEST_F(TrainingSetFile, AnnotatedRowsAreTrainedOnAsIfTheyStoodBehindTheOthers) {
  const std::string machine =
      "{\"text\": \"gamma delta\", \"labels\": {\"b\": 0.75, \"new\": 0.25}}\n"
      "{\"text\": \"delta\", \"labels\": [\"a\"], \"weight\": 0.5}\n";
  const std::string joined = fingerprint(read(kRows + machine));
  input_.annotated.path = folder_.write("machine.jsonl", machine);
  const TrainingSet set = read(kRows);
  EXPECT_EQ(fingerprint(set), joined);
  EXPECT_EQ(set.report.rows, 4U);
  EXPECT_EQ(set.annotated->rows, 2U);
}

TEST_F(TrainingSetFile, AnnotatedRowsHaveAFormatAndAWeightOfTheirOwn) {
  input_.annotated.path = folder_.write("machine.jsonl", "{\"text\": \"send it on\", \"labels\": {\"mail\": 0.5}}\n");
  input_.annotated.weight = 0.25;
  const TrainingSet set = read("mail\tsend it now\nchat\tsay it now\n", "human.tsv");
  EXPECT_THAT(names_of(set), ElementsAre("mail", "chat"));
  EXPECT_THAT(set.weights, ElementsAre(1, 1, 0.25));
  EXPECT_EQ(row_text(set.labels, 2), "0:0.5");
}

TEST_F(TrainingSetFile, AnnotatedRowsOfAnotherKindAreRefusedByTheirFile) {
  const auto refusal = [&](const std::string& human, const std::string& machine) {
    input_.annotated.path = folder_.write("machine.jsonl", machine);
    return refusal_of(human);
  };
  const std::string features = "{\"features\": {\"1\": 0.5}, \"labels\": [\"a\"]}\n";
  EXPECT_THAT(refusal(kRows, features), AllOf(HasSubstr("machine.jsonl"), HasSubstr("features alone")));
  EXPECT_THAT(refusal(features, kRows), AllOf(HasSubstr("machine.jsonl"), HasSubstr("the rows have texts")));
  EXPECT_THAT(refusal(kRows, "{\"text\": \"beta\"}\n"), AllOf(HasSubstr("machine.jsonl"), HasSubstr("no label")));
  EXPECT_THAT(refusal("{\"text\": \"beta\", \"labels\": [3]}\n", kRows),
              AllOf(HasSubstr("machine.jsonl"), HasSubstr("expected numbers")));
  EXPECT_THAT(refusal(kRows, "{\"text\": \"beta\", \"labels\": [3]}\n"), HasSubstr("machine.jsonl:1"));
  input_.dense = "dense.npy";
  EXPECT_THAT(refusal(kRows, kRows), HasSubstr("dense"));
}

TEST_F(TrainingSetFile, NumbersOfLabelsNeverChange) {
  const std::string svm = "0 1:1\n1 2:1\n0 3:1\n";
  input_.min_label_count = 1;
  EXPECT_EQ(read(svm, "train.svm").labels.n_columns, 2u);
  input_.min_label_count = 2;
  EXPECT_THAT(refusal_of(svm, "train.svm"), HasSubstr("usage: "));
  EXPECT_EQ(read("0 1:1\n1 2:1\n0,1 3:1\n", "train.svm").labels.n_columns, 2u);
}

TEST_F(TrainingSetFile, WithoutLabelsOrFeaturesIsAnError) {
  EXPECT_THAT(refusal_of("{\"text\": \"alpha\"}\n"), HasSubstr("no row has a label"));
  EXPECT_THAT(refusal_of("{\"text\": \"\", \"labels\": \"a\"}\n"), HasSubstr("no row has a feature"));
}

TEST_F(TrainingSetFile, IsTheSameForAnyNumberOfThreads) {
  const std::string rows = generated_jsonl(500, 40, 3);
  const TrainingSet one = read(rows, "train.jsonl", 1);
  for (const size_t threads : {2, 7}) {
    const TrainingSet other = read(rows, "train.jsonl", threads);
    EXPECT_EQ(fingerprint(other), fingerprint(one));
    EXPECT_TRUE(std::ranges::equal(other.features.values, one.features.values));
  }
}

TEST_F(TrainingSetFile, AnythingThatTrainingDependsOnChangesTheFingerprint) {
  const TrainingSet set = read(kRows);
  EXPECT_EQ(fingerprint(read(kRows)), fingerprint(set));
  TrainingSet other = set;
  other.features.n_columns += 1;
  EXPECT_NE(fingerprint(other), fingerprint(set));
  other = set;
  other.weights[0] = 2;
  EXPECT_NE(fingerprint(other), fingerprint(set));
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string rows = kRows;
    rows.replace(rows.find(from), from.size(), to);
    return fingerprint(read(rows));
  };
  EXPECT_NE(changed("once", "twice"), fingerprint(set));
  EXPECT_NE(changed("0.5", "0.25"), fingerprint(set));
  EXPECT_NE(changed("gamma\"", "beta\""), fingerprint(set));
}

}  // namespace
}  // namespace coppice
