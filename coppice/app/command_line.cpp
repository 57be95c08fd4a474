// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/command_line.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "coppice/core/error.h"

namespace coppice::app {
namespace {

std::string in_table(std::string long_name) {
  std::replace(long_name.begin(), long_name.end(), '-', '_');
  return long_name;
}

/// Flags of one command that are in no table.
std::vector<CLI::Option*> further_flags(CLI::App& command, const Flags& flags) {
  std::vector<CLI::Option*> found;
  for (CLI::Option* option : command.get_options()) {
    if (option == command.get_help_ptr() || option->get_lnames().empty()) continue;
    if (!flags.has(in_table(option->get_lnames().front()))) found.push_back(option);
  }
  return found;
}

void bind_variables(CLI::App& command, const Flags& flags) {
  for (CLI::Option* option : further_flags(command, flags)) {
    option->envname(variable_name(in_table(option->get_lnames().front())));
    if (option->get_items_expected_max() <= 1) continue;
    option->delimiter(',');           // as lists of tables have it
    option->allow_extra_args(false);  // one value each time: what follows is the command's own, its file for one
  }
}

CLI::App* subcommand(CLI::App& command, std::string_view name) {
  const auto found = command.get_subcommands([&](CLI::App* one) { return one->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

/// "--name" of "--name=", where that takes a value; "" for all else.
std::string name_without_value(const CLI::App& command, std::string_view argument) {
  if (!argument.starts_with("--") || argument.size() < 4 || argument.find('=') != argument.size() - 1) return {};
  std::string name(argument.substr(0, argument.size() - 1));
  const CLI::Option* option = command.get_option_no_throw(name);
  if (option == nullptr) return {};
  if (option->get_items_expected_max() > 0) return name;
  throw Error(ErrorCode::usage, name + " got an empty value, expected true or false", {},
              fmt::format("{} alone is true", name));
}

}  // namespace

std::vector<std::string> read_command_line(const CommandList& commands, int argc, char** argv) {
  std::vector<std::string> arguments;
  CLI::App* command = &commands.program;
  bool is_rest = false;  // behind "--"
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    is_rest = is_rest || argument == "--";
    const std::string name = is_rest ? std::string() : name_without_value(*command, argument);
    arguments.emplace_back(name.empty() ? argument : name);
    if (!name.empty()) arguments.emplace_back();
    if (CLI::App* next = is_rest ? nullptr : subcommand(*command, argument)) command = next;
  }
  for (const CommandList::Entry& entry : commands.entries) {
    if (entry.app == command) bind_variables(*command, *entry.flags);
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

std::vector<std::string> variables_of(const CommandList::Entry& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : further_flags(*command.app, *command.flags)) {
    names.push_back(variable_name(in_table(option->get_lnames().front())));
  }
  return names;
}

void expect_values(CLI::App& command, const Flags& flags) {
  for (const CLI::Option* option : further_flags(command, flags)) {
    const auto& given = option->results();
    if (std::find(given.begin(), given.end(), "") == given.end()) continue;
    const std::string name = "--" + option->get_lnames().front();
    throw Error(ErrorCode::usage, name + " got an empty value", {}, fmt::format("leave {} out to do without it", name));
  }
}

}  // namespace coppice::app
