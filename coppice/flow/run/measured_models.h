// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <nlohmann/json.hpp>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// The models that the latest runs asked, as settings of a stand-in (`read_stand_in_options`): how fast they are, how
/// long their answers, and, for each step and model, what was answered, so that a plan's answers are drawn from real
/// ones. A server, which is not told of steps, knows them by what their questions say (`step_texts`). An object without
/// models where no call was answered. With each answer stands what it has of the texts of its
/// run's input, so that in a plan for another input it has those.
///
/// Where answers were streamed, times to the first token and between tokens are those measured; else the time of an
/// answer is parted by its length, a line of least squares giving the slope at first. Tokens are the stand-in's, of
/// four bytes. Not known are a server's limits, nor how often calls fail.
///
/// Where `planned` is given, the answers to a step are those of runs whose steps were all as they are there, if there
/// are such; else of runs in which this step was; else of any in which one had its name. Speeds are those of all runs.
nlohmann::json measured_models(JournalStore& journal, size_t most_runs, const Workflow* planned = nullptr);

}  // namespace coppice
