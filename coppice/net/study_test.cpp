// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <torch/script.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "coppice/core/error.h"
#include "coppice/net/net_fixture.h"

namespace coppice {
namespace {

/// A module that draws numbers; one that counts, too, changes more than its parameters.
std::string small_module(bool counts) {
  torch::jit::Module module("own");
  module.register_parameter("weight", torch::zeros({3, 8}, torch::requires_grad()), false);
  if (counts) module.register_buffer("seen", torch::zeros({1}));
  module.register_attribute("training", torch::jit::BoolType::get(), true);
  module.define(std::string("def forward(self, x):\n") + (counts ? "  self.seen.add_(1.0)\n" : "") +
                "  return torch.matmul(torch.dropout(x, 0.2, self.training), self.weight.t())\n");
  std::ostringstream stream;
  module.save(stream);
  return stream.str();
}

class SmallStudy : public testing::Test {
 protected:
  SmallStudy() {
    train_.network.hidden = {6};
    train_.network.embedding = 4;
    train_.minibatch = 4;
    train_.epochs = 4;
    train_.hybrid.block_minibatches = 4;
    train_.hybrid.compression.density = 0.1;
    options_.workers = {2, 4};
    options_.strategies = {"gtc", "gtc+bmuf"};
    options_.group_sizes = {2};
    options_.seeds = 2;
    options_.learning_rates = {0.0001F, 0.3F};
    options_.points = 4;
  }

  Study run() {
    ThreadPool pool(2);
    Progress progress;
    NetSet set = small_text_set(150);
    if (!module_.empty()) set.features.task = NetTask::features;
    return run_study({set, small_text_set(40).rows.examples, module_}, train_, options_, {pool, progress});
  }

