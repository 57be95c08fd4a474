// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/journal_rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "coppice/core/error.h"
#include "coppice/flow/journal/lease_owner.h"

namespace coppice {
namespace {

[[noreturn]] void throw_taken(const std::string& run, const std::string& owner, const std::string& hint) {
  throw Error(ErrorCode::usage, fmt::format("the run '{}' is being worked on by {}", run, owner_text(owner)), {}, hint);
}

int64_t nanoseconds(double seconds) {
  constexpr double kLongest = 1e9;  // seconds; a later end would not fit
  if (!(seconds > 0)) throw Error(ErrorCode::usage, "got no time for which the run is taken, expected some seconds");
  return static_cast<int64_t>(std::min(seconds, kLongest) * 1e9);
}

bool has_room(const BudgetState& state, Money amount, Money limit) noexcept {
  return state.spent + state.reserved + amount <= limit;
}

std::optional<std::string> reserve(BudgetBook& book, const JournalOperation& operation) {
  const Money amount = operation.event.amount;
  if (amount == Money{}) return std::nullopt;
  std::vector<BudgetState> states;
  for (const BudgetScope& scope : operation.budgets) {
    states.push_back(book.load(scope.name));
    if (!has_room(states.back(), amount, scope.limit)) return scope.name;
  }
  for (size_t i = 0; i < states.size(); ++i) {
    const std::string& name = operation.budgets[i].name;
    book.reserve(operation.event, {name, amount});
    states[i].reserved += amount;
    book.save(name, states[i]);
  }
  return std::nullopt;
}

void settle(BudgetBook& book, const JournalOperation& operation) {
  struct Change {
    std::string scope;
    Money released, spent;
  };
  const Money amount = operation.event.amount;
  std::vector<Change> changes;
  for (Reservation& held : book.release(operation.event)) {
    changes.push_back({std::move(held.scope), held.amount, operation.budgets.empty() ? amount : Money{}});
  }
  for (const BudgetScope& scope : operation.budgets) {
    const auto same = [&](const Change& change) { return change.scope == scope.name; };
    const auto found = std::find_if(changes.begin(), changes.end(), same);
    if (found != changes.end()) {
      found->spent = amount;
    } else if (amount != Money{}) {
      changes.push_back({scope.name, {}, amount});
    }
  }
  for (const Change& change : changes) {
    BudgetState state = book.load(change.scope);
    state.reserved = state.reserved - change.released;
    state.spent += change.spent;
    book.save(change.scope, state);
  }
}

}  // namespace

int64_t cached_until(int64_t now_nanoseconds, double seconds) {
  constexpr double kMostSeconds = 3e9;  // a century: later ones do not fit
  if (!(seconds > 0)) throw Error(ErrorCode::usage, "a text is to be cached for no time");
  return now_nanoseconds + static_cast<int64_t>(std::min(seconds, kMostSeconds) * 1e9);
}

bool settles_call(EventKind kind) noexcept {
  return kind == EventKind::call_answered || kind == EventKind::call_failed || kind == EventKind::call_unknown;
}

int64_t wall_nanoseconds() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

Tenure taken(const Tenure& before, const TenureRequest& request) {
  const int64_t until = request.now_nanoseconds + nanoseconds(request.seconds);
  if (request.owner.empty()) throw Error(ErrorCode::usage, "whoever takes a run needs a name");
  if (before.owner == request.owner) return {request.owner, until, before.term};
  if (!before.owner.empty()) {
    const OwnerLife life = life_of(before.owner);
    if (life == OwnerLife::alive) {
      throw_taken(request.run, before.owner, "wait until it has ended, or end it");
    }
    const int64_t left = before.until_nanoseconds - request.now_nanoseconds;
    if (life == OwnerLife::unknown && left > 0) {
      throw_taken(request.run, before.owner,
                  fmt::format("whether it still does is known in {} seconds", left / 1'000'000'000 + 1));
    }
  }
  return {request.owner, until, before.term + 1};
}

bool is_held(const Tenure& tenure, int64_t now_nanoseconds) {
  if (tenure.owner.empty()) return false;
  const OwnerLife life = life_of(tenure.owner);
  return life == OwnerLife::alive || (life == OwnerLife::unknown && tenure.until_nanoseconds > now_nanoseconds);
}

void TakenRuns::expect_writable(const std::string& run, const Tenure& now) const {
  const auto ours = terms_.find(run);
  if (ours == terms_.end()) {
    if (!now.owner.empty()) throw_taken(run, now.owner, "a run must be taken before it is written to");
  } else if (ours->second != now.term) {
    const std::string by = now.owner.empty() ? "another process" : owner_text(now.owner);
    throw Error(ErrorCode::usage, fmt::format("the run '{}' was taken by {} meanwhile", run, by), {},
                "this happens where the clock jumps, or where a run is not held on to in time");
  }
}

void throw_no_such_run(const std::string& run) {
  throw Error(ErrorCode::usage, fmt::format("there is no run '{}' in this journal", run));
}
void throw_run_exists(const std::string& run) {
  throw Error(ErrorCode::usage, fmt::format("there is a run '{}' in this journal already", run));
}
void throw_reserved_already(const Event& event) {
  throw Error(ErrorCode::usage, fmt::format("call {}, attempt {} of the step '{}' has its money set aside already",
                                            event.call, event.attempt, event.step));
}

void expect_sound(const JournalOperation& operation) {
  const Event& event = operation.event;
  if (event.amount < Money{}) {
    throw Error(ErrorCode::usage,
                fmt::format("got the amount {} for an event, expected none below zero", money_text(event.amount)));
  }
  if (operation.budgets.empty()) return;
  if (event.kind != EventKind::call_intended && !settles_call(event.kind)) {
    throw Error(ErrorCode::usage, "got budgets with an event that is about no call");
  }
  for (auto scope = operation.budgets.begin(); scope != operation.budgets.end(); ++scope) {
    const auto same = [&](const BudgetScope& other) { return other.name == scope->name; };
    if (std::any_of(operation.budgets.begin(), scope, same)) {
      throw Error(ErrorCode::usage, fmt::format("the budget '{}' is named twice for one call", scope->name));
    }
  }
}

std::optional<std::string> apply_to_budgets(BudgetBook& book, const JournalOperation& operation) {
  if (operation.event.kind == EventKind::call_intended) return reserve(book, operation);
  if (settles_call(operation.event.kind)) settle(book, operation);
  return std::nullopt;
}

}  // namespace coppice
