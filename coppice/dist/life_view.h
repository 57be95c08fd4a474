// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coppice/dist/failure_detector.h"
#include "coppice/dist/membership.h"

namespace coppice {

/// What the store says of the members of a job, and what follows from it as time goes by. No thread, no clock of its
/// own: it is told what is there and what time it is.
class LifeView {
 public:
  /// `beat_seconds`: between two beats of a member. `job`: what the keys begin with, "name/".
  LifeView(std::string job, double beat_seconds, const FailureDetectorOptions& options);

  /// All keys of the job's kFolder, as they are now.
  void look(const std::map<std::string, std::string>& entries, double now);

  /// A member that was started again, whose end was seen by whoever started it, that gives no sign of life, or whose
  /// step takes far longer than those before.
  bool is_dead(const Member& member, double now) const;
  /// How long ago it was last seen to do a step, or first seen.
  double seconds_without_step(const Member& member, double now) const;

  /// The last generation that was agreed on.
  const Generation& generation() const noexcept { return generation_; }
  /// Who wants to take part, is alive and does not.
  std::vector<Member> joiners(double now) const;
  /// Members that left the generation before `number`, and why.
  std::map<uint64_t, Readiness> ready(const std::vector<Member>& members, uint64_t number) const;
  /// Whether the process of this worker that was started last was seen to end.
  bool has_ended(uint32_t worker) const;
  /// Who wants to be this worker; nothing: nobody.
  std::optional<Member> joins_as(uint32_t worker) const;

  const std::optional<std::string>& failure() const noexcept { return failure_; }
  bool is_done() const noexcept { return is_done_; }
  bool is_concluded() const noexcept { return is_concluded_; }

  /// The longest silence of a member of the last generation that is not taken for its death.
  double bound_seconds() const;

 private:
  /// Of one process.
  struct Signs {
    std::string beats, steps;  ///< as they were last
    bool computes = false;
    FailureDetector of_beats, of_steps;
    double last_step;
  };

  Signs& signs_of(const std::string& member, double now);
  void look_at_beat(const std::string& member, const std::string& value, double now);

  std::string job_;
  double beat_seconds_;
  FailureDetectorOptions options_;
  double last_look_ = -1;
  std::map<std::string, Signs> signs_;         ///< by the member's text
  std::map<uint32_t, Member> joins_;           ///< by worker
  std::map<uint32_t, uint64_t> ended_starts_;  ///< by worker: how many of its processes have ended
  std::map<std::string, std::string> ready_;   ///< keys and values
  Generation generation_;
  std::optional<std::string> failure_;
  bool is_done_ = false, is_concluded_ = false;
};

/// What a member says in its beat: a number that is another one each time, its steps, and whether it computes.
std::string beat_text(uint64_t beat, uint64_t steps, bool computes);

}  // namespace coppice
