// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "coppice/core/memory.h"
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
    plan_ = estimate_training(*set_, options_, {}, {pool, progress});
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

/// Solves as ours does, and counts the rows of each chunk.
class CountingSolver final : public ChunkSolver {
 public:
  LaneWeights solve(const ChunkProblem& problem, ChildRange children, const SolverOptions& options,
                    const PruneOptions& prune) const override {
    rows_[problem.id] = problem.n_rows();
    return joint_solver().solve(problem, children, options, prune);
  }

  /// The rows over all chunks of a level.
  uint64_t rows(size_t level) const {
    uint64_t sum = 0;
    for (const auto& [id, n_rows] : rows_) sum += id >> 32 == level ? n_rows : 0;
    return sum;
  }

 private:
  mutable std::map<uint64_t, uint64_t> rows_;  // by chunk; one thread alone
};

/// The plan of a training with some negatives, and the rows that the training learns from.
class PlannedNegatives : public ::testing::Test {
 protected:
  void SetUp() override {
    TrainingInput input;
    input.path = folder_.write("train.jsonl", generated_jsonl(250, 60, 7));
    set_ = read_set(input);
    options_.index.branching = 4;
    options_.index.max_leaf = 4;
    options_.ranker.matcher_beam = 3;
  }

  /// Every `step`-th label for each row, from another one on.
  Csr negatives(uint32_t step) const {
    CsrBuilder builder(set_.labels.n_columns);
    for (uint32_t row = 0; row < set_.n_rows(); ++row) {
      for (uint32_t label = row % step; label < set_.labels.n_columns; label += step) builder.add(label, 1);
      builder.end_row();
    }
    return builder.build();
  }

  /// By level, the rows planned over those learned from.
  std::vector<double> shares(const std::string& kinds, const Csr& negatives) {
    options_.ranker.negatives = {kinds};
    const CountingSolver counter;
    TrainExtras extras;
    extras.negatives = &negatives;
    ThreadPool pool(1);
    Progress progress;
    const Estimate plan = estimate_training(set_, options_, extras, {pool, progress});
    extras.solver = &counter;
    train(set_, options_, extras, {pool, progress});
    std::vector<double> result;
    for (size_t level = 0; level < plan.levels.size(); ++level) {
      result.push_back(static_cast<double>(plan.levels[level].n_rows) / static_cast<double>(counter.rows(level)));
    }
    return result;
  }

  TestFolder folder_;
  TrainingSet set_;
  TrainOptions options_;
};

TEST_F(PlannedNegatives, AreExactlyThoseOfTrainingWhereNoMatcherIsAsked) {
  for (const char* kinds : {"tfn", "usn", "tfn+usn"}) {
    for (const uint32_t step : {1U, 25U}) {
      const std::vector<double> found = shares(kinds, negatives(step));
      EXPECT_GE(found.size(), 3u);
      EXPECT_THAT(found, ::testing::Each(1.0)) << kinds << ' ' << step;
    }
  }
}

TEST_F(PlannedNegatives, AreAboutThoseOfTrainingWhereAMatcherIsAsked) {
  for (const char* kinds : {"man", "tfn+man", "man+usn", "tfn+man+usn"}) {
    for (const uint32_t step : {1U, 25U}) {
      EXPECT_THAT(shares(kinds, negatives(step)), ::testing::Each(::testing::DoubleNear(1.0, 0.2)))
          << kinds << ' ' << step;
    }
  }
}

TEST_F(PlannedNegatives, ThatAMatcherBringsTakeTheTimeOfASearchFromTheRootEach) {
  ThreadPool pool(1);
  Progress progress;
  options_.ranker.negatives = {"tfn", "tfn", "tfn+man"};
  const Estimate plan = estimate_training(set_, options_, {}, {pool, progress});
  ASSERT_GE(plan.levels.size(), 3u);
  EXPECT_EQ(plan.levels[0].matching_seconds, 0);
  EXPECT_EQ(plan.levels[1].matching_seconds, 0);
  double sum = 0;
  for (size_t level = 0; level < plan.levels.size(); ++level) {
    const LevelEstimate& one = plan.levels[level];
    if (level > 1) {
      EXPECT_GT(one.matching_seconds, plan.levels[level - 1].matching_seconds);
    }
    sum += one.wall_seconds + one.matching_seconds;
  }
  EXPECT_DOUBLE_EQ(plan.train_seconds, sum);
  EXPECT_EQ(to_json(plan)["levels"][2]["matching_seconds"], plan.levels[2].matching_seconds);
  options_.ranker.negatives = {"tfn"};
  const Estimate none = estimate_training(set_, options_, {}, {pool, progress});
  for (const LevelEstimate& level : none.levels) EXPECT_EQ(level.matching_seconds, 0);
}

TEST_F(PlannedNegatives, OfAWideBeamTakeTheMemoryOfItsKeysAndOfTheBlockThatSearches) {
  TrainingInput input;
  input.path = folder_.write("wide.jsonl", generated_jsonl(2500, 1500, 3));
  set_ = read_set(input);
  options_.index.max_leaf = 2;
  options_.index.branching = 16;
  options_.ranker.negatives = {"tfn", "tfn", "tfn+man"};
  options_.ranker.matcher_beam = 250;
  ThreadPool pool(1);
  Progress progress;
  const uint64_t resident = resident_memory_bytes();
  reset_peak_memory();
  const Estimate plan = estimate_training(set_, options_, {}, {pool, progress});
  ASSERT_GT(plan.levels.back().n_chunks, 250u);
  // A key for each node found, and two candidates, the beam and two stops of 8 bytes each.
  const uint64_t nodes = 2500 * 250;
  EXPECT_GT(plan.peak_bytes + (uint64_t{2} << 20), resident + nodes * 6 * 8);
}

TEST_F(PlannedNegatives, ThatAreNotThereOrOfOtherRowsAreRefusedAsInTraining) {
  options_.ranker.negatives = {"tfn+usn"};
  CsrBuilder builder(set_.labels.n_columns);
  builder.end_row();
  const Csr one_row = builder.build();
  TrainExtras other_rows;
  other_rows.negatives = &one_row;
  ThreadPool pool(1);
  Progress progress;
  for (const auto& [extras, message] : {std::pair(TrainExtras{}, "no matrix is given"),
                                        std::pair(other_rows, "negatives have 1 row, the features 250")}) {
    EXPECT_THAT(message_of([&] { estimate_training(set_, options_, extras, {pool, progress}); }), HasSubstr(message));
    EXPECT_THAT(message_of([&] { train(set_, options_, extras, {pool, progress}); }), HasSubstr(message));
  }
}

}  // namespace
}  // namespace coppice
