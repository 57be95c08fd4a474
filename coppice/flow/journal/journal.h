// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coppice/flow/llm/money.h"

namespace coppice {

/// What happened in a run. The numbers are those in the journal's tables: none is ever given another meaning.
enum class EventKind : uint8_t {
  run_started = 1,
  run_resumed = 2,
  call_intended = 3,  ///< a call is about to be sent: committed before it is; `amount` is reserved
  call_answered = 4,  ///< its answer; `amount` is what it cost
  call_failed = 5,    ///< no answer, or one that is an error; `amount` is what it cost
  call_unknown = 6,   ///< in flight when the program died; `amount` is the worst case, which is charged
  step_done = 7,      ///< payload: the output
  step_failed = 8,    ///< payload: the error
  step_skipped = 9,
  note = 10,  ///< payload: whatever a report shows, such as a check's findings
  run_finished = 11,
  run_failed = 12,
  approved = 13  ///< payload: who, what they said
};

/// One line of a run's history.
struct Event {
  uint64_t sequence = 0;       ///< from 1 in each run; given by the store
  int64_t at_nanoseconds = 0;  ///< since 1970, by the clock of the machine
  EventKind kind = EventKind::note;
  std::string step;
  int64_t item = -1;  ///< of a `foreach`; -1 = the step has none
  uint32_t call = 0;  ///< which call of the step, from 1; 0 = the event is about no call
  uint32_t attempt = 0;
  std::string input_hash;  ///< of all that the step or call was given
  Money amount;
  std::string payload;  ///< JSON
};

/// One run of a workflow, as the journal lists it.
struct RunRecord {
  std::string id;
  std::string workflow;  ///< its name
  std::string variant;   ///< "" = the workflow as it is
  std::string tenant;
  std::string parent;         ///< the run it was forked from, or ""
  std::string workflow_text;  ///< all of it, resolved: a run can be resumed when the file has changed
  std::string inputs;         ///< JSON
  std::string prices_hash;
  /// running | finished | failed | waiting (for a person) | stopped (on request)
  std::string state = "running";
  int64_t created_nanoseconds = 0;
  int64_t updated_nanoseconds = 0;
  /// Somebody has taken it, and lives, as far as can be known from here (`JournalStore::take`): told by the store of
  /// runs that it has found, and of no meaning to `create`.
  bool is_worked_on = false;
};

/// What may be spent under a name, over all runs and processes that use the journal: "run:<id>", "day:2026-11-23",
/// "tenant:acme". The limit is that of whoever reserves.
struct BudgetScope {
  std::string name;
  Money limit;
};

struct BudgetState {
  Money spent, reserved;
};

/// One change. All of a batch are committed together, in their order.
struct JournalOperation {
  Event event;  ///< `at_nanoseconds` 0 = now

  /// Call_intended: `event.amount` is reserved in each of these, in all of them or none: where one has too little
  /// left, `short_of` names it and the event is not written. What costs nothing needs nothing left. Answered, failed,
  /// unknown: the reservation of the same (step, item, call, attempt) is given back where it was made, and
  /// `event.amount` is spent in each of these; where none are named, in those that it was reserved in. Other kinds
  /// have none.
  std::vector<BudgetScope> budgets;

  // What came of it.
  uint64_t sequence = 0;
  std::optional<std::string> short_of;
};

/// Where runs are kept. Of several processes on one store, each run belongs to one at a time (`take`).
///
/// Throws `ErrorCode::io` where the store cannot be reached, is locked for longer than its time-out, has no room, or is
/// damaged (hint: what to do); nothing of the batch is there then (where a server is lost in the middle of a commit,
/// all of it may be). `ErrorCode::usage` for a run that does not exist, and for one that another process has.
/// Threads: one call at a time. Processes: a store is not carried over a fork.
class JournalStore {
 public:
  virtual ~JournalStore() = default;

  /// Throws `ErrorCode::usage` where the id is taken.
  virtual void create(const RunRecord& run) = 0;
  virtual std::optional<RunRecord> find(const std::string& run) = 0;
  /// The newest first.
  virtual std::vector<RunRecord> list(size_t most) = 0;
  virtual void set_state(const std::string& run, const std::string& state) = 0;
  /// In order; from `after` + 1 on.
  virtual std::vector<Event> events(const std::string& run, uint64_t after = 0) = 0;

  /// The run is ours from now on, for `seconds` unless taken again: the wall clock of the store's machine counts.
  /// `owner` names this process (journal_owner): what another one has is refused until its time is over. Of an owner
  /// on this machine it is known whether it lives: one that does keeps its runs whatever the clock says, and those of a
  /// dead one are free at once. Whose run was taken by another in the end (a clock that jumped) can write no more.
  virtual void take(const std::string& run, const std::string& owner, double seconds) = 0;
  /// Does nothing where the run is not `owner`'s any more.
  virtual void give_back(const std::string& run, const std::string& owner) = 0;

  /// Atomic. Survives the end of this process; survives a loss of power where `Durability` says so. The run is one that
  /// this store has taken, or that nobody has.
  virtual void commit(const std::string& run, std::span<JournalOperation> batch) = 0;

  virtual BudgetState budget(const std::string& scope) = 0;

  /// What was kept under that key by any run, unless its time is over by the store's clock.
  virtual std::optional<std::string> cached(const std::string& key) = 0;
  /// Keeps a text for `seconds`, in place of what was there. What is large is not kept; where all of it is too much
  /// (`CacheLimits`) the texts whose time ends first go. Throws `ErrorCode::usage` for no time at all.
  virtual void cache(const std::string& key, const std::string& value, double seconds) = 0;
};

/// What a commit outlives. Source: SQLite's pragma synchronous, NORMAL and FULL in WAL mode; synchronous_commit of
/// PostgreSQL.
enum class Durability { process, power };

/// "sqlite:file.db", a path alone, or "postgresql://..." ("postgres://"); "memory:" is for tests and for runs that
/// nobody resumes. What is not there yet is made. Throws `ErrorCode::unsupported` naming the package where libpq was
/// not there at build time, and for a journal of a newer version; `ErrorCode::data` for a file that is no journal. No
/// message shows a password.
std::unique_ptr<JournalStore> open_journal(const std::string& where, Durability durability);

/// This process among all that may use a journal: its machine, its number, its start.
std::string journal_owner();

}  // namespace coppice
