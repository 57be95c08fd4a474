// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/life_signs.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

/// That the store may take to answer.
constexpr std::chrono::seconds kStoreLimit(20);

}  // namespace

double LifeSigns::now() {
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

LifeSigns::LifeSigns(const Where& where, const Member& self, double beat_seconds, const FailureDetectorOptions& options)
    : job_(where.job),
      self_(self),
      beat_seconds_(beat_seconds),
      store_(where.store_host, where.store_port,
             Clock::now() +
                 std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(where.connect_seconds))),
      view_(where.job, beat_seconds, options),
      thread_([this] { run(); }) {}

LifeSigns::~LifeSigns() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
}

void LifeSigns::watch(Watch watch) {
  const std::lock_guard lock(mutex_);
  watch_ = std::move(watch);
}

void LifeSigns::unwatch() {
  const std::lock_guard lock(mutex_);
  watch_.reset();
}

void LifeSigns::look_now() {
  std::unique_lock lock(mutex_);
  // One that is under way may have asked before what the caller did.
  const uint64_t wanted = looks_ + 2;
  looks_wanted_ = std::max(looks_wanted_, wanted);
  changed_.notify_all();
  changed_.wait(lock, [&] { return looks_ >= wanted || broken_; });
  if (broken_) throw Error(ErrorCode::remote, *broken_);
}

void LifeSigns::run() {
  while (true) {
    std::optional<std::string> broken;
    try {
      look();
    } catch (const std::exception& error) {
      broken = error.what();
    }
    std::unique_lock lock(mutex_);
    ++looks_;
    broken_ = broken;
    changed_.notify_all();
    if (broken_) return;
    const std::chrono::duration<double> pause(beat_seconds_);
    changed_.wait_for(lock, pause, [&] { return is_ending_ || looks_ < looks_wanted_; });
    if (is_ending_) return;
  }
}

void LifeSigns::look() {
  const Clock::time_point deadline = Clock::now() + kStoreLimit;
  if (now() - last_beat_ >= 0.9 * beat_seconds_) {
    last_beat_ = now();
    store_.set(job_ + membership_key::beat(self_), beat_text(++beats_, steps_, computes_), deadline);
  }
  const auto entries = store_.list(job_ + std::string(membership_key::kFolder), deadline);
  const std::lock_guard lock(mutex_);
  view_.look(entries, now());
  if (!watch_) return;
  const std::optional<std::string> reason = reason_to_give_up(now());
  if (!reason) return;
  // Whoever is told may not end the watch meanwhile: the lock is held.
  watch_->give_up(*reason);
  watch_.reset();
}

std::optional<std::string> LifeSigns::reason_to_give_up(double time) const {
  const Generation& generation = watch_->generation;
  if (view_.failure()) return "another worker gave up: " + *view_.failure();
  if (view_.generation().number > generation.number) return "the others went on without this worker";
  for (const auto& [process, readiness] : view_.ready(generation.members, generation.number + 1)) {
    if (readiness == Readiness::rewinds) return "others begin the block again";
  }
  const auto is_awaited = [&](const Member& member) {
    // Between the groups one waits for all; else for those of its own alone, as the others may rewind by themselves.
    const auto& group = watch_->group;
    return member != self_ && (!computes_ || std::find(group.begin(), group.end(), member) != group.end());
  };
  for (const Member& member : generation.members) {
    if (is_awaited(member) && view_.is_dead(member, time)) {
      return "worker " + std::to_string(member.worker) + " gives no sign of life";
    }
  }
  return std::nullopt;
}

}  // namespace coppice
