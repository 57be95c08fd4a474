// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/program.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/app/command_line.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/app/unused_options.h"
#include "coppice/app/version.h"
#include "coppice/core/error.h"

namespace coppice::app {
namespace {

/// Help pages as CLI11 makes them, without its "{false}" behind flags that turn something off, and without the
/// variables of some options: the foot tells of those of all.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    constexpr std::string_view kMark = "{false}";
    std::string name = CLI::Formatter::make_option_name(option, is_positional);
    for (size_t at = name.find(kMark); at != std::string::npos; at = name.find(kMark)) name.erase(at, kMark.size());
    return name;
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string mark = " (" + get_label("Env") + ":" + option->get_envname() + ")";
    std::string opts = CLI::Formatter::make_option_opts(option);
    if (const size_t at = opts.find(mark); at != std::string::npos) opts.erase(at, mark.size());
    return opts;
  }
};

/// The program, or the family of commands or the command that the command line names.
const CLI::App& named_command(const CLI::App& program) {
  const CLI::App* command = &program;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

/// The long names of all flags of the subcommand in use, for the nearest match.
std::vector<std::string> known_flags(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::Option* option : named_command(program).get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// Of those that may stand next.
std::vector<std::string> command_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : named_command(program).get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

/// CLI11 speaks of counts where a flag that takes one value is given twice.
Error given_twice(const CLI::ArgumentMismatch& error) {
  const std::string text = error.what();
  return Error(ErrorCode::usage, text.substr(0, text.find(": At Most 1 ")) + " is given more than once", {},
               "it takes one value; where that is a list, commas stand in between");
}

/// `word` stands before the command where only the flags of the program itself may.
Error before_command(const std::string& word, const CLI::App& command) {
  std::string usage = HelpFormatter().make_usage(&command, "coppice " + full_name(command));
  usage.erase(usage.find_last_not_of('\n') + 1);
  return Error(ErrorCode::usage,
               fmt::format("'{}' stands before '{}', expected the command first", word, command.get_name()), {}, usage);
}

Error as_usage_error(const CLI::App& program, const CLI::ParseError& error) {
  if (!program.get_subcommands().empty() && !program.remaining(false).empty())
    return before_command(program.remaining(false).front(), *program.get_subcommands().front());
  const auto* mismatch = dynamic_cast<const CLI::ArgumentMismatch*>(&error);
  if (mismatch != nullptr && std::string_view(mismatch->what()).find(": At Most 1 ") != std::string_view::npos)
    return given_twice(*mismatch);
  const bool no_command = !command_names(program).empty();
  const CLI::App& named = named_command(program);
  const std::string family = &named == &program ? "" : full_name(named) + " ";
  const bool unknown_word = no_command || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if (!unknown_word || program.remaining(true).empty()) {
    return Error(
        ErrorCode::usage, error.what(), {},
        no_command ? "coppice " + family + "--help lists the commands" : "--help shows how the command is used");
  }
  const std::string word = program.remaining(true).front();
  const bool is_flag = word.size() > 1 && word[0] == '-';
  const std::string nearest =
      nearest_name(word.substr(0, word.find('=')), is_flag ? known_flags(program) : command_names(program));
  const char* kind = is_flag ? "flag" : no_command ? "command" : "argument";
  return Error(ErrorCode::usage, fmt::format("unknown {} '{}'", kind, word), {},
               nearest.empty() ? "--help shows what there is" : fmt::format("did you mean '{}'?", nearest));
}

/// Prints what --help or --version asks for.
int print(const CLI::App& program, const CLI::Success& success) {
  std::ostringstream text;
  const int code = program.exit(success, text, text);
  print_out(text.str());
  return code;
}

int run(const CommandList& commands, int argc, char** argv) {
  CLI::App& program = commands.program;
  try {
    program.parse(read_command_line(commands, argc, argv));
    return 0;
  } catch (const CLI::Success& success) {
    return print(program, success);
  } catch (const CLI::ParseError& error) {
    throw as_usage_error(program, error);
  }
}

/// The options of the command in use.
std::vector<std::string> options_of(const CommandList& commands) {
  std::vector<std::string> names;
  for (const CommandList::Entry& command : commands.entries) {
    if (!command.app->parsed()) continue;
    for (const Flags::Section& section : command.flags->sections()) {
      for (std::string& name : names_of(section.table)) names.push_back(std::move(name));
    }
  }
  return names;
}

/// Is it for machines what goes to standard error?
bool wants_json(const CommandList& commands) {
  return std::any_of(commands.entries.begin(), commands.entries.end(), [](const auto& command) {
    return command.app->parsed() && command.flags->is_asked_for("log_json");
  });
}

int report(const Error& error, const CommandList& commands) {
  CommonOptions common;
  common.log_json = wants_json(commands);
  tell(error, options_of(commands), common);
  return exit_code(error.code());
}

}  // namespace

int run_program(int argc, char** argv, const std::function<void(CommandList&)>& add_commands) {
  fail_beyond_file_size_limit();
  CLI::App program("Coppice: a handful of right answers out of thousands or millions.", "coppice");
  program.set_version_flag("--version", version_text());
  program.require_subcommand(1);
  program.formatter(std::make_shared<HelpFormatter>());
  program.get_formatter()->column_width(34);
  CommandList commands{program, {}};
  add_commands(commands);
  try {
    return run(commands, argc, argv);
  } catch (const Error& error) {
    return report(error, commands);
  } catch (const std::bad_alloc&) {
    return report(Error(ErrorCode::memory, "out of memory", {}, "coppice train --plan says how much is needed"),
                  commands);
  } catch (const std::exception& error) {
    return report(Error(ErrorCode::internal, error.what()), commands);
  }
}

}  // namespace coppice::app
