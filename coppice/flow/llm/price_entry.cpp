// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/price_entry.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr std::string_view kInput = "input_cost_per_token", kOutput = "output_cost_per_token",
                           kCachedInput = "cache_read_input_token_cost",
                           kCacheWrite = "cache_creation_input_token_cost",
                           kReasoning = "output_cost_per_reasoning_token";
constexpr std::array kTokenKeys = {kInput, kOutput, kCachedInput, kCacheWrite, kReasoning};
constexpr std::string_view kImage = "output_cost_per_image", kTiers = "tiered_pricing";
constexpr std::array<std::string_view, 3> kCounts = {"max_input_tokens", "max_output_tokens", "max_tokens"};
constexpr std::string_view kAbove = "_above_", kTokens = "_tokens";
constexpr double kMostDollars = 1e6, kMostCount = 1e15;

/// Reads the values of an entry, or of a part of it.
class EntryReader {
 public:
  EntryReader(const json& entry, const std::string& where) : entry_(entry), where_(where) {}

  const json* find(std::string_view key) const {
    const auto found = entry_.find(std::string(key));
    return found == entry_.end() || found->is_null() ? nullptr : &*found;
  }

  std::optional<Money> price(std::string_view key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    return Money::of_dollars(number(*value, key, "a number of dollars", kMostDollars));
  }

  uint64_t count(std::string_view key) const {
    const json* value = find(key);
    return value == nullptr ? 0 : static_cast<uint64_t>(number(*value, key, "a number of tokens", kMostCount));
  }

  /// The length of prompts above which a part of "tiered_pricing" holds.
  uint64_t range_begin() const {
    const json* range = find("range");
    constexpr const char* kExpected = "a list of two numbers of tokens";
    if (range == nullptr || !range->is_array() || range->size() != 2)
      refuse("range", kExpected, range ? *range : json());
    return static_cast<uint64_t>(number((*range)[0], "range", kExpected, kMostCount));
  }

  [[noreturn]] void refuse(std::string_view key, const char* expected, const json& got) const {
    throw Error(ErrorCode::data, fmt::format("prices: '{}' is {}, expected {}", key, json_value_text(got), expected),
                where_);
  }

 private:
  /// `Money::of_dollars` would not say where.
  double number(const json& value, std::string_view key, const char* expected, double most) const {
    const double number = value.is_number() ? value.get<double>() : -1;
    if (!(number >= 0 && number <= most)) refuse(key, expected, value);
    return number;
  }

  const json& entry_;
  const std::string& where_;
};

/// What the keys that end so say; the others stay.
void read_tokens(const EntryReader& entry, const std::string& ending, TokenPrices& tokens) {
  const auto read = [&](std::string_view key, auto& price) {
    if (const auto said = entry.price(std::string(key) + ending)) price = *said;
  };
  read(kInput, tokens.input);
  read(kOutput, tokens.output);
  read(kCachedInput, tokens.cached_input);
  read(kCacheWrite, tokens.cache_write);
  read(kReasoning, tokens.reasoning);
}

/// 200,000 of "input_cost_per_token_above_200k_tokens"; nothing of any other key, "..._above_200k_tokens_priority".
std::optional<uint64_t> threshold_of(std::string_view key) {
  const auto known = std::find_if(kTokenKeys.begin(), kTokenKeys.end(), [&](std::string_view price) {
    return key.starts_with(price) && key.substr(price.size()).starts_with(kAbove);
  });
  if (known == kTokenKeys.end() || !key.ends_with(kTokens)) return std::nullopt;
  key.remove_prefix(known->size() + kAbove.size());
  if (key.size() <= kTokens.size()) return std::nullopt;
  key.remove_suffix(kTokens.size());
  const bool is_thousands = key.ends_with('k');
  if (is_thousands) key.remove_suffix(1);
  uint64_t number = 0;
  const auto [end, fault] = std::from_chars(key.data(), key.data() + key.size(), number);
  const bool is_number = fault == std::errc() && end == key.data() + key.size() && number < uint64_t{1} << 50;
  if (!is_number) return std::nullopt;
  return is_thousands ? number * 1000 : number;
}

