// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "coppice/flow/llm/endpoint_gate.h"

namespace coppice {

/// The gates of all endpoints of a program: whatever runs share a server share its limits.
///
/// Threads: of one event loop, which outlives them.
class EndpointGates {
 public:
  explicit EndpointGates(boost::asio::io_context& loop) : loop_(loop) {}

  /// By the endpoint's name and URL.
  EndpointGate& of(const Endpoint& endpoint) {
    std::unique_ptr<EndpointGate>& gate = gates_[endpoint.name + "\n" + endpoint.url];
    if (!gate) gate = std::make_unique<EndpointGate>(loop_, endpoint);
    return *gate;
  }

 private:
  boost::asio::io_context& loop_;
  std::map<std::string, std::unique_ptr<EndpointGate>> gates_;
};

}  // namespace coppice
