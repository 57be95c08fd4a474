// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "coppice/http/awaitable.h"
#include "coppice/http/cancellation.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace coppice {

using Clock = std::chrono::steady_clock;
/// The sockets of one event loop, without the cost of an executor of any kind.
using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using LoopTimer =
    boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, boost::asio::io_context::executor_type>;

/// `from` + `duration`, or the end of time.
Clock::time_point later(Clock::time_point from, std::chrono::milliseconds duration) noexcept;

/// Waits on behalf of one coroutine, and ends its waiting when its time is over or somebody cancels.
///
/// There is one timer, set anew only when it goes off too early: a limit that each byte moves costs nothing. Threads:
/// of the event loop alone.
class Watch {
 public:
  enum class Wait : uint8_t { to_read, to_write };

  /// `loop` and `cancellation` (null = nobody cancels) outlive it.
  Watch(boost::asio::io_context& loop, Cancellation* cancellation);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Past it all waiting throws `ErrorCode::timeout` with the message `what`. The earlier of the two holds.
  void set_deadline(Clock::time_point when, std::string what);
  void set_limit(Clock::time_point when, std::string what);
  /// Moves the limit, later or earlier.
  void move_limit(Clock::time_point when);

  /// Until the socket can be read from or written to, or has failed. Throws `timeout`, `cancelled`, as do the others.
  Awaitable<void> wait(TcpSocket& socket, Wait what);
  /// Until `wake` is cancelled.
  Awaitable<void> wait(LoopTimer& wake);
  /// As the first, but false where it takes until `when`.
  Awaitable<bool> wait_until(TcpSocket& socket, Wait what, Clock::time_point when);

  /// Whoever waits gets `ErrorCode::cancelled`, and so do all that wait later.
  void cancel();
  void throw_if_over() const;

 private:
  struct State;

  std::shared_ptr<State> state_;  ///< shared with the timer's handlers, which may come late
  Cancellation::Registration registration_;
};

}  // namespace coppice
