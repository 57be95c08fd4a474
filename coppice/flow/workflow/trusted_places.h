// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// Says where the output of a step decides what it may not: which program a command runs, which database is opened
/// (`StepKind::trusted_places`). An item of a `foreach` over an output counts as that output. The input may decide.
std::vector<Error> check_trusted_places(const std::vector<StepSpec>& steps, const YamlDocument& document);

/// Does a template of that step read what a step puts out, itself or as `item`?
bool reads_outputs(const StepSpec& step, const Template& text);

}  // namespace coppice
