// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/flow/journal/journal.h"

namespace coppice {

/// Where a run goes on from what another one had done.
struct ForkPoint {
  std::string parent;
  std::vector<Event> kept;  ///< of the parent: outputs of steps that are not done again
};

/// What is other than its workflow says, for a run that is resumed. It stays so when it is resumed again.
struct RunChanges {
  std::map<std::string, std::string> endpoints;  ///< name -> URL
  std::optional<Money> budget;                   ///< of the run
};

/// As the journal holds them: JSON, "" = nothing is other.
std::string to_text(const RunChanges& changes);
/// Those of `text` take the place of what was changed before. Throws `ErrorCode::data`.
void add(RunChanges& changes, std::string_view text);

/// What one run is given beside its workflow and inputs.
struct RunSettings {
  /// "" = a new one (`new_run_id`). Up to 200 letters (a-z, A-Z), digits and "._:-", the first one a letter or digit.
  std::string id;
  std::string tenant;             ///< "" = none; up to 200 bytes without control characters
  std::string folder;             ///< of the workflow: where relative paths begin; a run that is resumed keeps it
  std::set<std::string> reads;    ///< paths of files that no output may replace; a run that is resumed keeps them
  std::string journal_flag;       ///< what commands in messages say of the journal: " --journal FILE", or nothing
  bool may_be_resumed = true;     ///< messages say how; not of a journal that ends with its program
  RunChanges changes;             ///< of a run that is resumed
  std::set<std::string> allowed;  ///< kinds that are off unless allowed
  std::optional<ForkPoint> fork;
  bool uses_cache = true;  ///< steps that say `cache` take and leave outputs there; not where models are measured
  /// Nothing is done to the world: what would be gives a made-up output, and every person says yes. Requests to models
  /// name their step under `metadata`. For plans.
  bool is_pretended = false;
};

/// "20261123-150405-k3f9x2": the time (UTC), and something that no other run has.
std::string new_run_id();

/// With an id where it has none. Throws `ErrorCode::usage` for an id or tenant that is none.
RunSettings with_id(RunSettings settings);

}  // namespace coppice
