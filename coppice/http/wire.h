// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "coppice/http/tls.h"
#include "coppice/http/watch.h"

namespace coppice {

/// One connection, with TLS or without. It keeps no buffer of its own: whoever reads brings one when there is something
/// to read, so that a connection that waits costs next to nothing.
///
/// Throws `ErrorCode::remote` where the connection is broken, and what the watch throws.
class Wire {
 public:
  explicit Wire(TcpSocket socket);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// Makes the connection one with TLS: of a client, before anything else.
  Awaitable<void> start_tls(Watch& watch, std::unique_ptr<TlsSession> session);

  /// Until there is something to read.
  Awaitable<void> wait_readable(Watch& watch);
  /// What is there now: bytes, or nothing yet, or the end.
  IoResult read(std::span<char> buffer);
  /// All of it. Calls `watch.move_limit` with `idle` from now whenever some of it has gone.
  Awaitable<void> write(Watch& watch, std::string_view bytes, std::chrono::milliseconds idle);

  /// Nothing to read, and not closed: good for another request.
  bool is_quiet();
  /// Has the other side closed?
  bool is_closed_by_peer();
  /// Closes with a reset rather than in order.
  void reset() noexcept;

  TcpSocket& socket() noexcept { return socket_; }

 private:
  IoResult try_write(std::string_view bytes);

  TcpSocket socket_;
  std::unique_ptr<TlsSession> tls_;
  bool read_has_to_write_ = false;  ///< first: TLS answers the other side's wish for a new key
};

}  // namespace coppice
