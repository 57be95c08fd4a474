// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/app/command.h"

namespace coppice::app {

/// Options that have no effect under a condition, and why.
struct Unused {
  bool holds;                        ///< the condition
  std::vector<std::string> options;  ///< by name
  std::string why;                   ///< what the condition is, as the end of a sentence
};

/// Notes on standard error each flag of the command line that has no effect. What stands in a variable or a config
/// file is not noted: those hold options for many runs.
void note_unused(const Flags& flags, const std::vector<Unused>& table, const CommonOptions& common);

/// Notes each variable COPPICE_... that no command has an option for, with the nearest name that one has. Names that
/// the project's own tests and benches use are left alone (CONTRIBUTING.md lists them).
void note_unknown_variables(const CommandList& commands, const CommonOptions& common);

/// The names of all options of a table.
std::vector<std::string> names_of(const OptionTable& table);

}  // namespace coppice::app
