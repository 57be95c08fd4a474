// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/workflow/sound_parts.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// Looks at all that templates refer to: fills in what each step needs, and says what leads nowhere: unknown names,
/// steps and files. Those that are broken are known, and
/// that is all; what they themselves refer to is looked at.
std::vector<Error> check_references(Workflow& workflow, std::vector<StepSpec>& broken_steps, const BrokenParts& broken,
                                    const YamlDocument& document);

/// The names that templates of a workflow may use, whatever the step; in a foreach `item` and `index`, too.
inline constexpr const char* kTemplateNames[] = {"inputs", "steps", "files", "run"};

}  // namespace coppice
