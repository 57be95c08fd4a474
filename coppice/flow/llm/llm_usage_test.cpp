// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_usage.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coppice/core/json_text.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

std::optional<Usage> read(const char* text) {
  const Json parsed = parse_json(text);
  EXPECT_FALSE(parsed.is_discarded()) << text;
  return read_usage(parsed);
}

TEST(LlmUsage, IsReadWithItsParts) {
  const auto usage = read(R"({"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
      "prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10},
      "completion_tokens_details":{"reasoning_tokens":15}})");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->input_tokens, 100u);
  EXPECT_EQ(usage->cached_input_tokens, 60u);
  EXPECT_EQ(usage->cache_write_tokens, 10u);
  EXPECT_EQ(usage->output_tokens, 20u);
  EXPECT_EQ(usage->reasoning_tokens, 15u);
  EXPECT_FALSE(usage->is_estimated);
  const auto images = read(R"({"input_tokens":5,"output_tokens":600,"input_tokens_details":{"cached_tokens":null}})");
  ASSERT_TRUE(images);
  EXPECT_EQ(images->input_tokens, 5u);
  EXPECT_EQ(images->output_tokens, 600u);
}

TEST(LlmUsage, ACountThatCannotBeOneIsNoUsage) {
  for (const char* text :
       {"null", "[]", "3", "{}", R"({"prompt_tokens":-1,"completion_tokens":2})",
        R"({"prompt_tokens":1,"completion_tokens":-2})", R"({"prompt_tokens":"1","completion_tokens":2})",
        R"({"prompt_tokens":1.5,"completion_tokens":2})", R"({"prompt_tokens":1,"completion_tokens":1e300})",
        R"({"prompt_tokens":18446744073709551615,"completion_tokens":2})",
        R"({"prompt_tokens":1,"completion_tokens":2,"total_tokens":-3})",
        R"({"prompt_tokens":0,"completion_tokens":0,"total_tokens":0})", R"({"prompt_tokens":null})"}) {
    EXPECT_FALSE(read(text)) << text;
  }
}

TEST(LlmUsage, APartIsAtMostItsWhole) {
  const auto usage = read(R"({"prompt_tokens":10,"completion_tokens":4,
      "prompt_tokens_details":{"cached_tokens":50,"cache_write_tokens":9},
      "completion_tokens_details":{"reasoning_tokens":9}})");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cached_input_tokens, 10u);
  EXPECT_EQ(usage->cache_write_tokens, 0u);
  EXPECT_EQ(usage->reasoning_tokens, 4u);
  const auto negative = read(R"({"prompt_tokens":10,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":-5},
      "completion_tokens_details":[]})");
  ASSERT_TRUE(negative);
  EXPECT_EQ(negative->cached_input_tokens, 0u);
}

TEST(LlmUsage, WhatTheTotalHasBeyondItsPartsIsOutput) {
  const auto thought = read(R"({"prompt_tokens":10,"completion_tokens":4,"total_tokens":64,
      "completion_tokens_details":{"reasoning_tokens":50}})");
  ASSERT_TRUE(thought);
  EXPECT_EQ(thought->output_tokens, 54u);
  EXPECT_EQ(thought->reasoning_tokens, 50u);
  EXPECT_EQ(read(R"({"prompt_tokens":10,"completion_tokens":4,"total_tokens":3})")->output_tokens, 4u);
  const auto of_embedding = read(R"({"total_tokens":9})");
  ASSERT_TRUE(of_embedding);
  EXPECT_EQ(of_embedding->input_tokens, 9u);
  EXPECT_EQ(of_embedding->output_tokens, 0u);
  const auto without_prompt = read(R"({"completion_tokens":4,"total_tokens":10})");
  EXPECT_EQ(without_prompt->input_tokens, 6u);
  EXPECT_EQ(without_prompt->output_tokens, 4u);
}

