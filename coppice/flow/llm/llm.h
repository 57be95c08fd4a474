// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "coppice/flow/llm/calls.h"
#include "coppice/flow/llm/chat.h"
#include "coppice/flow/llm/endpoint.h"
#include "coppice/flow/llm/token_estimate.h"
#include "coppice/http/sender.h"

namespace coppice {

class EndpointGate;

/// What calls of one step share. What it refers to outlives the call.
struct LlmCall {
  // With a constructor: g++ 12 destroys an aggregate twice that is made inside a co_await expression.
  LlmCall(const Endpoint& endpoint_, std::optional<ModelPrice> price_, CallRecorder& recorder_)
      : endpoint(endpoint_), price(std::move(price_)), recorder(recorder_) {}

  const Endpoint& endpoint;
  std::optional<ModelPrice> price;  ///< nothing = not known: it counts as free, which the caller has said
  CallRecorder& recorder;
  Cancellation* cancellation = nullptr;
  /// Ends waits for a turn and between attempts, and not what was sent; null = as `cancellation`.
  Cancellation* waiting = nullptr;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  uint32_t first_call = 1;                        ///< the number of the first call that is made
  std::function<void(std::string_view)> on_text;  ///< pieces of a streamed answer; of a repair none

  EndpointGate* gate = nullptr;  ///< each attempt passes it before it is announced; null = none
  std::string step;              ///< for the gate: steps take turns
  /// Output tokens of the worst case where neither the request nor the price table has a limit.
  uint64_t most_output_tokens = 32'768;
};

/// A client of OpenAI's protocol: chat completions, embeddings, images.
///
/// Tries again as OpenAI's own clients do (retry.h). Answers to a schema are always validated here; one that is not
/// valid is asked for once more with the faults named, and then fails: a server may ignore a schema in silence. A way
/// to send the schema that the server refuses is followed by the next one of `StructuredOutput`. An answer that was cut
/// at its limit (finish_reason "length") is "truncated", which is another error than no JSON, and is not repaired; text
/// without a schema comes back as it is, with its finish_reason.
///
/// Each attempt is announced to the recorder with its worst case and settled with its usage: the server's, or, where
/// that says none or what cannot be, an estimate, marked so. An attempt that failed costs
/// nothing where it was not sent, or was answered with a status that is no 2xx;
/// the estimate of what came, where a stream broke off or an answer cannot be read;
/// the worst case, where it was sent and nothing came (cut off, timed out, cancelled): the server may be at work.
/// Throws `ErrorCode::remote` (with the server's own words), `data` (invalid, truncated, refused), `timeout`,
/// `budget`, `cancelled`, `usage` (no such variable for the key). The key is in none of them, nor in what is recorded.
/// Threads: of one event loop.
class LlmClient {
 public:
  /// `sender` outlives the client, and the client its calls.
  explicit LlmClient(HttpSender& sender) : sender_(sender) {}

  Awaitable<ChatAnswer> chat(ChatRequest request, LlmCall call);
  /// Of no inputs: no call. Throws `ErrorCode::remote` where vectors are missing, or differ in their length.
  Awaitable<EmbeddingAnswer> embed(EmbeddingRequest request, LlmCall call);
  /// An image that the server names by its URL is fetched from there, without the key.
  Awaitable<ImageAnswer> image(ImageRequest request, LlmCall call);

 private:
  HttpSender& sender_;
  /// Where the ladder begins for a schema (by the hash of endpoint, model and schema), once a server has refused or
  /// ignored what is above. A 10,000-way `foreach` pays for that once.
  std::map<std::string, StructuredOutput, std::less<>> known_;
};

}  // namespace coppice
