// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/connect.h"

#include "coppice/core/error.h"
#include "coppice/dist/gloo_link.h"
#include "coppice/dist/mpi_link.h"

namespace coppice {
namespace {

std::shared_ptr<MessageLink> link_by_gloo(const WorkerEnvironment& environment, const ConnectOptions& options) {
  expect_store(environment);
  GlooOptions gloo;
  gloo.store_host = environment.store_host, gloo.store_port = environment.store_port;
  gloo.job = environment.job;
  gloo.address = options.address, gloo.interface = options.interface;
  gloo.seconds = options.connect_seconds;
  return connect_by_gloo(environment.worker, environment.n_workers, gloo);
}

std::shared_ptr<MessageLink> link_by_mpi(const WorkerEnvironment& environment) {
  std::shared_ptr<MessageLink> link = connect_by_mpi();
  if (link->n_workers() == environment.n_workers && link->worker() == environment.worker) return link;
  throw Error(ErrorCode::usage,
              "MPI says that this is worker " + std::to_string(link->worker()) + " of " +
                  std::to_string(link->n_workers()) + ", " + environment.launcher + " says " +
                  std::to_string(environment.worker) + " of " + std::to_string(environment.n_workers),
              {}, "start workers that shall talk by MPI with the mpirun or srun of that MPI");
}

}  // namespace

void describe(OptionTable& table, ConnectOptions& options) {
  table.add("transport", options.transport, {{TransportKind::gloo, "gloo"}, {TransportKind::mpi, "mpi"}},
            "What carries messages: TCP by Gloo, or MPI, for workers that mpirun or srun has started. Results have the "
            "same bits.");
  table.add("address", options.address,
            "The address of this machine at which the other workers reach it. Nothing: what its host name stands for.");
  table.add("interface", options.interface, "Or the network interface that leads to them: eth0.");
  table.add("connect_seconds", options.connect_seconds, 0.1, 86400, "How long workers may take to find one another.");
  table.add("time_limit", options.time_limit, 0.1, 1e9,
            "How long an operation between workers may take, in seconds; after that those that are missing count as "
            "dead, and all end.");
}

std::unique_ptr<Transport> connect_workers(const WorkerEnvironment& environment, const ConnectOptions& options) {
  const bool by_mpi = options.transport == TransportKind::mpi;
  auto transport =
      std::make_unique<MessageTransport>(by_mpi ? link_by_mpi(environment) : link_by_gloo(environment, options));
  transport->set_time_limit(options.time_limit);
  return transport;
}

}  // namespace coppice
