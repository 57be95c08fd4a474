// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/llm/pause.h"
#include "coppice/flow/run/run_outcome.h"

namespace coppice {

/// A step as the run sees it.
struct StepProgress {
  StepState state = StepState::waiting;
  size_t missing = 0;  ///< of those that it needs
  std::vector<size_t> followers;
  nlohmann::json items;    ///< of a foreach
  nlohmann::json outputs;  ///< by item
  size_t next_item = 0, ended_items = 0;
  std::optional<Error> error;
  RunClock::time_point began;
  Cancellation no_more;  ///< of its items that wait to begin
  StepOutcome outcome;
};

/// How an item came to its output.
struct ItemEnd {
  nlohmann::json output;
  std::string hash;  ///< of its input; "" = the output is that of the journal
  bool is_cached = false;
};

/// A step, or an item of it, and what it is known by.
struct ItemInput {
  size_t number = 0;
  int64_t item = -1;
  std::string hash, cache_key;
};

}  // namespace coppice
