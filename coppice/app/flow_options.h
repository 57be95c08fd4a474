// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/flow/run/runner.h"

namespace coppice::app {

/// What all commands about runs share.
struct FlowOptions {
  std::string journal = ".coppice/runs.db";
  Durability durability = Durability::process;
  std::string record, replay;
  std::string ca_file;
  std::vector<std::string> allow;
};

void describe(OptionTable& table, FlowOptions& options);

/// What `--allow` lets. Throws `ErrorCode::usage` for what is nothing that is off.
std::set<std::string> allowed_kinds(const FlowOptions& options, const StepKinds& kinds);

/// The journal alone.
void describe_journal(OptionTable& table, FlowOptions& options);

/// Makes the folder of the journal if need be. Throws `ErrorCode::usage` where both cassettes are named.
RunnerOptions runner_options(const FlowOptions& options);

}  // namespace coppice::app
