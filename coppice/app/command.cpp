// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/command.h"

#include <fmt/core.h>

namespace coppice::app {

void describe(OptionTable& table, CommonOptions& options) {
  table.add("threads", options.threads, 0, 1024, "Threads to work with; 0 = all cores. Results do not depend on it.");
  table.add("quiet", options.quiet, "No progress and no notes on standard error.");
  table.add("log_json", options.log_json, "Progress on standard error as JSON lines, for machines.");
}

Command::Command(CLI::App& program, const std::string& name, const std::string& summary, const std::string& examples)
    : app_(program.add_subcommand(name, summary)), flags_(std::make_shared<Flags>()) {
  app_->footer("Examples:\n" + examples + "\nEvery option is also read from the variable COPPICE_NAME_OF_OPTION.");
}

void Command::action(std::function<void()> run) {
  flags_->add_config(*app_);
  app_->callback([flags = flags_, run = std::move(run)] {
    flags->apply();
    if (flags->print_config()) {
      fmt::print("{}\n", flags->resolved().dump(2));
      return;
    }
    run();
  });
}

}  // namespace coppice::app
