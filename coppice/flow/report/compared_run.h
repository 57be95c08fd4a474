// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/journal/journal.h"
#include "coppice/flow/report/step_verdicts.h"
#include "coppice/flow/run/run_summary.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// One run of a comparison.
struct ComparedRun {
  size_t variant = 0, input = 0, repeat = 0;  ///< `input`: of equal ones the number of the first
  bool finished = false;
  bool accepted = false;    ///< finished, and its outputs pass all checks
  bool is_checked = false;  ///< `checks_outputs`: else accepted are all that finish
  double score = 0;         ///< of `outputs.checks`, from 0 to 1; 0 where it did not finish, NaN without such checks
  double cost_dollars = 0;  ///< of calls whose end is known: `unknown` is not in it
  UnknownCalls unknown;     ///< of an interruption, and no price of the variant
  double seconds = 0;       ///< from its begin to its end
  double critical_seconds = 0;  ///< of the longest chain of steps that waited for one another
  bool was_resumed = false;     ///< it was interrupted: its seconds are not those of a run in one piece
  size_t calls = 0, repairs = 0, input_tokens = 0, output_tokens = 0;
  std::string text;      ///< what a reader sees of its outputs: for novelty
  double coherence = 1;  ///< how well what was made side by side goes together, from 0 to 1
  std::string error;     ///< of one that did not finish: why, RUN in place of its id
  ErrorCode error_code = ErrorCode::data;
  Provenance provenance = Provenance::none;
  std::vector<StepVerdict> verdicts;          ///< on what its steps put out, also of a run that did not finish
  std::shared_ptr<const RunSummary> summary;  ///< its steps and calls; may be null
};

/// Does anything look at the outputs before they count as accepted: `outputs.checks`, or a check or repair that
/// `must_pass`? What judges say elsewhere decides of no run.
bool checks_outputs(const Workflow& workflow);

/// A run that has ended, or waits for a person, by what the journal says of it: the same whether it has ended just now
/// or in another process. `variant`, `input` and `repeat` are the caller's to set.
ComparedRun compared_run(const Workflow& workflow, const RunRecord& record, const std::vector<Event>& events);

}  // namespace coppice
