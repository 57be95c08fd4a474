// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/run/run_outcome.h"
#include "coppice/flow/run/run_settings.h"
#include "coppice/flow/workflow/workflow.h"

// What a run is held to before its first step, and what it gives out after its last.

namespace coppice {

/// Throws `ErrorCode::usage` for what the workflow does and is off unless allowed.
void expect_allowed(const Workflow& workflow, const RunSettings& settings);

/// Throws `ErrorCode::data` for inputs that the workflow's schema does not allow.
void expect_inputs(const Workflow& workflow, const nlohmann::json& inputs);

/// Throws `ErrorCode::usage` where the variable with a key is not set that a step needs, before others are paid for.
/// Steps that may be left out (`if`, `optional`) are passed over, and those of which `events` have an output.
void expect_keys(const Workflow& workflow, const std::vector<Event>& events);

/// The same where nothing is sent.
Workflow without_keys(Workflow workflow);

/// What a run that ends early says about going on; "" where nobody can.
std::string resume_hint(const RunSettings& settings);

/// Of a run that has finished: its files, what the checks say of them, its result. Throws what is wrong with them.
void add_outputs(RunOutcome& outcome, const Workflow& workflow, const TemplateScope& scope);

/// Rounds in which steps had something mended. `steps` is what templates see under that name.
size_t repairs_of(const Workflow& workflow, const nlohmann::json& steps);

}  // namespace coppice
