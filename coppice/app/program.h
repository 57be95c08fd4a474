// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "coppice/app/command.h"

namespace coppice::app {

/// The whole of `main`: reads the command line, runs the command it names, prints what goes wrong. The result is the
/// exit code.
int run_program(int argc, char** argv, const std::function<void(CommandList&)>& add_commands);

}  // namespace coppice::app
