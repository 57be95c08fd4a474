// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/flow/llm/money.h"

namespace coppice {

/// What a call used, as the server counts it, or as we estimate it.
struct Usage {
  uint64_t input_tokens = 0;         ///< all of them, those from a cache too
  uint64_t cached_input_tokens = 0;  ///< read from the server's prompt cache
  uint64_t cache_write_tokens = 0;
  uint64_t output_tokens = 0;  ///< all of them, reasoning too
  uint64_t reasoning_tokens = 0;
  uint64_t images = 0;
  bool is_estimated = false;  ///< the server said nothing

  Usage& operator+=(const Usage& other) noexcept;
};

/// What tokens cost, for one each.
struct TokenPrices {
  Money input, output;
  std::optional<Money> cached_input, cache_write, reasoning;  ///< absent = as input or output
};

/// What all tokens of a call cost, those of the answer too, where its prompt has more than `above` tokens.
struct PriceTier {
  uint64_t above = 0;
  TokenPrices tokens;
};

/// What a model costs, for one unit each.
struct ModelPrice : TokenPrices {
  std::optional<Money> image;                            ///< an image
  std::vector<PriceTier> tiers;                          ///< of long prompts, by `above`, each once
  uint64_t max_input_tokens = 0, max_output_tokens = 0;  ///< 0 = not said

  /// What tokens cost in a call whose prompt has so many, those from a cache too.
  const TokenPrices& of_prompt(uint64_t input_tokens) const noexcept;
};

/// The price of that usage. What is said to be a part of the input or the output and is more than all of it counts
/// with its own price alone.
Money cost(const ModelPrice& price, const Usage& usage) noexcept;

/// Prices by model, in LiteLLM's form: {"model": {"input_cost_per_token": 1e-6, ...}}.
///
/// Read are input_cost_per_token, output_cost_per_token, cache_read_input_token_cost, cache_creation_input_token_cost
/// and output_cost_per_reasoning_token; each of these with _above_200k_tokens behind it (any number, with or without
/// the k), where what a tier lacks is as in the tier below; or "tiered_pricing", a list of {"range": [0, 32000], ...}
/// with the same keys, which goes over these; and output_cost_per_image, max_input_tokens, max_output_tokens,
/// max_tokens.
///
/// A model is found by "provider/name", by its name, and without the region before it (us., eu., apac., jp.), the first
/// of these that there is. Models with no price of a token or an image (by the pixel, second or character) are not in
/// the table; prices of other services (..._batches, ..._priority, ..._flex, ..._above_1hr) are passed over.
class PriceTable {
 public:
  PriceTable() = default;
  /// Throws `ErrorCode::data` with file:line:column, or the model and key that is wrong. Keys that it does not know are
  /// passed over: the table grows every week.
  static PriceTable parse(std::string_view json, const std::string& file);
  static PriceTable load(const std::string& path);

  /// Those of `other` hide ours.
  void add(const PriceTable& other);
  void set(const std::string& model, const ModelPrice& price);

  std::optional<ModelPrice> find(std::string_view model, std::string_view provider = {}) const;
  /// The name in the table that looks like it, or "".
  std::string nearest(std::string_view model) const;

  /// As `parse` reads it: the same prices again.
  std::string text() const;
  /// Of all prices, in hexadecimal: the same for tables that say the same.
  std::string hash() const;
  bool empty() const noexcept { return models_.empty(); }

 private:
  std::map<std::string, ModelPrice, std::less<>> models_;
};

}  // namespace coppice
