// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "coppice/app/command.h"
#include "coppice/core/options.h"
#include "coppice/flow/journal/journal.h"
#include "coppice/flow/report/otlp_sender.h"
#include "coppice/flow/report/run_telemetry.h"

namespace coppice::app {

/// Who is told of a run once it has ended.
struct TelemetryOptions {
  std::string otlp;     ///< URL of a collector; "" = what the environment says
  std::string metrics;  ///< file of figures for Prometheus; "" = none
};

void describe(OptionTable& table, TelemetryOptions& options);

/// Tells of a run when it has ended. What fails then is a remark: the run is as it is.
class RunReporter {
 public:
  /// Before the run. Throws `ErrorCode::usage` and `io` for what could not work in the end: no URL, no such folder.
  RunReporter(const TelemetryOptions& options, const CommonOptions& common);

  void tell(JournalStore& journal, const std::string& run) const;

 private:
  void send(const RunTelemetry& telemetry) const;
  void count(const RunTelemetry& telemetry) const;

  const CommonOptions& common_;
  std::string metrics_;
  std::optional<OtlpDestination> collector_;
  int64_t began_nanoseconds_;
};

/// `flow export`, one of the views.
void add_flow_export(CommandList& commands);

}  // namespace coppice::app