TEST(LlmUsage, ComesBackAsItWasWritten) {
  Random random(7);
  for (int i = 0; i < 200; ++i) {
    Usage usage;
    usage.input_tokens = 1 + random.below(1000);
    usage.cached_input_tokens = random.below(static_cast<uint32_t>(usage.input_tokens));
    usage.output_tokens = random.below(1000);
    usage.reasoning_tokens = usage.output_tokens / 2;
    usage.is_estimated = random.below(2) == 1;
    const auto back = read_usage(usage_json(usage));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->input_tokens, usage.input_tokens);
    EXPECT_EQ(back->cached_input_tokens, usage.cached_input_tokens);
    EXPECT_EQ(back->output_tokens, usage.output_tokens);
    EXPECT_EQ(back->reasoning_tokens, usage.reasoning_tokens);
    EXPECT_EQ(back->is_estimated, usage.is_estimated);
  }
}

TEST(LlmUsage, IsBelievedWhereItCanBe) {
  const UsageBasis basis{20, 80, 5, 100};
  Usage said;
  said.input_tokens = 25;
  said.output_tokens = 6;
  EXPECT_FALSE(believed(said, basis).is_estimated);
  EXPECT_EQ(believed(said, basis).input_tokens, 25u);
  said.output_tokens = 150;  // more than the limit, but it is what will be charged
  EXPECT_EQ(believed(said, basis).output_tokens, 150u);
  said.output_tokens = 10'000'000;
  EXPECT_TRUE(believed(said, basis).is_estimated);
  EXPECT_EQ(believed(said, basis).output_tokens, 5u);
  said.output_tokens = 0;  // there was text
  EXPECT_TRUE(believed(said, basis).is_estimated);
  EXPECT_TRUE(believed({}, basis).is_estimated);
  EXPECT_EQ(believed({}, basis).input_tokens, 20u);
  EXPECT_EQ(believed({}, {20, 10, 500, 100}).output_tokens, 100u);
}

TEST(LlmUsage, NoUsageWithinTheWorstCaseCostsMore) {
  Random random(11);
  const auto price = [&] { return Money{random.below(1000)}; };
  for (int i = 0; i < 2'000; ++i) {
    ModelPrice prices;
    prices.input = price();
    prices.output = price();
    if (random.below(2) == 0) prices.cached_input = price();
    if (random.below(2) == 0) prices.cache_write = price();
    if (random.below(2) == 0) prices.reasoning = price();
    if (random.below(2) == 0) prices.image = price();
    for (uint64_t above = random.below(60); random.below(2) == 0; above += 1 + random.below(60)) {
      PriceTier tier{above, {}};
      tier.tokens.input = price();
      tier.tokens.output = price();
      if (random.below(2) == 0) tier.tokens.cached_input = price();
      if (random.below(2) == 0) tier.tokens.reasoning = price();
      prices.tiers.push_back(tier);
    }
    Usage most, usage;
    most.input_tokens = random.below(100);
    most.output_tokens = random.below(100);
    most.images = random.below(3);
    usage.input_tokens = random.below(static_cast<uint32_t>(most.input_tokens + 1));
    usage.cached_input_tokens = random.below(static_cast<uint32_t>(usage.input_tokens + 1));
    usage.cache_write_tokens = random.below(static_cast<uint32_t>(usage.input_tokens - usage.cached_input_tokens + 1));
    usage.output_tokens = random.below(static_cast<uint32_t>(most.output_tokens + 1));
    usage.reasoning_tokens = random.below(static_cast<uint32_t>(usage.output_tokens + 1));
    usage.images = random.below(static_cast<uint32_t>(most.images + 1));
    EXPECT_LE(cost(prices, usage), most_cost(prices, most));
  }
}

TEST(MostCost, CountsNoTierThatThePromptCannotReach) {
  ModelPrice price;
  price.input = Money{2};
  price.output = Money{10};
  price.tiers.push_back({100, {Money{4}, Money{15}, {}, {}, {}}});
  Usage most;
  most.output_tokens = 10;
  most.input_tokens = 100;
  EXPECT_EQ(most_cost(price, most), Money{100 * 2 + 10 * 10});
  most.input_tokens = 101;
  EXPECT_EQ(most_cost(price, most), Money{101 * 4 + 10 * 15});
  price.tiers[0].tokens = {Money{1}, Money{1}, {}, {}, {}};
  EXPECT_EQ(most_cost(price, most), Money{101 * 2 + 10 * 10}) << "the prompt may be shorter, which here costs more";
}

}  // namespace
}  // namespace coppice
