// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coppice/app/flags.h"
#include "coppice/dist/connect.h"

namespace coppice::app {

/// Whether a launcher has started more than this one. Throws as `worker_environment`.
bool has_others();

/// Where `coppice dist launch` or torchrun has started several workers on this machine, the option `threads` of each
/// but the first becomes its share of the cores, unless it was given. The first one works while others wait.
void share_cores(const Flags& flags) noexcept;

/// For a command that does not share its work out: throws `ErrorCode::unsupported` where a launcher has started more.
void expect_one_worker(const std::string& command);

/// Whether what goes to standard error is for this process to say: of several workers the first one speaks. Where the
/// variables of a launcher make no sense, everyone does.
bool speaks_for_all() noexcept;

/// The other workers, once connected; null where no launcher has started more than one.
///
/// Throws `ErrorCode::usage` on all of them, naming one, where program, processor, options or `facts` differ (a line
/// each: "rows 5"); as `connect_workers`.
std::unique_ptr<Transport> connect_others(const ConnectOptions& options, const Flags& flags,
                                          const std::vector<std::string>& facts = {});

/// The files of a prediction that every worker reads.
struct SharedFiles {
  std::string model_path;
  std::string input;
};

/// Calls `predict` with the other workers, null where there are none; they have to have the same model and input. What
/// it throws, the others are told, so that they do not wait. Throws as `connect_others`, and `ErrorCode::usage` for
/// rows of standard input, which one worker alone would read.
void predict_with_others(const ConnectOptions& options, const Flags& flags, const SharedFiles& files,
                         const std::function<void(Transport* others)>& predict);

}  // namespace coppice::app
