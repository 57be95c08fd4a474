// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "coppice/core/progress.h"
#include "coppice/dist/transport.h"

namespace coppice {

/// While it lives, a thread tells some workers, which are waiting for a message, now and then that this one lives: so
/// that one which computes for hours is told from one that is gone. Nobody else uses the transport meanwhile.
class Pulse {
 public:
  /// The first beat is at once, four more come in each `time_limit_seconds`.
  Pulse(Transport& transport, std::vector<uint32_t> others, double time_limit_seconds);
  /// May wait until a beat that is under way has been received.
  ~Pulse();
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

 private:
  void beat(const std::stop_token& stop);

  Transport& transport_;
  std::vector<uint32_t> others_;
  std::chrono::duration<double> pause_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  std::jthread thread_;
};

/// While it lives, a thread sees whether `progress` is asked to stop, and aborts the transport then: a worker that
/// waits for others stops at once.
class AbortOnStop {
 public:
  AbortOnStop(Transport& transport, const Progress& progress);

 private:
  std::mutex mutex_;
  std::condition_variable_any woken_;
  std::jthread thread_;
};

}  // namespace coppice
