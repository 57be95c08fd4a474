// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace coppice {

/// The first element of a command (as written, templates not filled in) that has a template where another program would
/// read it as code, or as the program to run: what stands behind `sh -c`, the script of an interpreter, whatever is
/// handed to a program that starts others (env, xargs, sudo, ssh, ...). Data are safe behind the code:
/// ["sh", "-c", "grep -- \"$1\" list.txt", "sh", "{{ steps.a.output }}"].
/// It knows the usual interpreters by their names; of a program that it does not know nothing is said.
std::optional<size_t> templated_code(const std::vector<std::string>& command);

}  // namespace coppice
