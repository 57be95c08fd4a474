// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "coppice/flow/stand_in/stand_in_options.h"
#include "coppice/flow/stand_in/stand_in_script.h"
#include "coppice/http/message.h"

namespace coppice {

/// What is sent in answer to one request, and when.
///
/// Times are seconds since the server began, at the speed of the settings (`times_faster` is left to whoever plays
/// it). `status` and `headers` go with the steps `send` and `begin`.
struct StandInPlan {
  int status = 200;
  HttpHeaders headers;
  StandInScript next;

  // What a simulation wants to know; all zero where no model was asked.
  std::string model;                  ///< its name in the settings
  std::optional<StandInFault> fault;  ///< what goes wrong
  std::string flaw;                   ///< what is wrong with the content
  Usage usage;
  Money cost;
  double arrived_at = 0, began_at = 0, first_token_at = 0, ended_at = 0;
};

/// An OpenAI-compatible server without the sockets: the one that `coppice flow stand-in` plays, and the simulator.
///
///   POST /v1/chat/completions    plain and streamed; response_format, max_completion_tokens, max_tokens, stop, seed
///   POST /v1/embeddings          vectors of words: texts that share words are near (stand_in_words.h)
///   POST /v1/images/generations  a PNG (stand_in_picture.h), as b64_json, or as a data: URL
///   GET  /v1/models, /v1/models/NAME, /prices (as a price table), /metrics (Prometheus), /health
///
/// All is decided by a hash of seed and request (but for its `stream`, `max_tokens` and `max_completion_tokens`).
/// Contents are the same each time; times and faults also depend on how often the same request came before. Tokens are
/// counted by a rule: four bytes of UTF-8 each, the last one what is left; of a prompt each message so, and 3 more for
/// each; schemas and names count nothing. A 429 of the rate limits (a model's own; prompt and answer count) costs
/// nothing; an answer that a fault breaks off costs all of it, and holds its slot as long as the whole one would.
///
/// Cost: some 40 bytes stay for each different request. Threads: one call at a time.
class StandIn {
 public:
  explicit StandIn(StandInOptions options);
  ~StandIn();
  StandIn(StandIn&&) noexcept;
  StandIn& operator=(StandIn&&) noexcept;

  /// Arrivals come in the order of their times. What is wrong with a request, or with a template of the settings, is
  /// an answer, too: 4xx and 500.
  StandInPlan answer(const HttpRequest& request, double arrived_at);

  const StandInOptions& options() const noexcept;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice
