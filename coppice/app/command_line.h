// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/app/command.h"

namespace coppice::app {

/// The command line as `CLI::App::parse` takes a vector: the last argument first. "--name=" is two arguments, "--name"
/// and "", so that an empty value takes nothing of what follows. Throws `ErrorCode::usage` for a switch of that form.
///
/// Those options of the command in use that are in no table are bound to their variables, too (`variables_of`). One
/// that may be repeated takes one value each time (which may be a list with commas), and nothing of what follows.
std::vector<std::string> read_command_line(const CommandList& commands, int argc, char** argv);

/// Of flags that are in no option table ("--tenant"): "COPPICE_TENANT". What a variable leaves empty is not given.
std::vector<std::string> variables_of(const CommandList::Entry& command);

/// Throws `ErrorCode::usage` where such a flag was given, and nothing in it.
void expect_values(CLI::App& command, const Flags& flags);

}  // namespace coppice::app
