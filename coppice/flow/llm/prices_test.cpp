// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/prices.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

constexpr const char* kTable = R"json({
  "sample_spec": {"input_cost_per_token": 0.0, "max_tokens": "LEGACY parameter"},
  "small": {"input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07, "cache_read_input_token_cost": 7.5e-08,
            "cache_creation_input_token_cost": 3e-07, "output_cost_per_reasoning_token": 1e-06,
            "max_input_tokens": 128000, "max_output_tokens": 16384, "max_tokens": 1, "mode": "chat",
            "supports_vision": true, "input_cost_per_token_above_200k_tokens": 3e-07, "supported_regions": ["eu"]},
  "azure/small": {"input_cost_per_token": 2e-07, "output_cost_per_token": 8e-07, "max_tokens": 4096.0},
  "anthropic.big-v1:0": {"input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "max_tokens": null},
  "eu.anthropic.big-v1:0": {"input_cost_per_token": 3.3e-06, "output_cost_per_token": 1.65e-05},
  "painter": {"output_cost_per_image": 0.04},
  "pixels": {"input_cost_per_pixel": 1.9e-08, "output_cost_per_pixel": 0.0},
  "local": {"input_cost_per_token": 0, "output_cost_per_token": 0}
})json";

PriceTable table() {
  return PriceTable::parse(kTable, "prices.json");
}

std::string fault_of(std::string_view text) {
  try {
    PriceTable::parse(text, "p.json");
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.message();
  }
}

