// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "coppice/flow/journal/journal.h"

namespace coppice {

/// Nanoseconds since 1970, by the clock of this machine.
int64_t wall_nanoseconds();
using WallClock = std::function<int64_t()>;

/// Who has a run: kept beside it. `term` counts how often it went to somebody, so that whoever lost it in the meantime
/// can tell, even if it is free again.
struct Tenure {
  std::string owner;  ///< "" = nobody
  int64_t until_nanoseconds = 0;
  int64_t term = 0;
};

/// What `take` asks for.
struct TenureRequest {
  const std::string& run;
  const std::string& owner;
  double seconds = 0;
  int64_t now_nanoseconds = 0;
};

/// The tenure from now on. Throws `ErrorCode::usage` where another has the run.
Tenure taken(const Tenure& before, const TenureRequest& request);

/// Does somebody have the run, who lives or whose time is not over?
bool is_held(const Tenure& tenure, int64_t now_nanoseconds);

/// The runs that a store has taken, and in which term.
class TakenRuns {
 public:
  void took(const std::string& run, const Tenure& tenure) { terms_[run] = tenure.term; }
  void gave_back(const std::string& run) { terms_.erase(run); }
  /// Throws `ErrorCode::usage` unless the run is still ours; one that we have not taken must be nobody's.
  void expect_writable(const std::string& run, const Tenure& now) const;

 private:
  std::unordered_map<std::string, int64_t> terms_;
};

[[noreturn]] void throw_no_such_run(const std::string& run);
[[noreturn]] void throw_run_exists(const std::string& run);
[[noreturn]] void throw_reserved_already(const Event& event);

/// Throws `ErrorCode::usage` for an operation that no store takes: an amount below zero, budgets where none can be, one
/// of them named twice.
void expect_sound(const JournalOperation& operation);

/// How much of the outputs of earlier runs a store keeps. It looks for what is to go at the first of its writes and at
/// every `writes_between_sweeps`-th after: in between it may hold as many more.
struct CacheLimits {
  int64_t value_bytes = int64_t{16} << 20;  ///< of one; a larger one is not kept
  int64_t all_bytes = int64_t{256} << 20;   ///< of all, with `kCacheRowBytes` for each
  uint64_t writes_between_sweeps = 100;
};
constexpr int64_t kCacheRowBytes = 512;  ///< what an entry takes beside its text, about

/// When an entry's time is over. Throws `ErrorCode::usage` unless it has some.
int64_t cached_until(int64_t now_nanoseconds, double seconds);

/// Answered, failed, unknown: the call is over.
bool settles_call(EventKind kind) noexcept;

/// What a call has reserved in one scope.
struct Reservation {
  std::string scope;
  Money amount;
};

/// The part of a store that budgets are kept in, within one transaction of one run.
class BudgetBook {
 public:
  virtual ~BudgetBook() = default;
  virtual BudgetState load(const std::string& scope) = 0;
  virtual void save(const std::string& scope, const BudgetState& state) = 0;
  /// Throws as `throw_reserved_already`.
  virtual void reserve(const Event& event, const Reservation& reservation) = 0;
  /// What was reserved by the same (step, item, call, attempt), and is no more.
  virtual std::vector<Reservation> release(const Event& event) = 0;
};

/// What an operation does to budgets, the same for all stores. Returns the scope that has too little left: nothing has
/// changed then.
std::optional<std::string> apply_to_budgets(BudgetBook& book, const JournalOperation& operation);

}  // namespace coppice
