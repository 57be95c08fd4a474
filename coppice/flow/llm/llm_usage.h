// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "coppice/flow/llm/prices.h"

namespace coppice {

/// What an answer's `usage` says: prompt_tokens or input_tokens, completion_tokens or output_tokens, and their details.
/// Nothing where there is none, or where a count is negative, broken or beyond all measure. A part of a count
/// (cached, reasoning) is at most the whole. What the total has beyond input and output is output: some servers leave
/// their reasoning out of completion_tokens.
std::optional<Usage> read_usage(const nlohmann::json& usage);

/// As `read_usage` reads it, with "estimated": true where it was.
nlohmann::json usage_json(const Usage& usage);

/// What we know of a call without the server.
struct UsageBasis {
  uint64_t likely_input = 0, most_input = 0;
  uint64_t likely_output = 0, most_output = 0;
};

/// The server's figures where they can be: not none where there was text, not far beyond the worst case (four times,
/// and 100,000 more for what a gateway may add). Else the likely ones, marked as estimated. A server that counts
/// somewhat more than the worst case is believed: that is what it will charge.
Usage believed(const std::optional<Usage>& said, const UsageBasis& basis);

/// What a call can cost at most: each token at the dearest price that may be asked for it, by any of the tiers that a
/// prompt of at most so many tokens may fall into.
Money most_cost(const ModelPrice& price, const Usage& most) noexcept;

}  // namespace coppice
