// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_usage.h"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "coppice/flow/json/json_field.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMostTokens = 1'000'000'000'000;  ///< beyond that no count is believed, and no sum overflows

/// A count, 0 where there is none; nothing where it cannot be one.
std::optional<uint64_t> count(const Json& value) {
  if (value.is_null()) return 0;
  if (value.is_number_unsigned()) {
    const auto tokens = value.get<uint64_t>();
    return tokens <= kMostTokens ? std::optional(tokens) : std::nullopt;
  }
  if (!value.is_number_float()) return {};
  const auto number = value.get<double>();
  if (!(number >= 0 && number <= static_cast<double>(kMostTokens))) return {};
  const auto tokens = static_cast<uint64_t>(number);
  return static_cast<double>(tokens) == number ? std::optional(tokens) : std::nullopt;
}

/// The first of the names that is there; null where none is.
const Json& first_of(const Json& object, std::initializer_list<const char*> names) {
  static const Json none;
  for (const char* name : names) {
    const Json& found = field(object, name);
    if (!found.is_null()) return found;
  }
  return none;
}

/// A part of a whole: what cannot be is none, which costs no less.
uint64_t part(const Json& details, const char* name, uint64_t whole) {
  return std::min(count(first_of(details, {name})).value_or(0), whole);
}

}  // namespace

std::optional<Usage> read_usage(const Json& usage) {
  const Json& prompt = first_of(usage, {"prompt_tokens", "input_tokens"});
  const Json& completion = first_of(usage, {"completion_tokens", "output_tokens"});
  const auto input = count(prompt), output = count(completion);
  const auto total = count(first_of(usage, {"total_tokens"}));
  if (!input || !output || !total || *input + *output + *total == 0) return {};
  Usage result;
  result.input_tokens = prompt.is_null() && *total > *output ? *total - *output : *input;
  result.output_tokens = std::max(*output, *total - std::min(*total, result.input_tokens));
  const Json& input_details = first_of(usage, {"prompt_tokens_details", "input_tokens_details"});
  result.cached_input_tokens = part(input_details, "cached_tokens", result.input_tokens);
  const uint64_t not_cached = result.input_tokens - result.cached_input_tokens;
  result.cache_write_tokens = part(input_details, "cache_write_tokens", not_cached);
  const Json& output_details = first_of(usage, {"completion_tokens_details", "output_tokens_details"});
  result.reasoning_tokens = part(output_details, "reasoning_tokens", result.output_tokens);
  result.reasoning_tokens = std::max(result.reasoning_tokens, result.output_tokens - *output);
  result.is_estimated = first_of(usage, {"estimated"}) == Json(true);
  return result;
}

Json usage_json(const Usage& usage) {
  Json result{{"prompt_tokens", usage.input_tokens},
              {"completion_tokens", usage.output_tokens},
              {"total_tokens", usage.input_tokens + usage.output_tokens},
              {"prompt_tokens_details",
               {{"cached_tokens", usage.cached_input_tokens}, {"cache_write_tokens", usage.cache_write_tokens}}},
              {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}}};
  if (usage.is_estimated) result["estimated"] = true;
  return result;
}

Usage believed(const std::optional<Usage>& said, const UsageBasis& basis) {
  constexpr uint64_t kTimes = 4, kMore = 100'000;
  const auto can_be = [&](uint64_t tokens, uint64_t likely, uint64_t most) {
    return (tokens > 0 || likely == 0) && tokens <= kTimes * std::min(most, kMostTokens) + kMore;
  };
  if (said && can_be(said->input_tokens, basis.likely_input, basis.most_input) &&
      can_be(said->output_tokens, basis.likely_output, basis.most_output)) {
    return *said;
  }
  Usage estimate;
  estimate.input_tokens = std::min(basis.likely_input, basis.most_input);
  estimate.output_tokens = std::min(basis.likely_output, basis.most_output);
  estimate.is_estimated = true;
  return estimate;
}

Money most_cost(const ModelPrice& price, const Usage& most) noexcept {
  Money input, output;
  const auto raise = [&](const TokenPrices& tokens) {
    input =
        std::max({input, tokens.input, tokens.cached_input.value_or(Money{}), tokens.cache_write.value_or(Money{})});
    output = std::max({output, tokens.output, tokens.reasoning.value_or(Money{})});
  };
  raise(price);
  for (const PriceTier& tier : price.tiers) {
    if (most.input_tokens > tier.above) raise(tier.tokens);
  }
  return times(input, most.input_tokens) + times(output, most.output_tokens) +
         times(price.image.value_or(Money{}), most.images);
}

}  // namespace coppice
