// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/core/options.h"

namespace coppice::bench {

/// Flags of a benchmark, `--name=value`, set through option tables, so that every option of a stage can be tried.
///
/// A name that two tables share belongs to the one added first; the other's is reached by its prefix
/// (`--predict-threshold`). Dashes and underscores are the same; a switch may stand without a value.
class Flags {
 public:
  /// The structs behind `table` must outlive us.
  void add(std::string prefix, OptionTable table);

  /// Reads the command line. `--help` prints all flags and returns false. Throws `ErrorCode::usage`.
  bool parse(int argc, const char* const* argv);

  /// What was said on the command line, in its order: the settings that make this run differ from the defaults.
  nlohmann::ordered_json given() const;

 private:
  const Option* find(const std::string& name) const;
  void set(const std::string& argument);
  void print_help() const;

  std::vector<std::pair<std::string, OptionTable>> tables_;
  std::vector<std::pair<std::string, const Option*>> given_;
};

/// Runs `body`, and turns what it throws into a line on standard error and the exit code of its kind.
int run_program(const std::function<void()>& body);

}  // namespace coppice::bench
