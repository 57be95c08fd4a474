// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/dense_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/model/answer.h"
#include "coppice/train/training_fixture.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

Examples block_of(size_t n_rows) {
  Examples block;
  for (size_t i = 0; i < n_rows; ++i) block.texts.add("text");
  return block;
}

TEST(DenseFeatures, GoToTheBlocksInTheOrderOfTheRows) {
  const TestFolder folder;
  DenseFeatures dense(folder.write("dense.npy", npy_bytes(3, 2, {1, 2, 0, 4, 5, 6})));
  EXPECT_EQ(dense.n_columns(), 2u);
  Examples first = block_of(2), second = block_of(1);
  dense.join(first);
  dense.join(second);
  dense.expect_end();
  EXPECT_EQ(row_text(first.dense, 0), "0:1 1:2");
  EXPECT_EQ(row_text(first.dense, 1), "1:4");
  EXPECT_EQ(row_text(second.dense, 0), "0:5 1:6");
  EXPECT_EQ(first.features.n_rows(), 0u);
}

TEST(DenseFeatures, OfNoFileChangeNothing) {
  DenseFeatures none("");
  Examples block = block_of(2);
  none.join(block);
  none.expect_end();
  EXPECT_EQ(block.dense.n_rows(), 0u);
}

TEST(DenseFeatures, TooFewOrTooManyRowsAreAnError) {
  const TestFolder folder;
  const std::string path = folder.write("dense.npy", npy_bytes(2, 1, {1, 2}));
  Examples three = block_of(3), one = block_of(1);
  EXPECT_THAT(message_of([&] { DenseFeatures(path).join(three); }),
              HasSubstr("data: " + path + ": the file has 2 rows"));
  DenseFeatures dense(path);
  dense.join(one);
  EXPECT_THAT(message_of([&] { dense.expect_end(); }), HasSubstr("but there are 1 example"));
  EXPECT_THAT(message_of([&] { DenseFeatures(folder.path("none.npy")); }), HasSubstr("io: "));
}

/// Rows of svm text with dense features, and a model trained on them. The last row alone has feature 9.
class DenseModel : public ::testing::Test {
 protected:
  Examples row(const std::string& dense) const {
    Examples rows = read_bytes("0 1:1 2:0.5\n", Format::svm).examples;
    if (!dense.empty()) DenseFeatures(folder_.write("row.npy", dense)).join(rows);
    return rows;
  }
  std::string refusal_of(const Examples& rows) const {
    return message_of([&] {
      ThreadPool pool(1);
      features_for(model_, rows, pool);
    });
  }

  static TrainingInput sample(const TestFolder& folder) {
    TrainingInput input;
    input.path = folder.write("train.svm", "0 1:1\n1 2:1\n0 1:1 3:1\n1 2:1 9:1\n");
    input.dense = folder.write("dense.npy", npy_bytes(4, 2, {1, 0, 0, 1, 1, 0, 0, 1}));
    return input;
  }

  TestFolder folder_;
  TrainingInput input_ = sample(folder_);
  Model model_ = train_on(read_set(input_));
};

TEST_F(DenseModel, KnowsHowManyItWasTrainedWithAlsoWhenLoaded) {
  EXPECT_EQ(model_.n_features(), 12u);
  EXPECT_EQ(model_.n_dense(), 2u);
  model_.save(folder_.path("model"));
  EXPECT_EQ(Model::load(folder_.path("model"), {Verify::everything, LoadMode::read}).n_dense(), 2u);
}

TEST_F(DenseModel, FindsThemAtTheirColumnsAlsoBehindNarrowerRows) {
  ThreadPool pool(1);
  const Csr features = features_for(model_, row(npy_bytes(1, 2, {0.25F, 0.75F})), pool);
  EXPECT_EQ(features.n_columns, 12u);
  EXPECT_EQ(row_text(features, 0), "1:1 2:0.5 10:0.25 11:0.75");
}

TEST_F(DenseModel, RefusesRowsWithoutThem) {
  EXPECT_THAT(refusal_of(row("")), HasSubstr("usage: the rows have no dense features beside their own, the model was "
                                             "trained with 2"));
}

TEST_F(DenseModel, RefusesRowsWithAnotherNumberOfThem) {
  EXPECT_THAT(refusal_of(row(npy_bytes(1, 3, {1, 2, 3}))), HasSubstr("usage: the rows have 3 dense features"));
}

TEST_F(DenseModel, AModelWithoutThemRefusesRowsThatHaveSome) {
  input_.dense.clear();
  model_ = train_on(read_set(input_));
  EXPECT_EQ(model_.n_dense(), 0u);
  EXPECT_EQ(refusal_of(row("")), "");
  EXPECT_THAT(refusal_of(row(npy_bytes(1, 2, {1, 2}))), HasSubstr("the model was trained with none"));
}

TEST_F(DenseModel, TextsKeepThemBehindTheirWordsAndTheRowsOwnFeatures) {
  input_.path = folder_.write("train.jsonl",
                              "{\"text\": \"alpha\", \"labels\": \"a\"}\n"
                              "{\"text\": \"beta\", \"labels\": \"b\", \"features\": {\"2\": 0.5}}\n"
                              "{\"text\": \"alpha\", \"labels\": \"a\"}\n"
                              "{\"text\": \"beta\", \"labels\": \"b\"}\n");
  const TrainingSet set = read_set(input_);
  EXPECT_EQ(set.features.n_columns, 2u + 3 + 2);
  EXPECT_EQ(row_text(set.features, 0), "0:1 5:1");
  EXPECT_EQ(row_text(set.features, 1), "1:1 4:0.5 6:1");
  model_ = train_on(set);
  EXPECT_THAT(message_of([&] { predict_text(model_, "alpha"); }), HasSubstr("usage: the rows have no dense"));
}

}  // namespace
}  // namespace coppice
