// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/prices.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/held_json.h"
#include "coppice/core/json_text.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/options.h"

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

[[noreturn]] void refuse_value(const std::string& file, const std::string& model, std::string_view what) {
  throw Error(ErrorCode::data, fmt::format("prices: {}", what), fmt::format("{}: model '{}'", file, model));
}

/// Reads one model's entry.
class EntryReader {
 public:
  EntryReader(const std::string& file, const std::string& model, const json& entry)
      : file_(file), model_(model), entry_(entry) {}

  std::optional<Money> price(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    // Money::of_dollars would name neither the file nor the model.
    constexpr double kMost = 1e6;
    const double dollars = value->is_number() ? value->get<double>() : -1;
    if (!(dollars >= 0 && dollars <= kMost)) refuse(key, "a number of dollars", *value);
    return Money::of_dollars(dollars);
  }

  uint64_t count(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return 0;
    constexpr double kMost = 1e15;
    const double tokens = value->is_number() ? value->get<double>() : -1;
    if (!(tokens >= 0 && tokens <= kMost)) refuse(key, "a number of tokens", *value);
    return static_cast<uint64_t>(tokens);
  }

 private:
  const json* find(const char* key) const {
    const auto found = entry_.find(key);
    return found == entry_.end() || found->is_null() ? nullptr : &*found;
  }
  [[noreturn]] void refuse(const char* key, const char* expected, const json& got) const {
    refuse_value(file_, model_, fmt::format("'{}' is {}, expected {}", key, json_value_text(got), expected));
  }

  const std::string& file_;
  const std::string& model_;
  const json& entry_;
};

std::optional<ModelPrice> price_of(const EntryReader& entry) {
  const auto input = entry.price("input_cost_per_token"), output = entry.price("output_cost_per_token");
  ModelPrice price;
  price.input = input.value_or(Money{});
  price.output = output.value_or(Money{});
  price.cached_input = entry.price("cache_read_input_token_cost");
  price.cache_write = entry.price("cache_creation_input_token_cost");
  price.reasoning = entry.price("output_cost_per_reasoning_token");
  price.image = entry.price("output_cost_per_image");
  price.max_input_tokens = entry.count("max_input_tokens");
  price.max_output_tokens = entry.count("max_output_tokens");
  if (price.max_output_tokens == 0) price.max_output_tokens = entry.count("max_tokens");  // the older name
  if (!input && !output && !price.image) return std::nullopt;
  return price;
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

Money cost(const ModelPrice& price, const Usage& usage) noexcept {
  const uint64_t special = sum(usage.cached_input_tokens, usage.cache_write_tokens);
  Money all = times(price.input, rest(usage.input_tokens, special));
  all += times(price.cached_input.value_or(price.input), usage.cached_input_tokens);
  all += times(price.cache_write.value_or(price.input), usage.cache_write_tokens);
  all += times(price.output, rest(usage.output_tokens, usage.reasoning_tokens));
  all += times(price.reasoning.value_or(price.output), usage.reasoning_tokens);
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
    if (const auto price = price_of(EntryReader(file, model, entry))) table.models_.insert_or_assign(model, *price);
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
  for (const auto& [model, price] : models_) {
    json& entry = table[model];
    entry = {{"input_cost_per_token", price.input.dollars()}, {"output_cost_per_token", price.output.dollars()}};
    const auto add = [&](const char* key, const std::optional<Money>& amount) {
      if (amount) entry[key] = amount->dollars();
    };
    add("cache_read_input_token_cost", price.cached_input);
    add("cache_creation_input_token_cost", price.cache_write);
    add("output_cost_per_reasoning_token", price.reasoning);
    add("output_cost_per_image", price.image);
    if (price.max_input_tokens > 0) entry["max_input_tokens"] = price.max_input_tokens;
    if (price.max_output_tokens > 0) entry["max_output_tokens"] = price.max_output_tokens;
  }
  return table.dump();
}

std::string PriceTable::hash() const {
  std::string text;
  for (const auto& [model, price] : models_) {
    // What is absent is priced as something else: two tables that come to the same say the same.
    text += fmt::format("{}:{} {} {} {} {} {} {} {} {}\n", model.size(), model, price.input.pico_dollars,
                        price.output.pico_dollars, price.cached_input.value_or(price.input).pico_dollars,
                        price.cache_write.value_or(price.input).pico_dollars,
                        price.reasoning.value_or(price.output).pico_dollars, price.image.value_or(Money{}).pico_dollars,
                        price.max_input_tokens, price.max_output_tokens);
  }
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace coppice
