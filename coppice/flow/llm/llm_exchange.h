// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "coppice/flow/llm/endpoint_gate.h"
#include "coppice/flow/llm/llm.h"
#include "coppice/flow/llm/llm_usage.h"
#include "coppice/flow/llm/run_clock.h"
#include "coppice/http/secrets.h"

namespace coppice {

class ChatStream;

/// What came of an answer, in the form in which it is written down (llm_answer.h).
struct LlmReading {
  nlohmann::json answer;
  std::optional<Usage> usage;
  uint64_t likely_output = 0;
};

/// One call: what is sent, what it can cost, how its answer is read.
struct LlmAsk {
  std::string_view path;
  nlohmann::json body;
  std::string hash;  ///< request_hash, of the body or of what stands for it
  uint32_t call = 1;
  UsageBasis basis;
  uint64_t images = 0;
  /// Of a body that is JSON and no error. A streamed chat completion is read by ChatStream.
  std::function<LlmReading(const nlohmann::json& body)> read;
  /// What is still to be fetched before the answer is whole; may be empty.
  std::function<Awaitable<void>(nlohmann::json& answer)> complete;
};

/// What the variable of the endpoint's key holds, "" where it needs none. Throws `ErrorCode::usage` where that is not
/// set, or no key.
std::string key_of(const Endpoint& endpoint);

/// From the form in which answers are written down: a new one as one that was recorded.
ChatAnswer chat_answer(const nlohmann::json& kept);

/// The calls of one request to a server, each with its attempts: through the gate, to the recorder, over the wire, and
/// back. What it does for callers stands at LlmClient.
class LlmExchange {
 public:
  /// Both outlive it. Throws `ErrorCode::usage` where the variable with the key is not set.
  LlmExchange(HttpSender& sender, const LlmCall& call);

  /// `read` is left to the caller, but for chat completions.
  LlmAsk ask_of(std::string_view path, nlohmann::json body, uint32_t call) const;

  /// An answer that an earlier process got.
  std::optional<nlohmann::json> recorded(const LlmAsk& ask) const;
  /// The answer, with its usage, "seconds" and "first_token_seconds". Does not look for a recorded one.
  Awaitable<nlohmann::json> send(const LlmAsk& ask);
  Awaitable<nlohmann::json> recorded_or_sent(const LlmAsk& ask);

  /// The body that a GET of this URL gives, sent without the key.
  Awaitable<std::string> fetch(const std::string& url);

 private:
  Cancellation* waiting() const noexcept { return call_.waiting != nullptr ? call_.waiting : call_.cancellation; }
  using Clock = RunClock;
  struct Tried;

  Awaitable<Tried> attempt(const LlmAsk& ask);
  Awaitable<void> exchange(const LlmAsk& ask, Tried& tried);
  HttpCall http_call(const LlmAsk& ask) const;
  void expect_within_limit(const LlmAsk& ask, const ChatStream& stream) const;
  void read_whole(const LlmAsk& ask, const HttpResponse& response, Tried& tried) const;
  CallIntent intent_of(const LlmAsk& ask);
  Usage usage_of(const LlmAsk& ask, const Tried& tried) const;
  CallOutcome outcome_of(const LlmAsk& ask, Tried& tried) const;
  std::optional<std::chrono::milliseconds> delay(const LlmAsk& ask, const Tried& tried, uint32_t retries) const;
  std::exception_ptr without_key(std::exception_ptr failure) const;

  HttpSender& sender_;
  const LlmCall& call_;
  std::string key_;
  Secrets secrets_;
  std::map<uint32_t, uint32_t> attempts_;  ///< of each call so far
};

}  // namespace coppice