/// Of the keys with a number of tokens at their end.
std::vector<PriceTier> tiers_of_keys(const json& entry, const std::string& where, const TokenPrices& base) {
  std::map<uint64_t, std::set<std::string>> endings;  // 200k may be written as 200000, too
  for (const auto& [key, value] : entry.items()) {
    const auto above = value.is_null() ? std::nullopt : threshold_of(key);
    if (above) endings[*above].insert(key.substr(key.find(kAbove)));
  }
  std::vector<PriceTier> tiers;
  for (const auto& [above, written] : endings) {
    PriceTier tier{above, tiers.empty() ? base : tiers.back().tokens};
    for (const std::string& ending : written) read_tokens(EntryReader(entry, where), ending, tier.tokens);
    tiers.push_back(std::move(tier));
  }
  return tiers;
}

/// Of "tiered_pricing": the part from 0 on is the price of all prompts that no later one prices.
void read_tier_list(const json& list, const std::string& where, ModelPrice& price) {
  std::map<uint64_t, TokenPrices> by_begin;
  for (const json& part : list) {
    const EntryReader reader(part, where);
    if (!part.is_object()) reader.refuse(kTiers, "a list of objects", list);
    TokenPrices tokens;
    tokens.output = price.output;
    read_tokens(reader, "", tokens);
    if (reader.find(kInput) == nullptr) reader.refuse(kTiers, "an input_cost_per_token in each of them", list);
    by_begin.insert_or_assign(reader.range_begin(), tokens);
  }
  price.tiers.clear();
  for (const auto& [begin, tokens] : by_begin) {
    if (begin == 0) {
      static_cast<TokenPrices&>(price) = tokens;
    } else {
      price.tiers.push_back({begin, tokens});
    }
  }
}

}  // namespace

std::optional<ModelPrice> read_price_entry(const json& entry, const std::string& where) {
  const EntryReader reader(entry, where);
  ModelPrice price;
  read_tokens(reader, "", price);
  price.tiers = tiers_of_keys(entry, where, price);
  const json* list = reader.find(kTiers);
  if (list != nullptr && !list->is_array()) reader.refuse(kTiers, "a list", *list);
  if (list != nullptr && !list->empty()) read_tier_list(*list, where, price);
  price.image = reader.price(kImage);
  price.max_input_tokens = reader.count("max_input_tokens");
  price.max_output_tokens = reader.count("max_output_tokens");
  if (price.max_output_tokens == 0) price.max_output_tokens = reader.count("max_tokens");  // the older name
  const bool is_priced = reader.find(kInput) != nullptr || reader.find(kOutput) != nullptr || price.image ||
                         !price.tiers.empty() || (list != nullptr && !list->empty());
  return is_priced ? std::optional(std::move(price)) : std::nullopt;
}

json price_entry(const ModelPrice& price) {
  json entry = json::object();
  const auto add = [&](std::string_view key, const std::string& ending, const std::optional<Money>& amount) {
    if (amount) entry[std::string(key) + ending] = amount->dollars();
  };
  const auto add_tokens = [&](const TokenPrices& tokens, const std::string& ending) {
    add(kInput, ending, tokens.input);
    add(kOutput, ending, tokens.output);
    add(kCachedInput, ending, tokens.cached_input);
    add(kCacheWrite, ending, tokens.cache_write);
    add(kReasoning, ending, tokens.reasoning);
  };
  add_tokens(price, "");
  for (const PriceTier& tier : price.tiers) {
    TokenPrices tokens = tier.tokens;  // in full: what is absent would be read as that of the tier below
    tokens.cached_input = tokens.cached_input.value_or(tokens.input);
    tokens.cache_write = tokens.cache_write.value_or(tokens.input);
    tokens.reasoning = tokens.reasoning.value_or(tokens.output);
    add_tokens(tokens, fmt::format("{}{}{}", kAbove, tier.above, kTokens));
  }
  add(kImage, "", price.image);
  if (price.max_input_tokens > 0) entry["max_input_tokens"] = price.max_input_tokens;
  if (price.max_output_tokens > 0) entry["max_output_tokens"] = price.max_output_tokens;
  return entry;
}

bool is_price_key(std::string_view key) {
  const auto is_one_of = [&](const auto& keys) { return std::find(keys.begin(), keys.end(), key) != keys.end(); };
  return is_one_of(kTokenKeys) || is_one_of(kCounts) || key == kImage || key == kTiers || threshold_of(key).has_value();
}

}  // namespace coppice
