// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/tree_over_ranks_pulse.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "coppice/dist/tree_over_ranks_message.h"

namespace coppice {

Pulse::Pulse(Transport& transport, std::vector<uint32_t> others, double time_limit_seconds)
    : transport_(transport),
      others_(std::move(others)),
      pause_(std::min(time_limit_seconds / 4, 60.0)),
      thread_([this](const std::stop_token& stop) { beat(stop); }) {}

Pulse::~Pulse() {
  thread_.request_stop();
  thread_.join();
}

void Pulse::beat(const std::stop_token& stop) {
  const TreeMessageWriter lives(TreeMessage::lives);
  try {
    std::unique_lock lock(mutex_);
    do {
      for (const uint32_t other : others_) transport_.send(lives.bytes(), other);
      woken_.wait_for(lock, stop, pause_, [] { return false; });
    } while (!stop.stop_requested());
  } catch (const std::exception&) {  // whoever next wants something of that worker hears of it
  }
}

AbortOnStop::AbortOnStop(Transport& transport, const Progress& progress)
    : thread_([&](const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested() && !progress.stop_requested()) {
          woken_.wait_for(lock, stop, std::chrono::milliseconds(50), [] { return false; });
        }
        if (progress.stop_requested()) transport.abort("stopped on request");
      }) {}

}  // namespace coppice
