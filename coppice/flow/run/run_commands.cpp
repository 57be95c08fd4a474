// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_commands.h"

#include <fmt/core.h>

namespace coppice {

std::string resume_command(const std::string& run, const std::string& journal_flag) {
  return "coppice flow resume " + run + journal_flag;
}

std::string approve_command(const std::string& run, const std::string& journal_flag, const std::string& step,
                            int64_t item) {
  return fmt::format("coppice flow approve {}{} --step {}{}", run, journal_flag, step,
                     item < 0 ? "" : fmt::format(" --item {}", item));
}

std::string place_text(const std::string& step, int64_t item) {
  return item < 0 ? step : fmt::format("{}, item {}", step, item);
}

}  // namespace coppice
