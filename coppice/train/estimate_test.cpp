// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "coppice/train/training_fixture.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

/// One training set of some thousand rows, its plan, and the model that came of it.
class Planned : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_.emplace();
    TrainingInput input;
    input.path = folder_->write("train.jsonl", generated_jsonl(3000, 400, 5));
    set_ = read_set(input);
    options_.index.branching = 16;
    options_.index.max_leaf = 30;
    ThreadPool pool(1);
    Progress progress;
    plan_ = estimate_training(*set_, options_, {}, pool, progress);
    model_ = train_on(*set_, options_);
  }
  static void TearDownTestSuite() {
    model_.reset();
    set_.reset();
    folder_.reset();
  }

  static inline TrainOptions options_;
  static inline std::optional<TestFolder> folder_;
  static inline std::optional<TrainingSet> set_;
  static inline std::optional<Estimate> plan_;
  static inline std::optional<Model> model_;
};

TEST_F(Planned, SizeOfTheModelIsWithinAQuarter) {
  const std::string path = folder_->path("model");
  model_->save(path);
  const auto bytes = static_cast<double>(std::filesystem::file_size(path));
  EXPECT_NEAR(static_cast<double>(plan_->model_bytes), bytes, 0.25 * bytes);
}

TEST_F(Planned, LevelsAreThoseOfTheTree) {
  const LabelTree& tree = model_->ranker().tree;
  ASSERT_EQ(plan_->levels.size(), tree.depth());
  ASSERT_GE(tree.depth(), 2u);
  for (size_t t = 0; t < tree.depth(); ++t) {
    EXPECT_EQ(plan_->levels[t].n_chunks, tree.n_chunks(t));
    EXPECT_EQ(plan_->levels[t].n_children, tree.n_nodes(t + 1));
    EXPECT_GE(plan_->levels[t].pilot_chunks, 1u);
    EXPECT_LE(plan_->levels[t].pilot_chunks, plan_->levels[t].n_chunks);
    EXPECT_GT(plan_->levels[t].model_bytes, 0u);
    EXPECT_GT(plan_->levels[t].cpu_seconds, 0);
  }
  EXPECT_EQ(plan_->levels[0].n_rows, set_->n_rows());
}

TEST_F(Planned, SizesAreThoseOfTheDataAndPartsAddUpToTheWhole) {
  EXPECT_EQ(plan_->n_rows, set_->n_rows());
  EXPECT_EQ(plan_->n_features, set_->features.n_columns);
  EXPECT_EQ(plan_->n_labels, set_->labels.n_columns);
  EXPECT_EQ(plan_->n_nonzeros, set_->features.n_nonzeros());
  uint64_t level_bytes = 0;
  double level_seconds = 0;
  for (const LevelEstimate& level : plan_->levels) {
    level_bytes += level.model_bytes;
    level_seconds += level.wall_seconds;
  }
  EXPECT_LT(level_bytes, plan_->model_bytes);
  EXPECT_GT(level_bytes, plan_->model_bytes / 4);
  EXPECT_GE(plan_->train_seconds * 1.001, level_seconds);
  EXPECT_GT(plan_->peak_bytes, plan_->model_bytes);
}

TEST_F(Planned, JsonAndTextSayTheSame) {
  const auto json = to_json(*plan_);
  EXPECT_EQ(json["rows"], plan_->n_rows);
  EXPECT_EQ(json["model_bytes"], plan_->model_bytes);
  ASSERT_EQ(json["levels"].size(), plan_->levels.size());
  EXPECT_EQ(json["levels"][0]["children"], plan_->levels[0].n_children);
  EXPECT_THAT(to_text(*plan_), HasSubstr(std::to_string(plan_->n_rows)));
}

}  // namespace
}  // namespace coppice
