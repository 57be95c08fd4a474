// SPDX-License-Identifier: Apache-2.0
// coppice options: every argument and option of every command, from the tables that also make the flags.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/output.h"

namespace coppice::app {
namespace {

constexpr const char* kIntroduction =
    " options`; do not edit. An option `max_leaf` is the flag `--max-leaf`, the variable\n"
    "`COPPICE_MAX_LEAF` and the key `max_leaf` of a `--config` file. A flag wins over the variable, the variable over\n"
    "the file, the file over the default. A switch `x` is turned on by `--x` and off by `--no-x`, by a variable of\n"
    "`true` or `1` and of `false` or `0`. What is written with dashes here (`--output`) is a flag and a variable\n"
    "(`COPPICE_OUTPUT`, which counts where it is not empty), and no key of the file; its values, where it may have\n"
    "several, are written with commas in between.\n";

/// "`-o`, `--output`", or "`input`" for what has no flag.
std::string names_text(const CLI::Option& option) {
  if (option.get_positional()) return "`" + option.get_single_name() + "`";
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("`-" + name + "`");
  for (const std::string& name : option.get_lnames()) names.push_back("`--" + name + "`");
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Options of one command that stand together, and what the page says about them.
struct Group {
  std::string heading;
  std::vector<std::string> names;
  std::string text;
};

Group group_of(const Flags::Section& section) {
  Group group{section.heading, {}, {}};
  for (const Option& option : section.table.options()) {
    const std::string fallback = option.default_text.empty() ? "none" : option.default_text;
    group.names.push_back("`" + option.name + "`");
    group.text += fmt::format("\n**`{}`** ({}; default {})\n{}\n", option.name, option.type, fallback, option.help);
  }
  return group;
}

/// Arguments and flags that are in no table.
std::vector<Group> further_groups(const CommandList::Entry& command) {
  std::vector<Group> groups;
  const auto headed = [](const std::string& heading) {
    return [&heading](const auto& group) { return group.heading == heading; };
  };
  for (const CLI::Option* option : command.app->get_options()) {
    const std::string heading = option->get_positional() ? "Arguments" : option->get_group();
    const auto& sections = command.flags->sections();
    if (option == command.app->get_help_ptr() || std::any_of(sections.begin(), sections.end(), headed(heading)))
      continue;
    auto group = std::find_if(groups.begin(), groups.end(), headed(heading));
    if (group == groups.end()) group = groups.insert(group, {heading, {}, {}});
    group->names.push_back(names_text(*option));
    group->text += fmt::format("\n**{}**{}\n{}\n", names_text(*option), option->get_required() ? " (required)" : "",
                               option->get_description());
  }
  return groups;
}

/// The page; what a later command shares with an earlier one is described once.
class Page {
 public:
  explicit Page(const char* program) : text_("# Parameters\n\nMade by `" + std::string(program) + kIntroduction) {}

  void add(const CommandList::Entry& command) {
    const std::string title = "coppice " + full_name(*command.app);
    text_ += fmt::format("\n## {}\n\n{}\n", title, command.app->get_description());
    std::vector<Group> groups = further_groups(command);
    for (const Flags::Section& section : command.flags->sections()) groups.push_back(group_of(section));
    for (const Group& group : groups) add(group, title);
  }

  const std::string& text() const noexcept { return text_; }

 private:
  void add(const Group& group, const std::string& title) {
    text_ += fmt::format("\n### {}\n", group.heading);
    const auto [first, is_new] = first_title_.emplace(group.text, title);
    text_ += is_new ? group.text : fmt::format("\nAs under {}: {}.\n", first->second, fmt::join(group.names, ", "));
  }

  std::string text_;
  std::map<std::string, std::string> first_title_;  ///< of a group's text: the command that has it first
};

std::string markdown(const CommandList& commands, const char* program) {
  Page page(program);
  for (const CommandList::Entry& command : commands.entries) {
    if (!command.flags->sections().empty()) page.add(command);
  }
  return page.text();
}

}  // namespace

void add_options(CommandList& commands, const char* program) {
  Command command(commands, "options",
                  "Print every argument and option with its effect, as Markdown (docs/parameters.md).",
                  "  coppice options > docs/parameters.md\n");
  command.action([&commands, program] { print_out(markdown(commands, program)); });
}

}  // namespace coppice::app
