// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "coppice/dist/message_transport.h"

namespace coppice {

/// How a worker finds the others.
struct GlooOptions {
  std::string store_host;  ///< of the store
  uint16_t store_port = 0;
  std::string job = "coppice";  ///< what its keys begin with: another one for each job, and each time it begins anew
  std::string address;          ///< this machine's, where the others reach it; "": what its host name stands for
  std::string interface;        ///< or the network interface by its name ("eth0")
  double seconds = 60;          ///< that finding all of them may take
  double mesh_seconds = 60;     ///< of these, for connecting to one another once all have come
  std::function<void()> while_waiting;  ///< for the others to come; what it throws ends the wait
};

/// Messages over TCP by Gloo: this worker is connected to each of the others when it returns. Every one of `n_workers`
/// calls it with the same job. Throws `ErrorCode::timeout` naming workers that have not come; `ErrorCode::remote` where
/// the store or a worker cannot be reached.
std::shared_ptr<MessageLink> connect_by_gloo(uint32_t worker, uint32_t n_workers, const GlooOptions& options);

}  // namespace coppice
