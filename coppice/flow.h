// SPDX-License-Identifier: Apache-2.0
#pragma once

// The front door of workflows, beside coppice.h: the public headers of coppice/flow. What is not reached from here, or
// from there, is not installed. It is there where workflows were built. Values of workflows are nlohmann::json.

// a workflow file
#include "coppice/flow/workflow/advice.h"    // what of it looks overdone
#include "coppice/flow/workflow/shape.h"     // how it is decomposed
#include "coppice/flow/workflow/workflow.h"  // read from a file, and checked

// steps and checks: ours, and those of a user
#include "coppice/flow/checks/checks.h"       // checks of files: derive from Check
#include "coppice/flow/kinds/kinds.h"         // the kinds of steps that every workflow may use
#include "coppice/flow/workflow/step_kind.h"  // kinds of steps: derive from FunctionKind

// runs
#include "coppice/flow/journal/journal.h"   // where they are kept
#include "coppice/flow/run/plan.h"          // what one will come to, before a cent is spent
#include "coppice/flow/run/run_files.h"     // the files that one came to
#include "coppice/flow/run/run_observer.h"  // who watches one
#include "coppice/flow/run/run_outcome.h"   // what came of one
#include "coppice/flow/run/run_settings.h"  // what one is given
#include "coppice/flow/run/runner.h"        // run, resume, fork
