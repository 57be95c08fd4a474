// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace coppice {

/// What a step runs, as written: templates are not filled in.
struct WrittenCommand {
  std::vector<std::string> command;
  std::string input;
  std::map<std::string, std::string> environment;
};

/// A place of a command where a program reads what a template comes to as code.
struct TemplatedCode {
  std::string pointer;  ///< into `with`: "/command/2", "/input", "/environment/BASH_ENV"
  std::string what;     ///< a sentence for users
  std::string hint;
};

/// The first place where another program would read a template as code, as an option that makes it run something, or as
/// the program to run: what stands behind `sh -c`, the script of an interpreter (on its standard input, too), the
/// statement of a database's client, whatever is handed to a program that starts others (env, xargs, sudo, ssh, ...),
/// options of programs such as git and tar, variables that make programs load something. Data are safe behind the code:
/// ["sh", "-c", "grep -- \"$1\" list.txt", "sh", "{{ steps.a.output }}"].
/// It knows the usual programs by their names; of one that it does not know nothing is said.
std::optional<TemplatedCode> templated_code(const WrittenCommand& written);

}  // namespace coppice
