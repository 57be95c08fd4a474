// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/flow/checks/checks.h"
#include "coppice/flow/llm/money.h"
#include "coppice/flow/llm/prices.h"
#include "coppice/flow/run/unknown_calls.h"

namespace coppice {

/// Stopped: it had begun, and the run ended before it.
enum class StepState : uint8_t { waiting, running, done, skipped, failed, stopped };
std::string_view name(StepState state) noexcept;

/// What a step, or an item of it, asks a person.
struct StepQuestion {
  std::string step;
  int64_t item = -1;  ///< of a `foreach`; -1 = the step has none
  std::string text;
};

struct StepOutcome {
  std::string name;
  StepState state = StepState::waiting;
  size_t items = 1, calls = 0;
  size_t cached = 0;                      ///< items whose output came from the cache
  double began_seconds = 0, seconds = 0;  ///< from the run's beginning; how long
  Money cost;
  Usage usage;
  std::string error;
  std::vector<std::string> remarks;  ///< what the user may not have expected, each once: a cheaper model, a cut answer
  std::string words;  ///< of steps that ask a model: what their outputs say (StepKind::words_of), for the most part
};

struct RunFile {
  std::string path, bytes;
};

struct RunOutcome {
  std::string id, state;  ///< as in RunRecord
  std::optional<Error> error;
  std::vector<StepQuestion> questions;  ///< where it waits for a person
  nlohmann::json result;
  std::vector<RunFile> files;         ///< of a finished run
  std::optional<CheckReport> checks;  ///< of the workflow's `outputs.checks`, of a finished run
  size_t repairs = 0;                 ///< rounds in which something was mended
  std::vector<StepOutcome> steps;
  Money cost;
  UnknownCalls unknown;  ///< what of `cost` is assumed
  Usage usage;
  double seconds = 0;
  bool was_finished = false;  ///< before it was resumed: nothing was done now

  size_t cached() const noexcept;  ///< outputs that came from the cache
};

}  // namespace coppice
