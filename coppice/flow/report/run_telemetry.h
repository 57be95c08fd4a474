// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/run/run_summary.h"

namespace coppice {

/// One question to a model, or one effect on the world, with all its attempts: what the GenAI conventions of
/// OpenTelemetry call an operation.
struct TracedOperation {
  std::string name;  ///< as the conventions say: "chat", "embeddings", "generate_content"; of an effect its step's kind
  std::string provider, host;  ///< as the conventions say; "" = it asks no model
  uint16_t port = 0;
  std::vector<CallSummary> attempts;  ///< one at least
  uint32_t round = 0;                 ///< how often it was asked before: a run that is resumed may ask again
  Usage usage;                        ///< of all attempts
  Money cost;
  double began_seconds = 0, ended_seconds = 0;

  const CallSummary& last() const { return attempts.back(); }
  bool asks_model() const { return !provider.empty(); }
};

/// Something that happened in a run at one moment.
struct TracedMoment {
  std::string name, step;
  double at_seconds = 0;
};

/// A run as traces and figures show it: who did what, when, at what cost. Nothing in it is a part of a prompt, an
/// answer or an error message, its `run` aside.
/// Units: seconds count from `zero_nanoseconds` by the clock of the wall, those of `run` aside; how long something took
/// is told by the clock that only goes forward.
struct RunTelemetry {
  RunSummary run;
  int64_t zero_nanoseconds = 0;    ///< since 1970: the run's beginning
  double ended_seconds = 0;        ///< the end of the run
  std::vector<StepSummary> steps;  ///< those of this run: not what it has from the run that it was forked from
  std::map<std::string, std::string> kinds;  ///< of steps, by name
  std::vector<TracedOperation> operations;   ///< in the order in which they began
  std::vector<TracedMoment> moments;
};

/// "chat" of a model that is asked twice because the first attempt failed is one operation with two attempts.
RunTelemetry run_telemetry(const RunRecord& record, const std::vector<Event>& events);

}  // namespace coppice
