// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace coppice {

/// A program to run: no shell reads any of it.
struct ProgramCall {
  std::vector<std::string> command;  ///< the program (a path, or a name to be found in PATH) and its arguments
  std::string input;                 ///< its standard input
  std::string folder;                ///< where it runs; "" = here
  std::map<std::string, std::string> environment;  ///< beside ours
  std::set<std::string> hidden;                    ///< of ours those that it does not get
  size_t max_output_bytes = size_t{64} << 20;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::function<bool()> is_cancelled;  ///< asked several times a second
};

struct ProgramResult {
  int exit_code = 0;  ///< 128 + the signal that ended it
  std::string output, messages;
};

/// Runs it to its end. It gets a process group of its own, which is ended as a whole past the deadline, on cancelling,
/// and when it writes too much. Throws `ErrorCode::io` where it cannot be started, `timeout`, `cancelled`, `data`.
ProgramResult run_program(const ProgramCall& call);

}  // namespace coppice
