// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "coppice/core/options.h"
#include "coppice/dist/transport.h"
#include "coppice/dist/worker_environment.h"

namespace coppice {

/// How workers of several processes reach one another.
struct ConnectOptions {
  std::string address;          ///< of this machine; "": what its host name stands for
  std::string interface;        ///< or the network interface by its name
  double connect_seconds = 60;  ///< that finding all workers may take
  double time_limit = 300;      ///< of each operation, in seconds
};
void describe(OptionTable& table, ConnectOptions& options);

/// Finds the other workers that a launcher has started, by the store that it names. Throws `ErrorCode::usage` where it
/// names none; as `connect_by_gloo`.
std::unique_ptr<Transport> connect_workers(const WorkerEnvironment& environment, const ConnectOptions& options);

}  // namespace coppice
