// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "coppice/flow/journal/journal.h"

namespace coppice {

/// The axis on which a run's events are told: the time in which a process was at work on it. Where it was interrupted
/// and resumed the two parts follow one another at once.
///
/// Events are given in their order. Within a part the axis never goes back, whatever the clock of the wall did.
class ActiveTime {
 public:
  /// The place of an event, in seconds from the beginning of the run.
  double place(const Event& event);

  /// The event just placed is known to lie there at least: it is the end of something that began at a known place and
  /// took a known time. Returns its place.
  double at_least(double seconds);

  /// The part that is under way took so long in all.
  void took(double seconds);

  bool has_begun() const noexcept { return parts_ > 0; }
  size_t resumptions() const noexcept { return parts_ > 1 ? parts_ - 1 : 0; }
  double part_began() const noexcept { return base_; }       ///< the place at which the part under way began
  double seconds() const noexcept { return base_ + last_; }  ///< so far
  double waited_seconds() const noexcept { return waited_; }
  int64_t began_nanoseconds() const noexcept { return began_; }
  int64_t ended_nanoseconds() const noexcept { return ended_; }

 private:
  void begin_part(int64_t at_nanoseconds);

  size_t parts_ = 0;
  double base_ = 0, last_ = 0;  ///< where the part began; how far into it the last event lies
  double skew_ = 0;             ///< what the clock of the wall was set back by in this part
  double waited_ = 0;
  int64_t part_began_ = 0, latest_ = 0, began_ = 0, ended_ = 0;
};

}  // namespace coppice
