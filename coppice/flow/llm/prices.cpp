// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/prices.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/held_json.h"
#include "coppice/core/json_error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/options.h"
#include "coppice/flow/json/text_hash.h"
#include "coppice/flow/llm/price_entry.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kRegions{"us.", "eu.", "apac.", "jp."};
constexpr std::string_view kSample = "sample_spec";  ///< describes the format, in words in the place of numbers

uint64_t sum(uint64_t a, uint64_t b) noexcept {
  const uint64_t result = a + b;
  return result < a ? std::numeric_limits<uint64_t>::max() : result;
}
uint64_t rest(uint64_t all, uint64_t part) noexcept {
  return all > part ? all - part : 0;
}

std::string_view without_region(std::string_view model) noexcept {
  for (const std::string_view region : kRegions) {
    if (model.starts_with(region)) return model.substr(region.size());
  }
  return model;
}

std::string where_of(const std::string& file, const std::string& model) {
  return fmt::format("{}: model '{}'", file, model);
}

[[noreturn]] void refuse_value(const std::string& file, const std::string& model, std::string_view what) {
  throw Error(ErrorCode::data, fmt::format("prices: {}", what), where_of(file, model));
}

}  // namespace

Usage& Usage::operator+=(const Usage& other) noexcept {
  input_tokens = sum(input_tokens, other.input_tokens);
  cached_input_tokens = sum(cached_input_tokens, other.cached_input_tokens);
  cache_write_tokens = sum(cache_write_tokens, other.cache_write_tokens);
  output_tokens = sum(output_tokens, other.output_tokens);
  reasoning_tokens = sum(reasoning_tokens, other.reasoning_tokens);
  images = sum(images, other.images);
  is_estimated |= other.is_estimated;
  return *this;
}

const TokenPrices& ModelPrice::of_prompt(uint64_t input_tokens) const noexcept {
  const TokenPrices* tokens = this;
  for (const PriceTier& tier : tiers) {
    if (input_tokens > tier.above) tokens = &tier.tokens;
  }
  return *tokens;
}

Money cost(const ModelPrice& price, const Usage& usage) noexcept {
  const TokenPrices& tokens = price.of_prompt(usage.input_tokens);
  const uint64_t special = sum(usage.cached_input_tokens, usage.cache_write_tokens);
  Money all = times(tokens.input, rest(usage.input_tokens, special));
  all += times(tokens.cached_input.value_or(tokens.input), usage.cached_input_tokens);
  all += times(tokens.cache_write.value_or(tokens.input), usage.cache_write_tokens);
  all += times(tokens.output, rest(usage.output_tokens, usage.reasoning_tokens));
  all += times(tokens.reasoning.value_or(tokens.output), usage.reasoning_tokens);
  return all + times(price.image.value_or(Money{}), usage.images);
}

PriceTable PriceTable::parse(std::string_view text, const std::string& file) {
  const HeldJson held = parse_held_json(text);
  if (held.value.is_discarded()) throw json_error(text, "prices", file);
  if (!held.value.is_object()) {
    throw Error(ErrorCode::data, fmt::format("prices: got {}, expected an object", json_value_text(held.value)), file);
  }
  PriceTable table;
  for (const auto& [model, entry] : held.value.items()) {
    if (model == kSample) continue;
    if (!entry.is_object()) {
      refuse_value(file, model, fmt::format("got {}, expected an object", json_value_text(entry)));
    }
    if (const auto price = read_price_entry(entry, where_of(file, model)))
      table.models_.insert_or_assign(model, *price);
  }
  return table;
}

PriceTable PriceTable::load(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

void PriceTable::add(const PriceTable& other) {
  for (const auto& [model, price] : other.models_) models_.insert_or_assign(model, price);
}

void PriceTable::set(const std::string& model, const ModelPrice& price) {
  models_.insert_or_assign(model, price);
}

std::optional<ModelPrice> PriceTable::find(std::string_view model, std::string_view provider) const {
  for (const std::string_view name : {model, without_region(model)}) {
    if (!provider.empty()) {
      if (const auto found = models_.find(fmt::format("{}/{}", provider, name)); found != models_.end()) {
        return found->second;
      }
    }
    if (const auto found = models_.find(name); found != models_.end()) return found->second;
  }
  return std::nullopt;
}

std::string PriceTable::nearest(std::string_view model) const {
  std::vector<std::string> names;
  for (const auto& [name, price] : models_) names.push_back(name);
  return nearest_name(model, names);
}

std::string PriceTable::text() const {
  json table = json::object();
  for (const auto& [model, price] : models_) table[model] = price_entry(price);
  return table.dump();
}

std::string PriceTable::hash() const {
  std::string text;
  // What is absent is priced as something else: two tables that come to the same say the same.
  const auto add = [&](const TokenPrices& tokens) {
    text += fmt::format(" {} {} {} {} {}", tokens.input.pico_dollars, tokens.output.pico_dollars,
                        tokens.cached_input.value_or(tokens.input).pico_dollars,
                        tokens.cache_write.value_or(tokens.input).pico_dollars,
                        tokens.reasoning.value_or(tokens.output).pico_dollars);
  };
  for (const auto& [model, price] : models_) {
    text += fmt::format("{}:{}", model.size(), model);
    add(price);
    text += fmt::format(" {} {} {}", price.image.value_or(Money{}).pico_dollars, price.max_input_tokens,
                        price.max_output_tokens);
    for (const PriceTier& tier : price.tiers) {
      text += fmt::format(" above {}", tier.above);
      add(tier.tokens);
    }
    text += '\n';
  }
  return text_hash(text);
}

}  // namespace coppice
