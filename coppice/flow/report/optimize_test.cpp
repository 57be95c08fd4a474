// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/optimize.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/flow/kinds/kinds.h"

namespace coppice {
namespace {

using nlohmann::json;

/// Two slots; what a model costs and how often it errs.
const std::vector<ModelSlot> kSlots = {{"a", "/model", "small", {"small", "big"}},
                                       {"b", "/model", "small", {"tiny", "small", "big"}}};

Measured measured(double cost, size_t accepted) {
  return {100, accepted, cost, 1, 100};
}

double price(const std::string& model) {
  return model == "big" ? 10 : model == "small" ? 1 : 0.1;
}

TEST(Optimize, SavesWhereTheFloorHolds) {
  size_t tried = 0;
  const Optimum found = optimize(kSlots, 0.9, [&](const Assignment& models) {
    ++tried;
    return measured(price(models[0]) + price(models[1]), models[1] == "tiny" ? 91 : 95);
  });
  EXPECT_TRUE(found.reaches_floor);
  EXPECT_EQ(found.all[found.chosen].models, (Assignment{"small", "tiny"}));
  EXPECT_TRUE(found.all[found.chosen].is_frontier);
  EXPECT_EQ(tried, found.all.size()) << "none is measured twice";
  EXPECT_LE(tried, 8u);
}

TEST(Optimize, PaysForWhatTheFloorNeedsAndNoMore) {
  const Optimum found = optimize(kSlots, 0.9, [&](const Assignment& models) {
    return measured(price(models[0]) + price(models[1]), models[0] == "big" ? 93 : models[1] == "big" ? 72 : 70);
  });
  EXPECT_TRUE(found.reaches_floor);
  EXPECT_EQ(found.all[found.chosen].models, (Assignment{"big", "tiny"})) << "the other one does not matter";
}

TEST(Optimize, RepeatsOfAnInputAreNoFurtherInputs) {
  const Figure accepted = measured_assignment({}, {300, 300, 1, 1, 3}).accepted;
  EXPECT_EQ(accepted.value, 1);
  EXPECT_DOUBLE_EQ(accepted.low, proportion(3, 3).low);
}

TEST(Optimize, WhatTwoExchangesDoTogetherIsMeasured) {
  const std::vector<ModelSlot> slots = {{"a", "/model", "small", {"tiny"}}, {"b", "/model", "small", {"tiny"}}};
  const Optimum found = optimize(slots, 0.9, [&](const Assignment& models) {
    const bool both = models[0] == "tiny" && models[1] == "tiny";
    return measured(price(models[0]) + price(models[1]), both ? 50 : 95);
  });
  EXPECT_EQ(found.all[found.chosen].models[0] == "tiny", found.all[found.chosen].models[1] != "tiny");
}

TEST(Optimize, WhereNothingReachesTheFloorTheBestIsSaid) {
  const Optimum found =
      optimize(kSlots, 0.99, [](const Assignment& models) { return measured(1, models[0] == "big" ? 80 : 60); });
  EXPECT_FALSE(found.reaches_floor);
  EXPECT_EQ(found.all[found.chosen].models[0], "big");
}

TEST(Optimize, AStepThatChangesNothingIsNamed) {
  std::vector<ModelSlot> slots = kSlots;
  slots[1].candidates.emplace_back();
  const auto with_part = [&](size_t accepted_without) {
    return optimize(slots, 0.5, [&](const Assignment& models) {
      return models[1].empty() ? measured(1, accepted_without) : measured(2, 80);
    });
  };
  EXPECT_EQ(needless_slots(with_part(80)), std::vector<size_t>{1});
  EXPECT_EQ(needless_slots(with_part(90)), std::vector<size_t>{1});
  EXPECT_TRUE(needless_slots(with_part(79)).empty());
  EXPECT_EQ(to_json(with_part(80))["needless_steps"], json::array({slots[1].step}));
}

class ModelSlots : public testing::Test {
 protected:
  ModelSlots() {
    add_kinds(kinds_, {});
    json whole = json::parse(R"({"workflow": "w", "endpoints": {"l": {"url": "http://127.0.0.1:9/v1"}},
      "models": {"small": {"endpoint": "l", "model": "s"}, "big": {"endpoint": "l", "model": "b"},
                 "painter": {"endpoint": "l", "model": "p"}},
      "steps": {"a": {"kind": "llm", "with": {"model": "small", "prompt": "x"}},
                "b": {"kind": "image", "with": {"model": "painter", "prompt": "{{ steps.a.output }}"}}}})");
    workflow_ = read_workflow_text(whole.dump(), kinds_);
  }
  StepKinds kinds_;
  Workflow workflow_;
};

TEST_F(ModelSlots, PaintersDoNotWriteAndWritersDoNotPaint) {
  const std::vector<ModelSlot> slots = model_slots(workflow_, {});
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[0].candidates, (std::vector<std::string>{"big", "small"}));
  EXPECT_EQ(slots[1].candidates, std::vector<std::string>{"painter"});
}

TEST_F(ModelSlots, CandidatesMayBeNamed) {
  EXPECT_EQ(model_slots(workflow_, {{{"a", {"big"}}}})[0].candidates, std::vector<std::string>{"big"});
  EXPECT_THROW(model_slots(workflow_, {{{"c", {"big"}}}}), Error);
  EXPECT_THROW(model_slots(workflow_, {{{"a", {"bigger"}}}}), Error);
}

TEST_F(ModelSlots, AWorkflowIsMadeWithOtherModels) {
  const std::vector<ModelSlot> slots = model_slots(workflow_, {});
  const Workflow other = assigned(workflow_, slots, {"big", "painter"}, kinds_);
  EXPECT_EQ(other.find("a")->kind->models(other.find("a")->with.written()), std::vector<std::string>{"big"});
}

TEST_F(ModelSlots, OptionalStepsMayBeLeftOut) {
  workflow_.steps[1].optional = true;
  EXPECT_EQ(model_slots(workflow_, {})[1].candidates.size(), 1u);
  const std::vector<ModelSlot> slots = model_slots(workflow_, {{}, true});
  EXPECT_EQ(slots[0].candidates.size(), 2u) << "the other one is not optional";
  ASSERT_EQ(slots[1].candidates, (std::vector<std::string>{"painter", ""}));
  EXPECT_TRUE(assigned(workflow_, slots, {"small", ""}, kinds_).find("b")->condition);
}

}  // namespace
}  // namespace coppice