  NetTrainOptions train_;
  StudyOptions options_;
  std::string module_;
};

TEST_F(SmallStudy, ComparesEachCombinationWithOneWorker) {
  const Study study = run();
  ASSERT_EQ(study.table.size(), 5U);
  EXPECT_EQ(study.table[0].workers, 1U);
  EXPECT_EQ(study.table[0].more_errors.mean, 0);
  EXPECT_NEAR(study.table[0].step.speed_up, 1, 1e-9);
  EXPECT_NEAR(study.table[0].learning_rate, 0.3, 1e-6);  // by the other one nothing is learned in so few steps
  EXPECT_EQ(study.table[4].strategy, "gtc+bmuf");
  EXPECT_EQ(study.table[4].group_size, 2U);
  for (const StudyRow& row : study.table) {
    ASSERT_EQ(row.runs.size(), 2U);
    EXPECT_EQ(row.runs[0].curve.back().share, 1);
    EXPECT_EQ(row.runs[0].curve.back().error, row.runs[0].error);
    EXPECT_LT(row.error, 100);
    if (row.workers == 1) continue;
    EXPECT_GT(row.costs.message_bytes, 20U);
  }
}

TEST_F(SmallStudy, TriesGroupsOfEachSizeThatFits) {
  options_.workers = {8};
  options_.group_sizes = {4, 2, 5, 100};
  options_.learning_rates = {0.3F};
  options_.compute_ms = {0, 1};
  const Study study = run();
  std::vector<std::string> names;
  for (const StudyRow& row : study.table) names.push_back(row.name);
  EXPECT_THAT(names, testing::ElementsAre("one worker", "gtc", "gtc+bmuf of 2", "gtc+bmuf of 4", "gtc+bmuf of 8"));
  EXPECT_EQ(study.table[3].group_size, 4U);
  EXPECT_EQ(study.table[4].error, study.table[1].error);  // one group: compressed gradients alone
  EXPECT_THAT(to_text(study), testing::HasSubstr("8 workers by gtc+bmuf in groups of 8 are gtc\n"));
  EXPECT_EQ(study.map[0].strategies.size(), 4U);
  EXPECT_THAT(to_svg(study), testing::HasSubstr("gtc+bmuf of 4"));
}

TEST_F(SmallStudy, RowsThatSayNothingAreRefusedAtOnce) {
  NetSet set = small_text_set(150);
  NetExamples unlabelled = set.rows.examples;
  unlabelled.labels = CsrBuilder(set.n_labels).build();
  ThreadPool pool(1);
  Progress progress;
  EXPECT_THROW(run_study({set, unlabelled, {}}, train_, options_, {pool, progress}), Error);
  const NetSet few = small_text_set(9);
  EXPECT_THROW(run_study({few, set.rows.examples, {}}, train_, options_, {pool, progress}), Error);
}

TEST_F(SmallStudy, MinibatchesThatAreTooFewForSoManyWorkersAreRefused) {
  options_.workers = {4, 100};  // of 150 minibatches each would do two
  EXPECT_THROW(run(), Error);
}

TEST_F(SmallStudy, ListsWithoutValuesAreRefusedAtOnce) {
  const auto refuses = [&](auto StudyOptions::*list) {
    const StudyOptions before = options_;
    (options_.*list).clear();
    EXPECT_THROW(run(), Error);
    options_ = before;
  };
  refuses(&StudyOptions::workers), refuses(&StudyOptions::strategies), refuses(&StudyOptions::group_sizes);
  refuses(&StudyOptions::learning_rates), refuses(&StudyOptions::learning_rate_factors);
  refuses(&StudyOptions::megabit_per_second), refuses(&StudyOptions::compute_ms);
}

TEST_F(SmallStudy, AThresholdTakesThePlaceOfTheDensity) {
  options_.learning_rates = {0.3F};
  options_.strategies = {"gtc"};
  options_.tau = "0.05";
  const double often = run().table[1].density;
  options_.tau = "1000";
  EXPECT_GT(often, 0);
  EXPECT_EQ(run().table[1].density, 0);
  options_.tau = "-1";
  EXPECT_THROW(run(), Error);
  options_.strategies = {"bmuf"};
  EXPECT_THROW(run(), Error);
}

TEST_F(SmallStudy, AModuleOfTheUsersTakesThePlaceOfTheLayers) {
  options_.learning_rates = {0.3F};
  for (const bool has_own_state : {false, true}) {
    module_ = small_module(has_own_state);
    const Study study = run(), again = run();
    EXPECT_EQ(study.parameters, 24U);
    EXPECT_LT(study.table[0].error, 50);
    EXPECT_EQ(study.table[4].runs[0].error, again.table[4].runs[0].error) << "draws are the same in any thread";
    EXPECT_EQ(study.table[4].runs[0].curve.size(), 4U);
  }
}

TEST_F(SmallStudy, TheSameErrorsComeOutAgain) {
  const Study one = run(), again = run();
  for (size_t i = 0; i < one.table.size(); ++i) EXPECT_EQ(one.table[i].error, again.table[i].error);
}

TEST_F(SmallStudy, WhatWasTrainedIsNotTrainedAgain) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "kept_trainings";
  std::filesystem::remove_all(folder);
  options_.keep = folder.string();
  options_.learning_rates = {0.3F};
  const Study one = run();
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  EXPECT_EQ(files.size(), 10U);  // five rows with two seeds
  const auto set_errors = [&](double error) {
    for (const auto& path : files) {
      auto json = nlohmann::ordered_json::parse(std::ifstream(path));
      json["error"] = error;
      std::ofstream(path) << json;
    }
  };
  EXPECT_EQ(run().table[3].runs[1].curve.size(), one.table[3].runs[1].curve.size());
  set_errors(77);
  EXPECT_EQ(run().table[3].error, 77);  // read, not trained
  train_.hybrid.block_minibatches = 3;
  EXPECT_EQ(run().table[4].error == 77, false);  // another training
  std::ofstream(files[0]) << "{";
  train_.hybrid.block_minibatches = 4;
  EXPECT_THROW(run(), Error);
}

TEST_F(SmallStudy, ATrainingThatDivergesCountsAsAllWrong) {
  options_.learning_rates = {1e9F};
  const Study study = run();
  EXPECT_TRUE(study.table[0].runs[0].diverged);
  EXPECT_EQ(study.table[0].error, 100);
  EXPECT_THAT(to_text(study), testing::HasSubstr("diverged"));
  EXPECT_FALSE(study.table[0].has_costs);
  EXPECT_TRUE(std::isnan(study.table[1].step.speed_up)) << "what it sends is not known";
  EXPECT_TRUE(to_json(study)["table"][1]["modelled"]["speed_up"].is_null());
}

TEST_F(SmallStudy, ASlowerNetworkMakesLessOfMoreWorkers) {
  Study study = run();
  StudyOptions network = options_;
  network.compute_ms = {10};
  predict_times(study, network);
  const double fast = study.table[1].step.speed_up;
  EXPECT_LE(fast, 2);
  network.megabit_per_second = {0.1F};
  network.latency_us = 100000;
  predict_times(study, network);
  EXPECT_LT(study.table[1].step.speed_up, fast / 2);
}

TEST_F(SmallStudy, AMapSaysWhatPaysWhere) {
  options_.learning_rates = {0.3F};
  options_.megabit_per_second = {100000, 1};
  options_.compute_ms = {1, 100};
  Study study = run();
  ASSERT_EQ(study.map.size(), 8U);
  for (const StudyCell& cell : study.map) {
    ASSERT_EQ(cell.strategies.size(), 2U);
    EXPECT_GE(cell.fastest().speed_up, cell.strategies[0].speed_up);
    EXPECT_LE(cell.fastest().speed_up, cell.workers);
  }
  EXPECT_EQ(study.map[4].workers, 4U);
  EXPECT_EQ(study.map[4].strategies[1].speed_up, study.table[4].step.speed_up);
  EXPECT_GT(study.map[6].fastest().speed_up, study.map[5].fastest().speed_up);  // fast links and long computing
  EXPECT_EQ(to_json(study)["map"].size(), 8U);
  EXPECT_THAT(to_text(study), testing::HasSubstr("1 Mbit/s"));
}

TEST_F(SmallStudy, IsShownAsTableJsonAndDrawing) {
  options_.learning_rates = {0.3F};
  const Study study = run();
  EXPECT_THAT(to_text(study), testing::HasSubstr("one worker"));
  EXPECT_THAT(to_text(study), testing::HasSubstr("modelled"));
  const nlohmann::ordered_json json = to_json(study);
  EXPECT_EQ(json["table"].size(), 5U);
  EXPECT_TRUE(json["table"][1]["measured"]["error"].is_number());
  const std::string svg = to_svg(study);  // also where one worker makes no errors, which nothing can be relative to
  EXPECT_THAT(svg, testing::StartsWith("<svg"));
  EXPECT_THAT(svg, testing::HasSubstr("gtc+bmuf"));
  EXPECT_THAT(svg, testing::Not(testing::HasSubstr("nan")));
}

TEST_F(SmallStudy, WhatCannotBeComparedIsRefused) {
  options_.strategies = {"gtc", "faster"};
  EXPECT_THROW(run(), Error);
}

TEST(Study, TheArticlesFiguresAreItsOwn) {
  ASSERT_TRUE(reported(128, "gtc+bmuf"));
  EXPECT_EQ(reported(128, "gtc+bmuf")->speed_up, 97);
  EXPECT_TRUE(std::isnan(reported(32, "gtc+bmuf")->more_errors));
  EXPECT_FALSE(reported(127, "gtc+bmuf"));
}

}  // namespace
}  // namespace coppice
