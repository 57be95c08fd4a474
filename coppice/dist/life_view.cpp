// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/life_view.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace coppice {
namespace {

/// Steps are suspected once so many are known, and are taken to vary by this share of their mean at least.
constexpr uint64_t kLeastSteps = 5;
constexpr double kLeastStepDeviation = 0.5;

std::optional<uint64_t> number_in(std::string_view text) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

FailureDetectorOptions for_steps(FailureDetectorOptions options) {
  options.least_deviation_seconds = std::max(options.least_deviation_seconds, kLeastStepDeviation);
  return options;
}

}  // namespace

enum class BeatComputes : char { yes = 'c', no = 'w' };

std::string beat_text(uint64_t beat, uint64_t steps, bool computes) {
  return std::to_string(beat) + " " + std::to_string(steps) + " " +
         static_cast<char>(computes ? BeatComputes::yes : BeatComputes::no);
}

LifeView::LifeView(std::string job, double beat_seconds, const FailureDetectorOptions& options)
    : job_(std::move(job)), beat_seconds_(beat_seconds), options_(options) {}

LifeView::Signs& LifeView::signs_of(const std::string& member, double now) {
  const auto found = signs_.find(member);
  if (found != signs_.end()) return found->second;
  Signs signs{{}, {}, false, {beat_seconds_, options_}, {beat_seconds_, for_steps(options_)}, now};
  return signs_.emplace(member, std::move(signs)).first->second;
}

void LifeView::look_at_beat(const std::string& member, const std::string& value, double now) {
  Signs& signs = signs_of(member, now);
  const size_t first = value.find(' '), second = value.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos) return;
  const std::string beats = value.substr(0, first), steps = value.substr(first + 1, second - first - 1);
  const bool computes = value.substr(second + 1) == std::string(1, static_cast<char>(BeatComputes::yes));
  if (beats != signs.beats) signs.of_beats.heard(now);
  if (steps != signs.steps) signs.last_step = now;
  if (!computes || !signs.computes) {
    signs.of_steps.begin_anew(now);
  } else if (steps != signs.steps) {
    signs.of_steps.heard(now);
  }
  signs.beats = beats, signs.steps = steps, signs.computes = computes;
}

void LifeView::look(const std::map<std::string, std::string>& entries, double now) {
  // Whoever was away itself, stopped or starved, has not heard the others and cannot say that they were silent.
  const bool was_away = last_look_ >= 0 && now - last_look_ > 5 * beat_seconds_;
  last_look_ = now;
  if (was_away) {
    for (auto& [member, signs] : signs_) {
      signs.of_beats.begin_anew(now), signs.of_steps.begin_anew(now);
      signs.last_step = now;
    }
  }
  ready_.clear();
  for (const auto& [full_key, value] : entries) {
    if (!full_key.starts_with(job_)) continue;
    const std::string key = full_key.substr(job_.size());
    const auto rest_of = [&](std::string_view folder) { return key.substr(folder.size()); };
    if (key.starts_with(membership_key::kBeatFolder)) {
      look_at_beat(rest_of(membership_key::kBeatFolder), value, now);
    } else if (key.starts_with(membership_key::kJoinFolder)) {
      const std::vector<Member> members = members_in(value);
      if (members.size() == 1) joins_[members[0].worker] = members[0];
    } else if (key.starts_with("life/gone/")) {
      const auto worker = number_in(rest_of("life/gone/")), ended = number_in(value);
      if (worker && ended) ended_starts_[static_cast<uint32_t>(*worker)] = *ended;
    } else if (key.starts_with("life/ready/")) {
      ready_.emplace(key, value);
    } else if (key.starts_with(membership_key::kMembersFolder)) {
      const auto number = number_in(rest_of(membership_key::kMembersFolder));
      if (number && *number > generation_.number) generation_ = {*number, members_in(value)};
    } else if (key == membership_key::kFailed) {
      failure_ = value;
    } else if (key == membership_key::kDone) {
      is_done_ = true;
    } else if (key == membership_key::kConcluded) {
      is_concluded_ = true;
    }
  }
}

bool LifeView::is_dead(const Member& member, double now) const {
  const auto ended = ended_starts_.find(member.worker);
  if (ended != ended_starts_.end() && member.start < ended->second) return true;
  const auto other = joins_.find(member.worker);
  if (other != joins_.end() && other->second != member && other->second.start >= member.start) return true;
  const auto found = signs_.find(text_of(member));
  if (found == signs_.end()) return false;
  const Signs& signs = found->second;
  if (signs.of_beats.suspects(now)) return true;
  return signs.computes && signs.of_steps.n_learned() >= kLeastSteps && signs.of_steps.suspects(now);
}

double LifeView::seconds_without_step(const Member& member, double now) const {
  const auto found = signs_.find(text_of(member));
  return found == signs_.end() ? 0 : now - found->second.last_step;
}

std::vector<Member> LifeView::joiners(double now) const {
  std::vector<Member> joiners;
  for (const auto& [worker, member] : joins_) {
    if (generation_.has(member) || !signs_.contains(text_of(member)) || is_dead(member, now)) continue;
    joiners.push_back(member);
  }
  return joiners;
}

bool LifeView::has_ended(uint32_t worker) const {
  const auto ended = ended_starts_.find(worker);
  const std::optional<Member> member = joins_as(worker);
  return ended != ended_starts_.end() && (!member || member->start < ended->second);
}

std::optional<Member> LifeView::joins_as(uint32_t worker) const {
  const auto found = joins_.find(worker);
  return found == joins_.end() ? std::nullopt : std::optional<Member>(found->second);
}

std::map<uint64_t, Readiness> LifeView::ready(const std::vector<Member>& members, uint64_t number) const {
  std::map<uint64_t, Readiness> found;
  for (const Member& member : members) {
    const auto at = ready_.find(membership_key::ready(number, member));
    if (at != ready_.end() && at->second.size() == 1) {
      found.emplace(member.process, static_cast<Readiness>(at->second[0]));
    }
  }
  return found;
}

double LifeView::bound_seconds() const {
  double bound = 0;
  for (const Member& member : generation_.members) {
    const auto found = signs_.find(text_of(member));
    if (found != signs_.end()) bound = std::max(bound, found->second.of_beats.bound_seconds());
  }
  return bound;
}

}  // namespace coppice
