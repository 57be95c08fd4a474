// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/flow/kinds/kinds.h"

namespace coppice::app {

/// Our own models as tools of workflows. Files are opened when they are first asked for, and kept open.
Engines make_engines();

/// The kinds of steps of this program.
StepKinds make_kinds();

}  // namespace coppice::app