TEST(Prices, AreReadInTheFormOfTheCommonTable) {
  const std::optional<ModelPrice> small = table().find("small");
  ASSERT_TRUE(small);
  EXPECT_EQ(small->input, Money::of_dollars(1.5e-7));
  EXPECT_EQ(small->output, Money::of_dollars(6e-7));
  EXPECT_EQ(small->cached_input, Money::of_dollars(7.5e-8));
  EXPECT_EQ(small->cache_write, Money::of_dollars(3e-7));
  EXPECT_EQ(small->reasoning, Money::of_dollars(1e-6));
  EXPECT_FALSE(small->image);
  EXPECT_EQ(small->max_input_tokens, 128'000U);
  EXPECT_EQ(small->max_output_tokens, 16'384U);
  EXPECT_EQ(table().find("painter")->image, Money::of_dollars(0.04));
  EXPECT_EQ(table().find("azure/small")->max_output_tokens, 4096U);
  EXPECT_EQ(table().find("anthropic.big-v1:0")->max_output_tokens, 0U);
  EXPECT_TRUE(table().find("local"));
}

TEST(Prices, AModelThatIsPricedInAnotherUnitIsNotKnown) {
  for (const char* model : {"pixels", "sample_spec", "", "smal"}) EXPECT_FALSE(table().find(model)) << model;
}

TEST(Prices, AModelIsFoundByProviderByNameAndWithoutItsRegion) {
  EXPECT_EQ(table().find("small", "azure")->input, Money::of_dollars(2e-7));
  EXPECT_EQ(table().find("small", "openai")->input, Money::of_dollars(1.5e-7));
  EXPECT_EQ(table().find("us.anthropic.big-v1:0")->input, Money::of_dollars(3e-6));
  EXPECT_EQ(table().find("apac.anthropic.big-v1:0", "bedrock")->input, Money::of_dollars(3e-6));
  EXPECT_EQ(table().find("eu.anthropic.big-v1:0")->input, Money::of_dollars(3.3e-6)) << "has a price of its own";
  EXPECT_FALSE(table().find("us.us.anthropic.big-v1:0"));
  EXPECT_EQ(table().nearest("smal"), "small");
  EXPECT_EQ(table().nearest("nothing like any of them"), "");
}

TEST(Prices, TheCostIsThatOfEachKindOfToken) {
  Usage usage;
  usage.input_tokens = 1000;
  usage.cached_input_tokens = 400;
  usage.cache_write_tokens = 100;
  usage.output_tokens = 50;
  usage.reasoning_tokens = 20;
  const Money expected = Money::of_dollars(500 * 1.5e-7 + 400 * 7.5e-8 + 100 * 3e-7 + 30 * 6e-7 + 20 * 1e-6);
  EXPECT_EQ(cost(*table().find("small"), usage), expected);
  const Money plain = Money::of_dollars(1000 * 2e-7 + 50 * 8e-7);
  EXPECT_EQ(cost(*table().find("azure/small"), usage), plain) << "what has no price of its own is input or output";
  usage.images = 3;
  EXPECT_EQ(cost(*table().find("painter"), usage), Money::of_dollars(0.12));
  EXPECT_EQ(cost(*table().find("local"), usage), Money{});
  EXPECT_EQ(cost(*table().find("small"), {}), Money{});
}

/// The price of one token of each kind, in millionths of a dollar: input, cached, written to the cache, output,
/// reasoning.
std::vector<double> each(const ModelPrice& price, uint64_t prompt) {
  const TokenPrices& tokens = price.of_prompt(prompt);
  std::vector<double> all;
  for (const Money& one :
       {tokens.input, tokens.cached_input.value_or(tokens.input), tokens.cache_write.value_or(tokens.input),
        tokens.output, tokens.reasoning.value_or(tokens.output)}) {
    all.push_back(std::round(one.dollars() * 1e9) / 1e3);
  }
  return all;
}

using Each = std::vector<double>;

TEST(Prices, ALongPromptCostsWhatItsTierSays) {
  const auto model = PriceTable::parse(R"({"long": {"input_cost_per_token": 1e-6, "output_cost_per_token": 8e-6,
      "cache_read_input_token_cost": 5e-7, "input_cost_per_token_above_200k_tokens": 2e-6,
      "output_cost_per_token_above_200k_tokens": 12e-6, "cache_read_input_token_cost_above_200k_tokens": 1e-6,
      "input_cost_per_token_above_1000000_tokens": 3e-6, "input_cost_per_token_above_200k_tokens_priority": 9,
      "input_cost_per_token_batches": 9, "cache_creation_input_token_cost_above_1hr": 9,
      "input_cost_per_token_above_128k_tokens": null, "input_cost_per_token_above_k_tokens": 9,
      "input_cost_per_token_above_99999999999999999999k_tokens": 9, "input_cost_per_character_above_128k_tokens": 9}})",
                                       "p")
                         .find("long");
  ASSERT_TRUE(model);
  ASSERT_EQ(model->tiers.size(), 2u);
  EXPECT_EQ(each(*model, 200'000), (Each{1, 0.5, 1, 8, 8}));
  EXPECT_EQ(each(*model, 200'001), (Each{2, 1, 2, 12, 12}));
  EXPECT_EQ(each(*model, 1'000'001), (Each{3, 1, 3, 12, 12})) << "what is not said is as below";
  Usage usage;
  usage.input_tokens = 300'000;
  usage.cached_input_tokens = 200'000;
  usage.output_tokens = 1000;
  EXPECT_EQ(cost(*model, usage), Money::of_dollars(100'000 * 2e-6 + 200'000 * 1e-6 + 1000 * 12e-6))
      << "all tokens cost it, those below the threshold and those of the answer, too";
  usage.input_tokens = 200'000;
  usage.cached_input_tokens = 0;
  EXPECT_EQ(cost(*model, usage), Money::of_dollars(200'000 * 1e-6 + 1000 * 8e-6));
}

TEST(Prices, TiersMayStandInAList) {
  const auto table = PriceTable::parse(R"({
    "list": {"tiered_pricing": [
      {"range": [32000.0, 128000.0], "input_cost_per_token": 2e-6, "output_cost_per_token": 4e-6},
      {"range": [0, 32000.0], "input_cost_per_token": 1e-6, "output_cost_per_token": 3e-6,
       "cache_read_input_token_cost": 2e-7, "output_cost_per_reasoning_token": 5e-6}]},
    "out": {"output_cost_per_token": 7e-6, "input_cost_per_token_above_1k_tokens": 9, "max_tokens": 10,
            "tiered_pricing": [{"range": [0, 10], "input_cost_per_token": 1e-6},
                               {"range": [10, 20], "input_cost_per_token": 2e-6}]},
    "none": {"tiered_pricing": []}})",
                                       "p");
  EXPECT_EQ(each(*table.find("list"), 32'000), (Each{1, 0.2, 1, 3, 5}));
  EXPECT_EQ(each(*table.find("list"), 32'001), (Each{2, 2, 2, 4, 4})) << "a part of the list is whole in itself";
  EXPECT_EQ(each(*table.find("list"), 1'000'000), (Each{2, 2, 2, 4, 4})) << "beyond the last range, too";
  EXPECT_EQ(each(*table.find("out"), 10), (Each{1, 1, 1, 7, 7}));
  EXPECT_EQ(each(*table.find("out"), 2000), (Each{2, 2, 2, 7, 7})) << "the list goes over the keys";
  EXPECT_FALSE(table.find("none"));
  for (const char* wrong :
       {"3", "[3]", R"([{"range": [0, 1]}])", R"([{"input_cost_per_token": 1}])",
        R"([{"range": [0], "input_cost_per_token": 1}])", R"([{"range": [-1, 1], "input_cost_per_token": 1}])"}) {
    EXPECT_NE(fault_of(std::string(R"({"a": {"tiered_pricing": )") + wrong + "}}").find("p.json: model 'a': prices: '"),
              std::string::npos)
        << wrong;
  }
  EXPECT_NE(fault_of(R"({"a": {"input_cost_per_token": 1, "output_cost_per_token_above_1k_tokens": -1}})"), "");
}

TEST(Prices, ATableThatIsWrittenReadsTheSame) {
  PriceTable all = table();
  all.add(PriceTable::parse(R"({"long": {"input_cost_per_token": 1e-6, "cache_read_input_token_cost": 5e-7,
      "output_cost_per_token_above_200k_tokens": 12e-6, "input_cost_per_token_above_500_tokens": 12e-6},
    "list": {"tiered_pricing": [{"range": [0, 10], "input_cost_per_token": 3e-6, "output_cost_per_reasoning_token": 1},
                                {"range": [10, 20], "input_cost_per_token": 2e-6}]}})",
                            "p"));
  const PriceTable again = PriceTable::parse(all.text(), "again");
  EXPECT_EQ(again.hash(), all.hash());
  EXPECT_EQ(again.text(), PriceTable::parse(again.text(), "again").text());
  for (const char* model : {"long", "list"}) {
    for (const uint64_t prompt : {0, 10, 11, 500, 501, 200'001}) {
      EXPECT_EQ(each(*again.find(model), prompt), each(*all.find(model), prompt)) << model << " " << prompt;
    }
  }
  const auto hash = [](const char* text) { return PriceTable::parse(text, "p").hash(); };
  EXPECT_NE(hash(R"({"a": {"input_cost_per_token": 1}})"),
            hash(R"({"a": {"input_cost_per_token": 1, "input_cost_per_token_above_1k_tokens": 2}})"));
  EXPECT_EQ(hash(R"({"a": {"input_cost_per_token": 1, "input_cost_per_token_above_1000_tokens": 2}})"),
            hash(R"({"a": {"input_cost_per_token": 1, "input_cost_per_token_above_1k_tokens": 2}})"));
}

TEST(Prices, TheWebsiteOfTheNotesCostsWhatTheySay) {
  const auto price = [](double input, double output) {
    ModelPrice made;
    made.input = Money::of_dollars(input * 1e-6);
    made.output = Money::of_dollars(output * 1e-6);
    return made;
  };
  const auto usage = [](uint64_t input, uint64_t output) {
    Usage made;
    made.input_tokens = input;
    made.output_tokens = output;
    return made;
  };
  EXPECT_EQ(cost(price(3, 15), usage(2000, 3000)), Money::of_dollars(0.051));
  const Money decomposed = cost(price(3, 15), usage(1500, 800)) + cost(price(0.25, 1.25), usage(2000, 3000));
  EXPECT_EQ(decomposed, Money::of_dollars(0.02075));
}

TEST(Prices, NonsenseFromAServerCostsNoLessThanNothingAndNoMoreThanTheMost) {
  Usage odd;
  odd.cached_input_tokens = 10;
  odd.reasoning_tokens = 10;
  EXPECT_EQ(cost(*table().find("small"), odd), Money::of_dollars(10 * 7.5e-8 + 10 * 1e-6));
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  Usage huge{kMost, kMost, kMost, kMost, kMost, kMost, false};
  EXPECT_EQ(cost(*table().find("small"), huge).pico_dollars, std::numeric_limits<int64_t>::max());
  huge += huge;
  EXPECT_EQ(huge.input_tokens, kMost);
}

TEST(Prices, SumsOfUsageAreEstimatedWhereAPartIs) {
  Usage all, part;
  part.input_tokens = 3;
  part.images = 1;
  all += part;
  EXPECT_FALSE(all.is_estimated);
  part.is_estimated = true;
  all += part;
  EXPECT_TRUE(all.is_estimated);
  EXPECT_EQ(all.input_tokens, 6U);
  EXPECT_EQ(all.images, 2U);
}

TEST(Prices, OthersHideOurs) {
  PriceTable all = table();
  PriceTable own = PriceTable::parse(R"({"small": {"input_cost_per_token": 1}})", "own.json");
  own.set("mine", {});
  all.add(own);
  EXPECT_EQ(all.find("small")->input, Money::of_dollars(1));
  EXPECT_TRUE(all.find("mine"));
  EXPECT_TRUE(all.find("local"));
  EXPECT_TRUE(PriceTable().empty());
  EXPECT_FALSE(own.empty());
}

TEST(Prices, TheHashIsThatOfWhatTheySay) {
  const auto hash = [](const char* text) { return PriceTable::parse(text, "p").hash(); };
  EXPECT_EQ(hash(R"({"a": {"input_cost_per_token": 1e-6}, "b": {"output_cost_per_image": 1}})"),
            hash(R"({"b": {"output_cost_per_image": 1.0, "mode": "image"},
                     "a": {"cache_read_input_token_cost": 0.000001, "input_cost_per_token": 0.000001}})"));
  EXPECT_NE(hash(R"({"a": {"input_cost_per_token": 1e-6}})"), hash(R"({"a": {"input_cost_per_token": 2e-6}})"));
  EXPECT_NE(hash(R"({"a": {"input_cost_per_token": 1e-6}})"), hash(R"({"b": {"input_cost_per_token": 1e-6}})"));
  EXPECT_EQ(hash("{}"), PriceTable().hash());
  EXPECT_EQ(hash("{}").size(), 32U);
}

TEST(Prices, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_TRUE(fault_of("{\n  \"a\": {,}\n}").starts_with("p.json:2:9: prices: no valid JSON: ")) << fault_of("{,}");
  EXPECT_TRUE(fault_of("").starts_with("p.json:1:1: "));
  EXPECT_EQ(fault_of("[1]"), "p.json: prices: got a list, expected an object");
  EXPECT_EQ(fault_of(R"({"a": 3})"), "p.json: model 'a': prices: got 3, expected an object");
  EXPECT_EQ(fault_of(R"({"a": {"input_cost_per_token": "1e-6"}})"),
            "p.json: model 'a': prices: 'input_cost_per_token' is \"1e-6\", expected a number of dollars");
  for (const char* wrong : {"-1e-9", "1e300", "true", "{}"}) {
    EXPECT_NE(fault_of(std::string(R"({"a": {"output_cost_per_image": )") + wrong + "}}"), "") << wrong;
    EXPECT_NE(fault_of(std::string(R"({"a": {"max_input_tokens": )") + wrong + "}}"), "") << wrong;
  }
  EXPECT_NE(fault_of(R"({"a": {"input_cost_per_token": 1e999}})"), "");
  EXPECT_NE(fault_of(std::string(100'000, '[')).find("nest deeper"), std::string::npos);
}

TEST(Prices, ATableThatWasCutOffIsRefused) {
  const std::string_view whole = kTable;
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_NE(fault_of(whole.substr(0, size)), "") << size;
}

TEST(Prices, ADamagedTableIsReadOrRefused) {
  Random random(4);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = kTable;
    for (uint32_t changes = 1 + random.below(3); changes > 0; --changes) {
      damaged[random.below(static_cast<uint32_t>(damaged.size()))] = static_cast<char>(random.below(256));
    }
    fault_of(damaged);  // fails the test where it throws anything but an `Error` of data
  }
}

}  // namespace
}  // namespace coppice
