// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flow_options.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "coppice/core/error.h"

namespace coppice::app {

void describe_journal(OptionTable& table, FlowOptions& options) {
  table.add("journal", options.journal,
            "Where runs are kept: a file (SQLite), postgresql://..., or memory: for a run that nobody resumes.");
}

void describe(OptionTable& table, FlowOptions& options) {
  describe_journal(table, options);
  table.add("durability", options.durability, {{Durability::process, "process"}, {Durability::power, "power"}},
            "What the journal outlives: the end of the program (kill -9), or a loss of power, too, which costs a "
            "flush of the disk for each step.");
  table.add("record", options.record, "Write all HTTP traffic to this file (a cassette); no keys are in it.");
  table.add("replay", options.replay, "Answer all HTTP from this cassette, and send nothing.");
  table.add("ca_file", options.ca_file,
            "Certificates (PEM) that servers may be known by; those of the system unless given.");
  table.add("allow", options.allow,
            "What is off unless allowed: steps of the kinds command and sql; files, for those outside of the "
            "workflow's folder.");
}

std::set<std::string> allowed_kinds(const FlowOptions& options, const StepKinds& kinds) {
  std::vector<std::string> all = {kOutsideFiles};
  for (const std::string& name : kinds.names()) {
    if (kinds.find(name)->must_be_allowed()) all.push_back(name);
  }
  for (const std::string& given : options.allow) {
    if (std::find(all.begin(), all.end(), given) != all.end()) continue;
    throw Error(ErrorCode::usage, fmt::format("--allow got '{}', expected {}", given, fmt::join(all, ", ")));
  }
  return {options.allow.begin(), options.allow.end()};
}

RunnerOptions runner_options(const FlowOptions& options) {
  RunnerOptions made;
  made.journal = options.journal;
  made.durability = options.durability;
  made.ca_file = options.ca_file;
  if (!options.record.empty() && !options.replay.empty()) {
    throw Error(ErrorCode::usage, "--record and --replay are given, expected one of them");
  }
  made.cassette = options.record.empty() ? options.replay : options.record;
  made.cassette_mode = options.record.empty() ? CassetteMode::replay : CassetteMode::record;
  const bool is_file = options.journal.find(':') == std::string::npos;
  const std::filesystem::path folder = std::filesystem::path(options.journal).parent_path();
  if (is_file && !folder.empty()) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) throw_io_error("make the folder", folder.string(), failed.value());
  }
  return made;
}

}  // namespace coppice::app
