// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/unused_options.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "coppice/app/command_line.h"
#include "coppice/app/messages.h"

namespace coppice::app {
namespace {

constexpr std::string_view kPrefix = "COPPICE_";
constexpr std::string_view kReserved[] = {"COPPICE_BENCH", "COPPICE_FUZZ", "COPPICE_GOLDEN",      "COPPICE_JOB",
                                          "COPPICE_STORE", "COPPICE_TEST", "COPPICE_WRITE_GOLDEN"};

bool is_reserved(std::string_view variable) {
  return std::any_of(std::begin(kReserved), std::end(kReserved),
                     [&](std::string_view start) { return variable.starts_with(start); });
}

std::vector<std::string> known_variables(const CommandList& commands) {
  std::vector<std::string> known;
  for (const CommandList::Entry& command : commands.entries) {
    for (const Flags::Section& section : command.flags->sections()) {
      for (const std::string& name : names_of(section.table)) known.push_back(variable_name(name));
    }
    for (std::string& name : variables_of(command)) known.push_back(std::move(name));
  }
  return known;
}

}  // namespace

std::vector<std::string> names_of(const OptionTable& table) {
  std::vector<std::string> names;
  for (const Option& option : table.options()) names.push_back(option.name);
  return names;
}

void note_unused(const Flags& flags, const std::vector<Unused>& table, const CommonOptions& common) {
  for (const Unused& row : table) {
    if (!row.holds) continue;
    for (const std::string& option : row.options) {
      if (flags.on_command_line(option)) note(flag_name(option) + " has no effect: " + row.why, common);
    }
  }
}

void note_unknown_variables(const CommandList& commands, const CommonOptions& common) {
  if (common.quiet) return;
  std::vector<std::string> known;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with(kPrefix)) continue;
    const std::string variable(text.substr(0, text.find('=')));
    if (is_reserved(variable)) continue;
    if (known.empty()) known = known_variables(commands);
    if (std::find(known.begin(), known.end(), variable) != known.end()) continue;
    const std::string nearest = nearest_name(variable, known);
    note("no option is set by the variable " + variable + (nearest.empty() ? "" : "; did you mean " + nearest + "?"),
         common);
  }
}

}  // namespace coppice::app
