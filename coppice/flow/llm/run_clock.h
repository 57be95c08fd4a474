// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>

namespace boost::asio {
class io_context;
}

namespace coppice {

/// The clock that runs go by: the steady clock; on a thread with a `SimulatedTime`, that one.
struct RunClock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr bool is_steady = true;

  static time_point now() noexcept;
  static bool is_simulated() noexcept;

  static double seconds_since(time_point begin) noexcept {
    return std::chrono::duration<double>(now() - begin).count();
  }
  /// Far times are the end of time.
  static duration from_seconds(double seconds) noexcept;
};

/// Time that leaps from one timer to the next: hours of a run take as long as its computing.
///
/// One on a thread at a time; `RunTimer`s of the thread go by it while it lives.
class SimulatedTime {
 public:
  SimulatedTime();
  ~SimulatedTime();
  SimulatedTime(const SimulatedTime&) = delete;
  SimulatedTime& operator=(const SimulatedTime&) = delete;

  /// Until the loop has nothing to do and waits for no timer, or was stopped.
  void run(boost::asio::io_context& loop);

  RunClock::time_point now() const noexcept { return now_; }
  /// Something becomes due then.
  void expect(RunClock::time_point due) { due_.push(due); }

  /// That of this thread, or null.
  static SimulatedTime* of_thread() noexcept;

 private:
  bool leap();

  RunClock::time_point now_;
  std::priority_queue<RunClock::time_point, std::vector<RunClock::time_point>, std::greater<>> due_;
};

/// How long an event loop may sleep: not at all where time is simulated.
struct RunClockWaits {
  static RunClock::duration to_wait_duration(const RunClock::duration& left) {
    return RunClock::is_simulated() ? RunClock::duration::zero() : left;
  }
};

/// A timer of that clock.
class RunTimer : public boost::asio::basic_waitable_timer<RunClock, RunClockWaits> {
 public:
  using basic_waitable_timer::basic_waitable_timer;

  void expires_at(RunClock::time_point due) {
    if (SimulatedTime* const time = SimulatedTime::of_thread()) time->expect(due);
    basic_waitable_timer::expires_at(due);
  }
};

}  // namespace coppice
