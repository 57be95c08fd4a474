// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_options.h"

#include <gtest/gtest.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using nlohmann::json;

const char* const kSettings = R"({
  "seed": 4, "times_faster": 10, "key": "k", "tokens_per_event": 3,
  "faults": {"server_error": 0.1, "storm": {"rate": 0.2, "seconds": 3, "status": 500}},
  "answers": [{"text": "last"}],
  "models": {
    "large": {
      "price": {"input_cost_per_token": 3e-6, "output_cost_per_token": 1.5e-5, "output_cost_per_image": 0.04,
                "input_cost_per_token_above_200k_tokens": 6e-6, "max_tokens": 4096},
      "speed": {"first_token_seconds": {"median": 0.4, "p95": 1.2}, "input_token_seconds": 1e-4,
                "output_token_seconds": 0.02, "slots": 8},
      "quality": 0.9, "requests_per_minute": 500, "tokens_per_minute": 30000, "ignores": ["json_schema"],
      "faults": {"server_error": 0, "slow": {"rate": 0.5, "seconds": 0.2, "first": 3}},
      "answers": [{"when": {"contains": "x", "model": "large"}, "json": {"a": 1}}]
    },
    "small": {}
  }
})";

TEST(StandInOptions, AreReadFromAnObject) {
  const StandInOptions options = read_stand_in_options(json::parse(kSettings));
  EXPECT_EQ(options.seed, 4);
  EXPECT_EQ(options.times_faster, 10);
  EXPECT_EQ(options.tokens_per_event, 3);
  const StandInModel& large = options.models.at("large");
  EXPECT_EQ(large.price.output, Money::of_dollars(1.5e-5));
  EXPECT_EQ(large.price.image, Money::of_dollars(0.04));
  EXPECT_EQ(large.price.of_prompt(200'001).input, Money::of_dollars(6e-6));
  EXPECT_EQ(large.speed.first_token_seconds.p95, 1.2);
  EXPECT_EQ(large.speed.output_token_seconds.median, 0.02);
  EXPECT_EQ(large.speed.output_token_seconds.p95, 0.02);
  EXPECT_EQ(large.speed.slots, 8);
  EXPECT_TRUE(large.ignores.json_schema);
  EXPECT_FALSE(large.ignores.json_object);
  EXPECT_EQ(large.faults.of(StandInFault::server_error).rate, 0);
  EXPECT_EQ(large.faults.of(StandInFault::slow).first, 3);
  EXPECT_EQ(large.faults.storm.status, 500);
  EXPECT_EQ(large.answers.size(), 2) << "its own first, then those of all";
  EXPECT_EQ(options.models.at("small").faults.of(StandInFault::server_error).rate, 0.1);
}

TEST(StandInOptions, WithoutModelsEveryNameIsOne) {
  EXPECT_TRUE(read_stand_in_options(json::object()).models.contains("*"));
}

struct Refused {
  const char *settings, *where, *says;
};

TEST(StandInOptions, WhatIsWrongIsNamedWithItsPlace) {
  for (const Refused& refused : std::initializer_list<Refused>{
           {R"({"sede": 1})", "sede", "did you mean 'seed'?"},
           {R"([])", "", "got a list, expected an object"},
           {R"({"times_faster": 0})", "times_faster", "got 0, expected a number from 0.001"},
           {R"({"seed": 1.5})", "seed", "whole number"},
           {R"({"models": {"a": {"speed": {"first_token_second": 1}}}})", "models.a.speed.first_token_second",
            "did you mean 'first_token_seconds'?"},
           {R"({"models": {"a.b": {"quality": 2}}})", "models['a.b'].quality", "got 2, expected a number from 0 to 1"},
           {R"({"models": {"a": {"speed": {"first_token_seconds": {"median": 2, "p95": 1}}}}})",
            "models.a.speed.first_token_seconds", "the median 2 and the 95th percentile 1"},
           {R"({"models": {"a": {"price": {"input_cost_per_tokn": 1}}}})", "models.a.price.input_cost_per_tokn",
            "did you mean 'input_cost_per_token'?"},
           {R"({"models": {"a": {"ignores": "json_schemas"}}})", "models.a.ignores", "did you mean 'json_schema'?"},
           {R"({"faults": {"server_errors": 0.1}})", "faults.server_errors", "did you mean 'server_error'?"},
           {R"({"faults": {"server_error": 1.5}})", "faults.server_error", "got 1.5"},
           {R"({"faults": {"server_error": "much"}})", "faults.server_error", "got \"much\""},
           {R"({"faults": {"server_error": 0.6, "slow": 0.6}})", "faults", "come to 1.2, expected at most 1"},
           {R"({"faults": {"storm": {"status": 200}}})", "faults.storm.status", "from 400 to 599"},
           {R"({"answers": [{"when": {}}]})", "answers[0].text", "got no answer"},
           {R"({"answers": [{"text": "a", "json": 1}]})", "answers[0].text", "got both 'text' and 'json'"},
           {R"({"answers": [{"text": 5}]})", "answers[0].text", "got 5, expected a text"},
           {R"({"answers": [{"txt": "a"}]})", "answers[0].text", "got no answer"},
           {R"({"answers": [{"text": "a", "wen": {}}]})", "answers[0].wen", "did you mean 'when'?"},
           {R"({"answers": [{"text": "a", "when": {"contain": "x"}}]})", "answers[0].when.contain", "'contains'"},
           {R"({"answers": [{"text": "a", "find": {"x": ["only"]}}]})", "answers[0].find.x", "before and after"},
           {R"({"answers": [{"text": "a", "find": {"prompt": ["a", "b"]}}]})", "answers[0].find.prompt", "already"},
           {R"({"answers": [{"text": "a", "flawed": [{"rate": -1, "text": "b"}]}]})", "answers[0].flawed[0].rate",
            "got -1"},
           {R"({"answers": [{"template": "{{ a"}]})", "answers[0].template:1:1", ""},
           {R"({"models": {"big": {}}, "answers": [{"when": {"model": "bog"}, "text": "a"}]})", "answers[0].when.model",
            "did you mean 'big'?"}}) {
    try {
      read_stand_in_options(json::parse(refused.settings));
      ADD_FAILURE() << refused.settings << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage) << error.message();
      EXPECT_TRUE(error.where().starts_with(refused.where)) << error.message();
      EXPECT_NE(error.message().find(refused.says), std::string::npos) << error.message();
    }
  }
}

/// Any value in the place of any other, at any depth.
void for_each_change(const json& whole, const std::function<void(const json&)>& act) {
  const json flat = whole.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    for (const json& other :
         {json(nullptr), json(-1), json(1e300), json("x"), json::array(), json::object(), json(true)}) {
      json changed = whole;
      changed[json::json_pointer(pointer)] = other;
      act(changed);
    }
  }
}

TEST(StandInOptions, AnythingInAnyPlaceIsReadOrRefused) {
  for_each_change(json::parse(kSettings), [](const json& changed) {
    try {
      read_stand_in_options(changed);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage) << error.message() << changed;
    }
  });
}

}  // namespace
}  // namespace coppice
