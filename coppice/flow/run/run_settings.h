// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coppice/flow/journal/journal.h"

namespace coppice {

/// Where a run goes on from what another one had done.
struct ForkPoint {
  std::string parent;
  std::vector<Event> kept;  ///< of the parent: outputs of steps that are not done again
};

/// What one run is given beside its workflow and inputs.
struct RunSettings {
  std::string id;                 ///< "" = a new one (`new_run_id`)
  std::string tenant;             ///< "" = none
  std::string folder;             ///< of the workflow: where relative paths begin
  std::set<std::string> allowed;  ///< kinds that are off unless allowed
  std::optional<ForkPoint> fork;
  bool uses_cache = true;  ///< steps that say `cache` take and leave outputs there; not where models are measured
  /// Nothing is done to the world: what would be gives a made-up output, and every person says yes. Requests to models
  /// name their step under `metadata`. For plans.
  bool is_pretended = false;
};

/// "20261123-150405-k3f9x2": the time (UTC), and something that no other run has.
std::string new_run_id();

}  // namespace coppice
