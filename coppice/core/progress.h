// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "coppice/core/error.h"

namespace coppice {

/// How long work reports how far it is, and learns that it should stop.
///
/// Threads: `advance` and `stop_requested` may be called from any thread; `stage` from one.
class Progress {
 public:
  virtual ~Progress() = default;

  /// A new stage begins: `total` units of work lie ahead (0 = unknown).
  virtual void stage(std::string_view /*name*/, uint64_t /*total*/) {}

  /// `units` more are done.
  virtual void advance(uint64_t /*units*/) {}

  /// A figure worth a line in a log, such as the objective of a level.
  virtual void note(std::string_view /*text*/) {}

  /// Of several workers with the same work one speaks for all: whether it is this one.
  virtual void speaks_for_all(bool /*speaks*/) {}

  void request_stop() noexcept { stop_.store(true, std::memory_order_relaxed); }
  bool stop_requested() const noexcept { return stop_.load(std::memory_order_relaxed); }

  /// Throws `ErrorCode::cancelled` once a stop was requested.
  void throw_if_stopped() const {
    if (stop_requested()) throw Error(ErrorCode::cancelled, "stopped on request");
  }

 private:
  std::atomic<bool> stop_{false};
};

}  // namespace coppice
