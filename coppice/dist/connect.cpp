// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/connect.h"

#include "coppice/dist/gloo_link.h"

namespace coppice {

void describe(OptionTable& table, ConnectOptions& options) {
  table.add("address", options.address,
            "The address of this machine at which the other workers reach it. Nothing: what its host name stands for.");
  table.add("interface", options.interface, "Or the network interface that leads to them: eth0.");
  table.add("connect_seconds", options.connect_seconds, 0.1, 86400, "How long workers may take to find one another.");
  table.add("time_limit", options.time_limit, 0.1, 1e9,
            "How long an operation between workers may take, in seconds; after that those that are missing count as "
            "dead, and all end.");
}

std::unique_ptr<Transport> connect_workers(const WorkerEnvironment& environment, const ConnectOptions& options) {
  expect_store(environment);
  GlooOptions gloo;
  gloo.store_host = environment.store_host, gloo.store_port = environment.store_port;
  gloo.job = environment.job;
  gloo.address = options.address, gloo.interface = options.interface;
  gloo.seconds = options.connect_seconds;
  auto transport = std::make_unique<MessageTransport>(connect_by_gloo(environment.worker, environment.n_workers, gloo));
  transport->set_time_limit(options.time_limit);
  return transport;
}

}  // namespace coppice
