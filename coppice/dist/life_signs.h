// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "coppice/dist/life_view.h"
#include "coppice/dist/store.h"

namespace coppice {

/// A thread that tells the store again and again that this process lives, and sees who else does; while a generation
/// trains, it ends this worker's wait for one who is dead.
///
/// A stopped process gives no signs. One whose step does not come to its end does, and says since when it computes.
/// Threads: all functions may be called from any.
class LifeSigns {
 public:
  struct Where {
    std::string store_host;
    uint16_t store_port = 0;
    std::string job;              ///< what the keys begin with, "name/"
    double connect_seconds = 20;  ///< that it may take until the store is reached
  };
  /// What this worker takes part in.
  struct Watch {
    Generation generation;
    std::vector<Member> group;                            ///< those it waits for in each step
    std::function<void(const std::string& why)> give_up;  ///< called once at most, from the thread
  };

  /// Throws as StoreClient where the store cannot be reached in time. Afterwards a store that is gone ends the thread;
  /// whoever else needs it finds out.
  LifeSigns(const Where& where, const Member& self, double beat_seconds, const FailureDetectorOptions& options);
  ~LifeSigns();
  LifeSigns(const LifeSigns&) = delete;
  LifeSigns& operator=(const LifeSigns&) = delete;

  void begin_step() noexcept { computes_ = true; }
  void end_step() noexcept {
    ++steps_;
    computes_ = false;
  }

  void watch(Watch watch);
  void unwatch();

  /// Looks again and returns once it has. Throws `ErrorCode::remote` when the store is gone.
  void look_now();

  /// Why nobody is seen any more: the store is gone, and what was seen last stays.
  std::optional<std::string> blindness() {
    const std::lock_guard lock(mutex_);
    return broken_;
  }

  /// What it saw last: `work(view, now)`.
  template <class Work>
  auto with_view(const Work& work) {
    const std::lock_guard lock(mutex_);
    return work(std::as_const(view_), now());
  }

  static double now();

 private:
  void run();
  void look();
  /// Why this worker should not wait any longer, if it should not.
  std::optional<std::string> reason_to_give_up(double time) const;

  std::string job_;
  Member self_;
  double beat_seconds_;
  StoreClient store_;
  std::atomic<uint64_t> steps_ = 0;
  std::atomic<bool> computes_ = false;
  uint64_t beats_ = 0;
  double last_beat_ = -1;

  std::mutex mutex_;  ///< of what follows
  std::condition_variable changed_;
  LifeView view_;
  std::optional<Watch> watch_;
  uint64_t looks_ = 0;  ///< that have ended
  uint64_t looks_wanted_ = 0;
  bool is_ending_ = false;
  std::optional<std::string> broken_;  ///< why the store does not answer any more
  std::jthread thread_;
};

}  // namespace coppice
