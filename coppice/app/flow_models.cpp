// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flow_models.h"

#include <filesystem>
#include <utility>

#include "coppice/app/flow_inputs.h"
#include "coppice/core/error.h"
#include "coppice/flow/journal/journal.h"
#include "coppice/flow/run/measured_models.h"

namespace coppice::app {
namespace {

bool is_there(const std::string& journal) {
  return journal.find(':') != std::string::npos || std::filesystem::exists(journal);
}

}  // namespace

nlohmann::json measured_models_of(const std::string& journal, uint32_t measured_runs, const Workflow* planned) {
  if (!is_there(journal)) throw Error(ErrorCode::io, "there is no journal", journal);
  return measured_models(*open_journal(journal, Durability::process), measured_runs, planned);
}

KnownModels known_models(const std::string& settings, const std::string& journal, uint32_t measured_runs,
                         const Workflow& planned) {
  if (!settings.empty()) return {read_stand_in_options(read_stand_in_settings(settings)), settings};
  if (is_there(journal)) {
    const nlohmann::json measured = measured_models_of(journal, measured_runs, &planned);
    if (!measured["models"].empty()) return {read_stand_in_options(measured), "runs in " + journal};
  }
  return {};
}

}  // namespace coppice::app
