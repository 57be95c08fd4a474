// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/llm/prices.h"

namespace coppice {

/// One attempt of one call.
struct CallSummary {
  std::string step, endpoint, model;
  int64_t item = -1;
  uint32_t call = 0, attempt = 0;
  EventKind end = EventKind::call_intended;  ///< answered, failed, unknown; intended = still under way
  double began_seconds = 0, seconds = 0;     ///< from the run's beginning; how long
  double first_token_seconds = 0;
  Usage usage;
  Money cost;
  std::string error;
  std::string error_type;  ///< the server's status, our own code, or "unknown"; "" = none: never what somebody said
  std::string answered_by, finish_reason;  ///< the model that says it has answered; why it stopped
};

struct StepSummary {
  std::string name, state = "waiting", error, error_type;
  size_t items = 0, calls = 0;
  size_t cached = 0;  ///< items whose output came from the cache
  double began_seconds = 0, ended_seconds = 0;
  Usage usage;
  Money cost;
};

/// What the journal says of a run.
struct RunSummary {
  RunRecord record;
  std::vector<StepSummary> steps;  ///< in the order in which they ended; those that have not come last
  std::vector<CallSummary> calls;  ///< in the order in which they began
  std::vector<std::pair<std::string, nlohmann::json>> notes;  ///< by step
  Usage usage;
  Money cost;
  double seconds = 0;  ///< from the first event to the last one
  std::string error, error_type;
};

RunSummary summarize(const RunRecord& record, const std::vector<Event>& events);

nlohmann::ordered_json to_json(const RunSummary& run);

}  // namespace coppice
