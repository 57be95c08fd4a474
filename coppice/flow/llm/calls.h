// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "coppice/flow/llm/money.h"
#include "coppice/flow/llm/prices.h"
#include "coppice/flow/llm/provenance.h"
#include "coppice/http/awaitable.h"

namespace coppice {

/// A call that costs something, before it is sent.
struct CallIntent {
  uint32_t call = 1;     ///< which call of the step, from 1: a repaired answer is the second one
  uint32_t attempt = 1;  ///< of that call, from 1: retries
  std::string endpoint, model;
  std::string request_hash;  ///< of all that decides the answer
  uint64_t most_input_tokens = 0, most_output_tokens = 0;
  Money most;  ///< what it can cost at most
};

/// What came of a call.
struct CallOutcome {
  Usage usage;
  Money cost;
  bool was_answered = false;
  std::string answer;  ///< JSON: the answer, or the error
  double seconds = 0;
  double first_token_seconds = 0;  ///< of a stream; 0 = none
  Provenance provenance = Provenance::none;  ///< of the answer; none = nobody answered
};

/// Whoever keeps account of calls: the run that they belong to.
///
/// The order for each attempt: `intend`, which returns once it is written down and the money is set aside, or throws
/// `ErrorCode::budget`; the call; `settle`, with what it cost. `recorded` comes first: an answer that an earlier
/// process of the same run had got is not asked for again.
class CallRecorder {
 public:
  virtual ~CallRecorder() = default;
  virtual std::optional<std::string> recorded(uint32_t call, const std::string& request_hash) = 0;
  virtual Awaitable<void> intend(const CallIntent& intent) = 0;
  virtual Awaitable<void> settle(const CallIntent& intent, const CallOutcome& outcome) = 0;
};

}  // namespace coppice
