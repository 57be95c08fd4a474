// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "coppice/core/options.h"

namespace coppice::app {

/// The option tables of one subcommand as flags: --name-with-dashes, the variable COPPICE_NAME, a key of --config.
///
/// Precedence: flag, then environment, then the config file, then the default in the struct.
class Flags {
 public:
  /// Declares the flags of `table` under a heading of the help page. The structs behind the table must outlive us.
  void add(CLI::App& command, OptionTable table, const std::string& heading);

  /// Declares --config and --print-config; call once, after the last `add`.
  void add_config(CLI::App& command);

  /// Writes what was given into the structs. Call after parsing. Throws `ErrorCode::usage`.
  void apply();

  /// The file given by --config, or "".
  const std::string& config_path() const noexcept { return config_path_; }

  /// Is there an option of that name in a table?
  bool has(const std::string& name) const { return given_.contains(name); }

  /// Was the option given as a flag or a variable (not by the config file)?
  bool given(const std::string& name) const;

  /// Was the option given as a flag (not by a variable or the config file)?
  bool on_command_line(const std::string& name) const { return given_.at(name)->flag->count() > 0; }

  /// After `apply`: is there a switch of that name, and is it on?
  bool is_on(const std::string& name) const;

  /// As `is_on`, and true also for a switch that was asked for where `apply` was not reached or failed.
  bool is_asked_for(const std::string& name) const;

  bool print_config() const noexcept { return print_config_; }

  /// The tables added, under their headings.
  struct Section {
    std::string heading;
    OptionTable table;
  };
  const std::vector<Section>& sections() const noexcept { return sections_; }

  /// All options with their values after `apply`, for --print-config.
  nlohmann::ordered_json resolved() const;

 private:
  struct Given {
    std::string text;
    bool on = false;
    CLI::Option* flag = nullptr;
  };

  void apply_config_file();
  const Option& find(const std::string& name) const;

  std::vector<Section> sections_;
  std::map<std::string, std::unique_ptr<Given>> given_;  // by option name; stable addresses for CLI11
  std::string config_path_;
  const CLI::Option* config_flag_ = nullptr;
  bool print_config_ = false;
};

/// "max_leaf" -> "--max-leaf".
std::string flag_name(const std::string& option_name);

/// "max_leaf" -> "COPPICE_MAX_LEAF".
std::string variable_name(const std::string& option_name);

}  // namespace coppice::app
