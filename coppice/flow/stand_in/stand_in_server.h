// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "coppice/flow/stand_in/stand_in_options.h"
#include "coppice/http/server.h"

namespace coppice {

/// Plays a `StandIn` over sockets, at its times divided by `times_faster`.
///
/// Listens from its construction on. Throws `ErrorCode::io` where it cannot. Threads: of its event loop alone.
class StandInServer {
 public:
  /// `loop` outlives the server.
  StandInServer(boost::asio::io_context& loop, StandInOptions options, HttpServerOptions server_options);
  ~StandInServer();
  StandInServer(const StandInServer&) = delete;
  StandInServer& operator=(const StandInServer&) = delete;

  uint16_t port() const noexcept;

  /// No more connections; answers under way have `patience` to end, then they are cut off.
  void stop(std::chrono::milliseconds patience);

 private:
  class Stage;
  std::shared_ptr<Stage> stage_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace coppice
