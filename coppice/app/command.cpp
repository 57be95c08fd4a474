// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/command.h"

#include "coppice/app/command_line.h"
#include "coppice/app/ignored_options.h"
#include "coppice/app/output.h"
#include "coppice/app/unused_options.h"
#include "coppice/app/workers.h"

namespace coppice::app {
namespace {

CLI::App* add_to(CLI::App& program, const std::string& name, const std::string& summary) {
  const size_t space = name.find(' ');
  if (space == std::string::npos) return program.add_subcommand(name, summary);
  const std::string family_name = name.substr(0, space);
  const auto found = program.get_subcommands([&](CLI::App* app) { return app->get_name() == family_name; });
  const char* what = family_name == "flow" ? "Workflows of models: check, plan, run, compare."
                                           : "Work with several processes and machines.";
  CLI::App* const family = found.empty() ? program.add_subcommand(family_name, what) : found.front();
  family->require_subcommand(1);
  return family->add_subcommand(name.substr(space + 1), summary);
}

/// The rows that a command reads: "" for a command that reads none.
std::string input_of(const CLI::App& command) {
  const CLI::Option* input = command.get_option_no_throw("input");
  if (input == nullptr) return {};
  return input->count() > 0 ? input->results().front() : "-";
}

}  // namespace

void describe(OptionTable& table, CommonOptions& options) {
  table.add("threads", options.threads, 0, 1024,
            "Threads to work with; 0 = all cores; where `dist launch` or torchrun has started several workers on a "
            "machine, for all but the first one its share of them. Results do not depend on it.");
  describe_quiet(table, options);
  table.add(
      "log_json", options.log_json,
      "For machines: each line of standard error is one JSON object. Progress is {\"stage\", \"done\", "
      "\"seconds\"}, with {\"stage\", \"note\"} in between; other lines are {\"message\"}, {\"note\"} and, at the end "
      "of a run that fails, {\"error\": {\"code\", \"exit_code\", \"what\", \"where\", \"hint\"}}, the last two where "
      "there is something to say.");
}

void describe_quiet(OptionTable& table, CommonOptions& options) {
  table.add("quiet", options.quiet, "No progress and no notes on standard error.");
}

std::string full_name(const CLI::App& command) {
  const CLI::App* family = command.get_parent();
  const bool has_family = family != nullptr && family->get_parent() != nullptr;
  return (has_family ? family->get_name() + " " : "") + command.get_name();
}

Command::Command(CommandList& commands, const std::string& name, const std::string& summary,
                 const std::string& examples)
    : commands_(commands), app_(add_to(commands.program, name, summary)), flags_(std::make_shared<Flags>()) {
  commands.entries.push_back({app_, flags_});
  app_->footer("Examples:\n" + examples + "\nEvery option is also read from the variable COPPICE_NAME_OF_OPTION.");
}

void Command::action(std::function<void()> run) {
  flags_->add_config(*app_);
  app_->callback([&commands = commands_, app = app_, flags = flags_, look = before_, run = std::move(run)] {
    if (look) look();
    flags->apply();
    expect_values(*app, *flags);
    CommonOptions common;
    common.quiet = flags->is_on("quiet") || !speaks_for_all();
    common.log_json = flags->is_on("log_json");
    note_unknown_variables(commands, common);
    if (flags->print_config()) {
      print_out(json_text(flags->resolved()));
      return;
    }
    note_unused(*flags, ignored_options(*flags, input_of(*app)), common);
    share_cores(*flags);
    run();
  });
}

}  // namespace coppice::app
