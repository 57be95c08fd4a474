// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/workflow/yaml.h"

namespace coppice {

/// Names of what is there, but cannot be read. A reference to such a name is right, as far as one can tell.
struct BrokenNames {
  std::set<std::string> names;
  bool may_be_any = false;  ///< all of them stand in a place that cannot be read

  bool contains(const std::string& name) const { return may_be_any || names.contains(name); }
  bool empty() const { return names.empty() && !may_be_any; }
};

/// What has faults of its own, so that nothing can be said of what depends on it.
struct BrokenParts {
  BrokenNames steps, files, models, endpoints;
  bool prices = false;  ///< what models cost, or what may be spent, is not known
};

/// Takes out of a workflow file what breaks its schema, so that the rest can be read: single keys of steps, which are
/// broken all the same; single files, models, endpoints and outputs (whose place null takes), else whole sections.
/// Where a section is misspelled, those that are missing may be anything.
BrokenParts take_out_faulty(nlohmann::ordered_json& workflow, const std::vector<SchemaFault>& faults,
                            const nlohmann::json& schema);

/// By line and column, each once; those that have no place in the file come first.
void sort_by_place(std::vector<Error>& faults);

}  // namespace coppice
