// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "coppice/flow/stand_in/stand_in_options.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice::app {

/// How models behave, for simulations, and from where that is known.
struct KnownModels {
  StandInOptions models;
  std::string source;  ///< "" = from nowhere
};

/// From settings of a stand-in where a file is named; else from the latest runs of the journal, where there are any.
KnownModels known_models(const std::string& settings, const std::string& journal, uint32_t measured_runs,
                         const Workflow& planned);

/// As `measured_models`. Throws `ErrorCode::io` where there is no journal.
nlohmann::json measured_models_of(const std::string& journal, uint32_t measured_runs,
                                  const Workflow* planned = nullptr);

}  // namespace coppice::app
