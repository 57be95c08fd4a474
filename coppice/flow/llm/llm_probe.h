// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/flow/llm/llm.h"

namespace coppice {

/// What a server can do, as far as six small questions show it.
struct EndpointProfile {
  // Ways of `StructuredOutput` that it holds to, and does not just accept.
  bool json_schema = false, json_object = false, grammar = false;
  bool usage_in_stream = false;
  std::string max_tokens_name;  ///< the one of max_completion_tokens and max_tokens that it holds to; "" = neither
  Usage usage;                  ///< of the questions
};

/// Asks a server what it can do: once, and the answer may be kept. The model is told to say hello, while the format
/// asks for a value that nobody says by chance.
///
/// The questions are calls like others, `first_call` and those after it. Throws what `LlmClient::chat` throws; a format
/// that the server refuses is an answer.
Awaitable<EndpointProfile> probe_endpoint(HttpSender& sender, std::string model, LlmCall call);

/// The endpoint with what was found out. What is set to another way than `automatic` stays so.
Endpoint with_profile(Endpoint endpoint, const EndpointProfile& profile);

}  // namespace coppice
