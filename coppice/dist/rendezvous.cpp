// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/rendezvous.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr std::chrono::seconds kStoreLimit(20);
constexpr std::chrono::milliseconds kPause(20);

/// Where what is at the store is there before this worker has done anything.
constexpr const char* kOtherRun =
    "where that was an earlier run at the same store: set COPPICE_JOB to another name for each run";

std::string listed(const std::vector<uint32_t>& numbers) {
  std::string text;
  for (const uint32_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

}  // namespace

Rendezvous::Rendezvous(const WorkerEnvironment& environment, const Member& self, LifeSigns& life,
                       const RendezvousOptions& options)
    : job_(environment.job + "/"),
      self_(self),
      n_workers_(environment.n_workers),
      life_(life),
      options_(options),
      store_(environment.store_host, environment.store_port, std::chrono::steady_clock::now() + kStoreLimit) {}

StoreClient::Deadline Rendezvous::deadline() const {
  return std::chrono::steady_clock::now() + kStoreLimit;
}

void Rendezvous::fail(const std::string& why) {
  store_.set_if_absent(job_ + std::string(membership_key::kFailed), why, deadline());
}

void Rendezvous::done() {
  store_.set_if_absent(job_ + std::string(membership_key::kDone), "", deadline());
}

void Rendezvous::concluded() {
  store_.set_if_absent(job_ + std::string(membership_key::kConcluded), "", deadline());
}

void Rendezvous::expect_no_failure(const char* hint) {
  life_.with_view([&](const LifeView& view, double) {
    if (view.failure()) throw Error(ErrorCode::remote, "another worker gave up: " + *view.failure(), {}, hint);
  });
}

std::optional<Generation> Rendezvous::join(const Progress& progress) {
  const double since = LifeSigns::now();
  store_.set(job_ + membership_key::join(self_.worker), text_of(self_), deadline());
  for (bool is_first_look = true;; is_first_look = false) {
    progress.throw_if_stopped();
    life_.look_now();
    expect_no_failure(is_first_look ? kOtherRun : "");
    if (is_first_look && self_.start == 0) expect_no_other_run();
    struct Seen {
      Generation generation;
      std::optional<Member> in_my_place;
      bool is_done;
    };
    const Seen seen = life_.with_view([&](const LifeView& view, double) {
      return Seen{view.generation(), view.joins_as(self_.worker), view.is_done()};
    });
    if (seen.is_done) return std::nullopt;
    if (seen.generation.has(self_)) return seen.generation;
    if (seen.in_my_place && *seen.in_my_place != self_) {
      throw Error(ErrorCode::remote, "another process has taken the place of worker " + std::to_string(self_.worker));
    }
    if (seen.generation.number == 0) propose_first(since);
    if (seen.generation.number > 0) propose_after_all_are_lost(seen.generation);
    std::this_thread::sleep_for(kPause);
  }
}

void Rendezvous::expect_no_other_run() {
  const bool is_over =
      life_.with_view([&](const LifeView& view, double) { return view.is_done() && !view.generation().has(self_); });
  if (!is_over) return;
  throw Error(ErrorCode::usage,
              "at this store a job of the same name, '" + job_.substr(0, job_.size() - 1) + "', has ended already", {},
              "set COPPICE_JOB to another name for each run, the same for all of its workers");
}

void Rendezvous::propose_first(double since) {
  std::vector<Member> come;
  std::vector<uint32_t> missing, lost;
  life_.with_view([&](const LifeView& view, double now) {
    for (uint32_t worker = 0; worker < n_workers_; ++worker) {
      const std::optional<Member> member = view.joins_as(worker);
      if (member && !view.is_dead(*member, now)) {
        come.push_back(*member);
      } else {
        (view.has_ended(worker) ? lost : missing).push_back(worker);
      }
    }
  });
  // Those who were lost before they came need not be waited for; if they are started again, they join.
  if (missing.empty() && come.size() >= options_.min_workers) return propose(1, come);
  missing.insert(missing.end(), lost.begin(), lost.end());
  if (LifeSigns::now() - since < options_.connect_seconds) return;
  throw Error(ErrorCode::timeout, "workers that did not come in time: " + listed(missing));
}

void Rendezvous::propose_after_all_are_lost(const Generation& last) {
  std::vector<Member> next;
  life_.with_view([&](const LifeView& view, double now) {
    const auto is_dead = [&](const Member& member) { return view.is_dead(member, now); };
    if (std::all_of(last.members.begin(), last.members.end(), is_dead)) next = view.joiners(now);
  });
  if (next.empty() || next.size() < options_.min_workers) return;
  propose(last.number + 1, next);
}

void Rendezvous::propose(uint64_t number, const std::vector<Member>& members) {
  store_.set_if_absent(job_ + membership_key::members(number), text_of(members), deadline());
  // What two generations ago was said nobody asks for any more.
  if (number > 2) {
    store_.erase(job_ + membership_key::ready_folder(number - 2), deadline());
    store_.erase(job_ + "generation-" + std::to_string(number - 2) + "/", deadline());
  }
}

std::optional<Generation> Rendezvous::regroup(const Generation& last, Readiness readiness, const Progress& progress) {
  const double since = LifeSigns::now();
  store_.set(job_ + membership_key::ready(last.number + 1, self_), std::string(1, static_cast<char>(readiness)),
             deadline());
  while (true) {
    progress.throw_if_stopped();
    life_.look_now();
    expect_no_failure();
    const auto [generation, is_done] =
        life_.with_view([](const LifeView& view, double) { return std::pair(view.generation(), view.is_done()); });
    if (is_done) return std::nullopt;
    if (generation.number > last.number) {
      if (generation.has(self_)) return generation;
      return join(progress);
    }
    propose_after(last, since);
    std::this_thread::sleep_for(kPause);
  }
}

void Rendezvous::propose_after(const Generation& last, double since) {
  std::vector<Member> next;
  bool all_are_here = true, all_are_at_boundary = true;
  std::vector<uint32_t> lost;
  life_.with_view([&](const LifeView& view, double now) {
    const auto ready = view.ready(last.members, last.number + 1);
    for (const Member& member : last.members) {
      const auto found = ready.find(member.process);
      const bool is_ready = found != ready.end();
      const bool is_left =
          now - since > options_.regroup_seconds && view.seconds_without_step(member, now) > options_.regroup_seconds;
      if (view.is_dead(member, now) || (!is_ready && is_left)) {
        lost.push_back(member.worker);
      } else if (is_ready) {
        next.push_back(member);
        all_are_at_boundary = all_are_at_boundary && found->second == Readiness::at_boundary;
      } else {
        all_are_here = false;
      }
    }
    if (!all_are_at_boundary) return;
    for (const Member& member : view.joiners(now)) next.push_back(member);
  });
  if (!all_are_here) return;
  const auto before = [](const Member& a, const Member& b) { return a.worker < b.worker; };
  std::sort(next.begin(), next.end(), before);
  const auto same = [](const Member& a, const Member& b) { return a.worker == b.worker; };
  next.erase(std::unique(next.begin(), next.end(), same), next.end());
  if (next.size() < options_.min_workers) {
    fail("worker " + listed(lost) + " is lost, and of " + std::to_string(n_workers_) + " workers " +
         std::to_string(next.size()) + " are left, fewer than min_workers, " + std::to_string(options_.min_workers));
    return;
  }
  propose(last.number + 1, next);
}

}  // namespace coppice
