// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/run_clock.h"

#include <cassert>

#include <boost/asio/io_context.hpp>

namespace coppice {
namespace {

thread_local SimulatedTime* simulated = nullptr;

}  // namespace

RunClock::time_point RunClock::now() noexcept {
  return simulated != nullptr ? simulated->now() : std::chrono::steady_clock::now();
}

bool RunClock::is_simulated() noexcept {
  return simulated != nullptr;
}

RunClock::duration RunClock::from_seconds(double seconds) noexcept {
  constexpr double kMostSeconds = 1e9;
  return std::chrono::duration_cast<duration>(
      std::chrono::duration<double>(seconds < kMostSeconds ? seconds : kMostSeconds));
}

SimulatedTime::SimulatedTime() : now_(std::chrono::steady_clock::now()) {
  assert(simulated == nullptr);
  simulated = this;
}

SimulatedTime::~SimulatedTime() {
  simulated = nullptr;
}

SimulatedTime* SimulatedTime::of_thread() noexcept {
  return simulated;
}

void SimulatedTime::run(boost::asio::io_context& loop) {
  loop.restart();
  while (!loop.stopped()) {
    if (loop.poll() == 0 && !leap()) return;
  }
}

/// To the next time that somebody may wait for; those who have given up waiting are not known, and do no harm.
bool SimulatedTime::leap() {
  while (!due_.empty()) {
    const RunClock::time_point next = due_.top();
    due_.pop();
    if (next == RunClock::time_point::max()) return false;
    if (next <= now_) continue;
    now_ = next;
    return true;
  }
  return false;
}

}  // namespace coppice
