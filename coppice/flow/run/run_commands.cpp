// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_commands.h"

#include <fmt/core.h>
#include <fmt/format.h>

namespace coppice {

std::string resume_command(const std::string& run, const std::string& journal_flag) {
  return "coppice flow resume " + run + journal_flag;
}

namespace {

bool is_of_items(const std::set<int64_t>& items) {
  return !items.empty() && *items.begin() >= 0;
}

}  // namespace

std::string approve_command(const std::string& run, const std::string& journal_flag, const std::string& step,
                            int64_t item) {
  return approve_command(run, journal_flag, step, std::set<int64_t>{item});
}

std::string approve_command(const std::string& run, const std::string& journal_flag, const std::string& step,
                            const std::set<int64_t>& items) {
  return fmt::format("coppice flow approve {}{} --step {}{}", run, journal_flag, step,
                     is_of_items(items) ? fmt::format(" --item {}", fmt::join(items, ",")) : "");
}

std::string place_text(const std::string& step, int64_t item) {
  return place_text(step, std::set<int64_t>{item});
}

std::string place_text(const std::string& step, const std::set<int64_t>& items) {
  if (!is_of_items(items)) return step;
  return fmt::format("{}, item{} {}", step, items.size() == 1 ? "" : "s", fmt::join(items, ", "));
}

}  // namespace coppice
