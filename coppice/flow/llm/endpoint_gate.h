// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coppice/flow/llm/endpoint.h"
#include "coppice/flow/llm/llm_limits.h"
#include "coppice/http/awaitable.h"
#include "coppice/http/cancellation.h"

namespace boost::asio {
class io_context;
}

namespace coppice {

/// Who wants to pass a gate.
struct GateEntry {
  // With constructors: g++ 12 destroys an aggregate twice that is made inside a co_await expression.
  GateEntry() {}
  GateEntry(std::string step_, uint64_t tokens_) : step(std::move(step_)), tokens(tokens_) {}

  std::string step;
  uint64_t tokens = 0;  ///< as many as the call is likely to take
  Cancellation* cancellation = nullptr;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

/// Bounds the calls to one endpoint: those in flight, and requests and tokens of any minute, in the order of CallQueue.
///
/// Threads: of one event loop, which outlives the gate. A permit may outlive it.
class EndpointGate {
  struct State;

 public:
  /// A call in flight: from `enter` on until it is gone.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept = default;
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { leave({}); }

    /// It is over, and took that many tokens; nothing = as many as were said at first.
    void leave(std::optional<uint64_t> tokens) noexcept;

   private:
    friend class EndpointGate;
    Permit(std::shared_ptr<State> of, uint64_t number) : of_(std::move(of)), number_(number) {}
    std::shared_ptr<State> of_;
    uint64_t number_ = 0;
  };

  EndpointGate(boost::asio::io_context& loop, const GateLimits& limits);
  EndpointGate(boost::asio::io_context& loop, const Endpoint& endpoint);
  ~EndpointGate();
  EndpointGate(const EndpointGate&) = delete;
  EndpointGate& operator=(const EndpointGate&) = delete;

  /// Waits for a turn. Throws `ErrorCode::cancelled` and `timeout`.
  Awaitable<Permit> enter(GateEntry entry);
  /// Of an answer, whatever its status.
  void learn(const HttpHeaders& headers, int status);

  size_t in_flight() const noexcept;
  size_t waiting() const noexcept;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace coppice
