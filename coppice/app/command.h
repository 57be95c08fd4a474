// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "coppice/app/flags.h"

namespace coppice::app {

/// What every subcommand takes.
struct CommonOptions {
  uint32_t threads = 0;   ///< 0 = all cores, or a worker's share of them
  bool quiet = false;     ///< no progress, no notes
  bool log_json = false;  ///< each line of standard error is a JSON object
};

void describe(OptionTable& table, CommonOptions& options);

/// Of them --quiet alone, for commands that neither read rows nor show progress.
void describe_quiet(OptionTable& table, CommonOptions& options);

/// The program and its subcommands so far, in the order of --help.
struct CommandList {
  struct Entry {
    CLI::App* app;
    std::shared_ptr<const Flags> flags;
  };

  CLI::App& program;
  std::vector<Entry> entries;
};

/// "dist launch": the name with that of its family.
std::string full_name(const CLI::App& command);

/// One subcommand being put together: its flags, and what it does.
///
/// A name of two words ("dist launch") is a command of a family. The list must outlive the action. A subcommand keeps
/// its option structs in a shared_ptr captured by the action, so that they outlive the parsing.
class Command {
 public:
  Command(CommandList& commands, const std::string& name, const std::string& summary, const std::string& examples);

  CLI::App& app() noexcept { return *app_; }
  Flags& flags() noexcept { return *flags_; }

  /// What comes before all else, once the command line is parsed: it may hand over to another program, which reads it
  /// again. No option table is filled yet.
  void before(std::function<void()> look) { before_ = std::move(look); }

  /// The action, run after all flags were read; call once, last.
  void action(std::function<void()> run);

 private:
  const CommandList& commands_;
  CLI::App* app_;
  std::shared_ptr<Flags> flags_;
  std::function<void()> before_;
};

// One file each.
void add_train(CommandList& commands);
void add_train_tagger(CommandList& commands);
void add_evaluate(CommandList& commands);
void add_predict(CommandList& commands);
/// `argv`: of this program, for coppice-net where the model is a network.
void add_annotate(CommandList& commands, char** argv);
void add_understand(CommandList& commands);
void add_explain(CommandList& commands);
void add_index(CommandList& commands);
void add_retrieve(CommandList& commands);
void add_compress(CommandList& commands);
void add_inspect(CommandList& commands);
void add_import_pecos(CommandList& commands);
void add_dist(CommandList& commands);
// Workflows: a family of commands.
void add_flow_checks(CommandList& commands);
void add_flow_compare(CommandList& commands);
void add_flow_plan(CommandList& commands);
void add_flow_optimize(CommandList& commands);
void add_flow_runs(CommandList& commands);
void add_flow_approve(CommandList& commands);
void add_flow_probe(CommandList& commands);
void add_flow_views(CommandList& commands);
void add_flow_stand_in(CommandList& commands);
/// Of the program of that name. The list must outlive the action.
void add_options(CommandList& commands, const char* program);

// Of the program coppice-net.
void add_train_net(CommandList& commands);
void add_evaluate_net(CommandList& commands);
void add_predict_net(CommandList& commands);
void add_annotate_net(CommandList& commands);
void add_dist_study(CommandList& commands);

/// In `coppice`: becomes coppice-net. Throws where it is not there; does not return else.
[[noreturn]] void start_coppice_net(char** argv);

/// In `coppice`: the same names, which start coppice-net with the arguments of this program.
void add_commands_of_networks(CommandList& commands, char** argv);

}  // namespace coppice::app
