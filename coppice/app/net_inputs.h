// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/unused_options.h"
#include "coppice/net/net_input.h"

namespace coppice::app {

/// The rows that a network is trained on, and those that it is measured by; the user's own network, if there is one.
struct NetInputs {
  NetTask task = NetTask::text;
  NetInput input;
  NetReadOptions read;
  std::string validate;
  std::vector<std::string> hold_out;
  std::string module;  ///< a TorchScript file
};
void describe(OptionTable& table, NetInputs& inputs);

std::vector<InputFile> input_files(const NetInputs& inputs);

/// Throws `ErrorCode::usage` for inputs that are missing or contradict each other.
void expect_whole(const NetInputs& inputs);

/// What was read.
struct NetMaterial {
  NetSet set;
  std::optional<NetRows> held_out;
  std::string module;  ///< the bytes of the file
};
NetMaterial read_net_material(const NetInputs& inputs, Job job);

/// Says how much was read, and what was repaired on the way.
void report(const NetMaterial& material, const CommonOptions& common);

/// Options of other kinds of rows, and of layers that a module takes the place of.
std::vector<Unused> unused(const NetInputs& inputs);

/// Adds the groups of options that go with the rows.
void add_options(Command& command, NetInputs& inputs);

}  // namespace coppice::app
