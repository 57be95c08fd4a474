// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "coppice/core/options.h"
#include "coppice/dist/transport.h"
#include "coppice/dist/worker_environment.h"

namespace coppice {

/// What carries messages between processes.
enum class TransportKind : uint8_t {
  gloo,  ///< TCP, by Gloo; finds workers by the store
  mpi,   ///< whatever MPI has: shared memory, fast networks; of mpirun's or srun's workers
};

/// How workers of several processes reach one another.
struct ConnectOptions {
  TransportKind transport = TransportKind::gloo;
  std::string address;          ///< of this machine; "": what its host name stands for
  std::string interface;        ///< or the network interface by its name
  double connect_seconds = 60;  ///< that finding all workers may take
  double time_limit = 300;      ///< of each operation, in seconds
};
void describe(OptionTable& table, ConnectOptions& options);

/// Finds the other workers that a launcher has started: for Gloo by the store that it names. Throws `ErrorCode::usage`
/// where it names none, and for MPI where that knows of other workers than the launcher; as `connect_by_gloo` and
/// `connect_by_mpi`.
std::unique_ptr<Transport> connect_workers(const WorkerEnvironment& environment, const ConnectOptions& options);

}  // namespace coppice
