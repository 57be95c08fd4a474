// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace coppice {

/// Does a script of a shell (as behind `sh -c`) run what it is given as its parameters? By its words alone: `eval`, a
/// variable where a command begins ("$1", `$x`, $("$@"), exec "$@"), in $((...)), and behind the -c of another shell.
/// What stands in single quotes is no variable.
bool runs_parameters(std::string_view script);

}  // namespace coppice
