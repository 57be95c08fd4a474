// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "coppice/flow/llm/money.h"
#include "coppice/flow/run/run_outcome.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// Who watches a run.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// It is in the journal from now on.
  virtual void run_began(const std::string& /*id*/) {}
  virtual void step_began(const StepSpec& /*step*/, size_t /*items*/) {}
  virtual void item_ended(const StepSpec& /*step*/, size_t /*ended*/, size_t /*items*/) {}
  virtual void step_ended(const StepSpec& /*step*/, StepState /*state*/, double /*seconds*/, Money /*cost*/) {}
  virtual void text(const StepSpec& /*step*/, std::string_view /*piece*/) {}
  virtual void remark(std::string_view /*text*/) {}
};

}  // namespace coppice
