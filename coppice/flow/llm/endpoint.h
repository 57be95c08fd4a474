// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "coppice/http/retry.h"

namespace coppice {

/// How an answer is made to follow a schema, from the surest to what any server can do.
enum class StructuredOutput {
  automatic,    ///< what the probe found (probe_endpoint), or json_schema until then
  json_schema,  ///< response_format json_schema, strict
  json_object,  ///< response_format json_object with `schema` beside it (llama.cpp)
  grammar,      ///< a GBNF grammar made of the schema (llama.cpp)
  prompt        ///< the schema in words
};

/// A server that speaks OpenAI's protocol.
struct Endpoint {
  std::string name;
  std::string url;           ///< "http://127.0.0.1:8080/v1"
  std::string provider;      ///< for the price table and for traces; "" = none
  std::string key_variable;  ///< the environment variable with the key; "" = no key
  bool needs_key = true;     ///< not where nothing is sent: in plans, and where answers are replayed
  StructuredOutput structured_output = StructuredOutput::automatic;
  std::string max_tokens_name = "max_completion_tokens";    ///< older servers: "max_tokens"
  bool usage_in_stream = true;                              ///< understands stream_options.include_usage
  uint32_t concurrency = 16;                                ///< calls in flight at most
  uint32_t requests_per_minute = 0, tokens_per_minute = 0;  ///< 0 = no limit
  std::chrono::milliseconds timeout{600'000};
  RetryOptions retry;
};

}  // namespace coppice
