// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/llm/prices.h"
#include "coppice/flow/llm/provenance.h"
#include "coppice/flow/run/unknown_calls.h"

namespace coppice {

/// One attempt of one call.
struct CallSummary {
  std::string step, endpoint, model;
  int64_t item = -1;
  uint32_t call = 0, attempt = 0;
  EventKind end = EventKind::call_intended;                ///< answered, failed, unknown; intended = still under way
  double began_seconds = 0, seconds = 0;                   ///< on the run's axis (`RunSummary::seconds`); how long
  int64_t began_nanoseconds = 0, settled_nanoseconds = 0;  ///< since 1970, by the clock of the wall: sent; written down
  double first_token_seconds = 0;
  Usage usage;
  Money cost;
  std::string error;
  std::string error_type;  ///< the server's status, our own code, or "unknown"; "" = none: never what somebody said
  std::string answered_by, finish_reason;    ///< the model that says it has answered; why it stopped
  Provenance provenance = Provenance::none;  ///< of the answer
};

/// The field of a note that a step leaves where it begins to wait for a person: what it asks.
constexpr const char* kQuestionNote = "asks_a_person";

/// What came of a call: "answered", "failed", "unknown", "under way".
const char* outcome_name(EventKind end) noexcept;

/// What a step asks a person, who has not answered yet.
struct OpenQuestion {
  int64_t item = -1;
  std::string text;
};

struct StepSummary {
  /// waiting (for a person) | not begun | running | done | skipped | failed; "interrupted" and "stopped" where it had
  /// begun, and its run ended so.
  std::string state = "waiting";
  std::string name, error, error_type;
  std::vector<OpenQuestion> questions;
  size_t items = 0, calls = 0;  ///< items that are done
  size_t all_items = 0;         ///< of a foreach; 0 = not known, or it has none
  size_t cached = 0;            ///< items whose output came from the cache
  bool is_kept = false;         ///< all of it is from the run that this one was forked from
  double began_seconds = 0, ended_seconds = 0, seconds = 0;  ///< on the run's axis; how long
  int64_t began_nanoseconds = 0, ended_nanoseconds = 0;      ///< since 1970, by the clock of the wall
  Usage usage;
  Money cost;
  UnknownCalls unknown;              ///< what of `cost` is assumed
  std::vector<std::string> remarks;  ///< what its users were told, each once
};

/// What the journal says of a run.
struct RunSummary {
  RunRecord record;
  std::vector<StepSummary> steps;  ///< in the order in which they ended; those that have not come last
  std::vector<CallSummary> calls;  ///< in the order in which they began
  std::vector<std::pair<std::string, nlohmann::json>> notes;  ///< by step
  Usage usage;
  Money cost;
  UnknownCalls unknown;  ///< what of `cost` is assumed
  /// How long it was at work, without the time between an interruption and the resumption. All other seconds are places
  /// on the axis of this time: a clock that is set in the middle of a run moves none, and none is below zero.
  double seconds = 0;
  double waited_seconds =
      0;  ///< from the last event before each interruption to the resumption, by the clock of the wall
  size_t resumptions = 0;
  int64_t began_nanoseconds = 0, ended_nanoseconds = 0;  ///< since 1970, by the clock of the wall
  Provenance provenance = Provenance::none;              ///< of the answers of models, and of servers to http steps
  std::string error, error_type;
};

/// "3 of 10" of a foreach that was begun and has not ended; the number of its items else.
std::string items_text(const StepSummary& step);

/// `RunRecord::state`; "interrupted" where nobody works on a run that has not ended: its program died.
std::string state_of(const RunRecord& run);

/// What is to be said of `waited_seconds`: "in which nothing that is known was done (2 calls under way then,
/// for a time that is not known)". A program that died has told of nothing after its last event.
std::string between_parts(const RunSummary& run);

/// Journals of earlier versions, whose events say no seconds, are told by the clock of the wall, as far as that goes.
RunSummary summarize(const RunRecord& record, const std::vector<Event>& events);

/// `with_calls`: each attempt of each call, too.
nlohmann::ordered_json to_json(const RunSummary& run, bool with_calls = false);

}  // namespace coppice
