// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/journal_sqlite.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/flow/journal/journal_sqlite_schema.h"
#include "coppice/flow/journal/row_checksum.h"
#include "coppice/flow/journal/sqlite_cache.h"
#include "coppice/flow/journal/sqlite_database.h"

namespace coppice {
namespace {

/// An event's id: the run's number in the upper half, the sequence in the lower one.
constexpr int kSequenceBits = 32;
constexpr int64_t kMostEvents = (int64_t{1} << kSequenceBits) - 1;
constexpr int64_t first_id(int64_t run) noexcept {
  return run << kSequenceBits;
}

/// What of a run changes.
struct RunState {
  int64_t number = 0;
  std::string state;
  int64_t updated_nanoseconds = 0;
  Tenure tenure;
};

int64_t checksum_of(const RunState& run) {
  RowChecksum checksum;
  checksum << run.number << run.state << run.updated_nanoseconds << run.tenure.owner << run.tenure.until_nanoseconds;
  return (checksum << run.tenure.term).value();
}

int64_t checksum_of(int64_t number, const RunRecord& run) {
  RowChecksum checksum;
  checksum << number << run.id << run.workflow << run.variant << run.tenant << run.parent << run.workflow_text;
  return (checksum << run.inputs << run.prices_hash << run.created_nanoseconds).value();
}

int64_t checksum_of(int64_t id, const Event& event) {
  RowChecksum checksum;
  checksum << id << event.at_nanoseconds << static_cast<int64_t>(event.kind) << event.step << event.item
           << int64_t{event.call} << int64_t{event.attempt} << event.input_hash << event.amount.pico_dollars;
  return (checksum << event.payload).value();
}

int64_t checksum_of(const std::string& scope, const BudgetState& state) {
  return (RowChecksum() << scope << state.spent.pico_dollars << state.reserved.pico_dollars).value();
}

int64_t checksum_of(int64_t run, const Event& event, const Reservation& reservation) {
  RowChecksum checksum;
  checksum << run << event.step << event.item << int64_t{event.call} << int64_t{event.attempt} << reservation.scope;
  return (checksum << reservation.amount.pico_dollars).value();
}

struct Statements {
  explicit Statements(SqliteDatabase& database)
      : transaction(database),
        add_run(database, "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        number_of_run(database, "SELECT number FROM runs WHERE id = ?"),
        most_run_number(database, "SELECT coalesce(max(number), 0) FROM runs"),
        runs_before(
            database,
            "SELECT number, id, workflow, variant, tenant, parent, workflow_text, inputs, prices_hash, created, "
            "checksum FROM runs WHERE number < ? ORDER BY number DESC LIMIT ?"),
        state(database, "SELECT state, updated, owner, owned_until, term, checksum FROM run_states WHERE run = ?"),
        set_state(database, "INSERT OR REPLACE INTO run_states VALUES (?, ?, ?, ?, ?, ?, ?)"),
        last_event(database, "SELECT id, at FROM events WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT 1"),
        add_event(database, "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        events(
            database,
            "SELECT id, at, kind, step, item, call, attempt, input_hash, amount, payload, checksum FROM events WHERE "
            "id > ? AND id <= ? ORDER BY id"),
        budget(database, "SELECT spent, reserved, checksum FROM budgets WHERE name = ?"),
        set_budget(database, "INSERT OR REPLACE INTO budgets VALUES (?, ?, ?, ?)"),
        add_reservation(database, "INSERT OR IGNORE INTO reservations VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
        reservations(
            database,
            "SELECT scope, amount, checksum FROM reservations WHERE run = ? AND step = ? AND item = ? AND call = "
            "? AND attempt = ?"),
        drop_reservations(
            database, "DELETE FROM reservations WHERE run = ? AND step = ? AND item = ? AND call = ? AND attempt = ?") {
  }

  SqliteTransaction::Statements transaction;
  SqliteStatement add_run, number_of_run, most_run_number, runs_before, state, set_state;
  SqliteStatement last_event, add_event, events;
  SqliteStatement budget, set_budget, add_reservation, reservations, drop_reservations;
};

class SqliteBudgets final : public BudgetBook {
 public:
  SqliteBudgets(SqliteDatabase& database, Statements& statements, int64_t run)
      : database_(database), statements_(statements), run_(run) {}

  BudgetState load(const std::string& scope) override {
    SqliteQuery query(statements_.budget);
    query << scope;
    if (!query.next()) return {};
    const BudgetState state{{query.number(0)}, {query.number(1)}};
    if (query.number(2) != checksum_of(scope, state)) {
      database_.fail_damaged(fmt::format("the budget '{}' is damaged", scope));
    }
    return state;
  }

  void save(const std::string& scope, const BudgetState& state) override {
    SqliteQuery query(statements_.set_budget);
    query << scope << state.spent.pico_dollars << state.reserved.pico_dollars << checksum_of(scope, state);
    query.run();
  }

  void reserve(const Event& event, const Reservation& reservation) override {
    SqliteQuery query(statements_.add_reservation);
    bind_call(query, event);
    query << reservation.scope << reservation.amount.pico_dollars << checksum_of(run_, event, reservation);
    query.run();
    if (sqlite3_changes64(database_.handle()) == 0) throw_reserved_already(event);
  }

  std::vector<Reservation> release(const Event& event) override {
    std::vector<Reservation> released = reservations(event);
    if (released.empty()) return released;
    SqliteQuery query(statements_.drop_reservations);
    bind_call(query, event);
    query.run();
    return released;
  }

 private:
  void bind_call(SqliteQuery& query, const Event& event) const {
    query << run_ << event.step << event.item << int64_t{event.call} << int64_t{event.attempt};
  }

  std::vector<Reservation> reservations(const Event& event) {
    std::vector<Reservation> found;
    SqliteQuery query(statements_.reservations);
    bind_call(query, event);
    while (query.next()) {
      found.push_back({query.text(0), {query.number(1)}});
      if (query.number(2) != checksum_of(run_, event, found.back())) {
        database_.fail_damaged(fmt::format("a reservation of the step '{}' is damaged", event.step));
      }
    }
    return found;
  }

  SqliteDatabase& database_;
  Statements& statements_;
  int64_t run_;
};

class SqliteJournal final : public JournalStore {
 public:
  SqliteJournal(const std::string& path, const SqliteJournalOptions& options)
      : database_(path, options.timeout),
        clock_(options.clock),
        statements_(prepared(options.durability)),
        cache_(database_, options.cache) {}

  void create(const RunRecord& run) override {
    SqliteTransaction transaction(database_, statements_.transaction);
    if (number_of(run.id)) throw_run_exists(run.id);
    RunRecord made = run;
    if (made.created_nanoseconds == 0) made.created_nanoseconds = clock_();
    const int64_t number = next_number();
    {
      SqliteQuery query(statements_.add_run);
      query << number << made.id << made.workflow << made.variant << made.tenant << made.parent << made.workflow_text;
      query << made.inputs << made.prices_hash << made.created_nanoseconds << checksum_of(number, made);
      query.run();
    }
    save({number, made.state, made.created_nanoseconds, {}});
    transaction.commit();
  }

  std::optional<RunRecord> find(const std::string& run) override {
    SqliteReading reading(*this);
    const std::optional<int64_t> number = number_of(run);
    if (!number) return std::nullopt;
    std::vector<RunRecord> found = records(*number, 1);
    if (found.size() != 1 || found[0].id != run) {
      database_.fail_damaged(fmt::format("the run '{}' is damaged", run));
    }
    return std::move(found[0]);
  }

  std::vector<RunRecord> list(size_t most) override {
    SqliteReading reading(*this);
    constexpr size_t kAll = size_t{1} << 31;
    return records(kMostEvents, std::min(most, kAll));
  }

  void set_state(const std::string& run, const std::string& state) override {
    SqliteTransaction transaction(database_, statements_.transaction);
    RunState changed = writable(run);
    changed.state = state;
    changed.updated_nanoseconds = clock_();
    save(changed);
    transaction.commit();
  }

  std::vector<Event> events(const std::string& run, uint64_t after) override;

  void take(const std::string& run, const std::string& owner, double seconds) override {
    SqliteTransaction transaction(database_, statements_.transaction);
    RunState changed = known(run);
    changed.tenure = taken(changed.tenure, {run, owner, seconds, clock_()});
    save(changed);
    transaction.commit();
    taken_.took(run, changed.tenure);
  }

  void give_back(const std::string& run, const std::string& owner) override {
    SqliteTransaction transaction(database_, statements_.transaction);
    RunState changed = known(run);
    if (changed.tenure.owner == owner) {
      changed.tenure = {"", 0, changed.tenure.term};
      save(changed);
    }
    transaction.commit();
    taken_.gave_back(run);
  }

  void commit(const std::string& run, std::span<JournalOperation> batch) override;

  BudgetState budget(const std::string& scope) override { return SqliteBudgets(database_, statements_, 0).load(scope); }

  std::optional<std::string> cached(const std::string& key) override { return cache_.find(key, clock_()); }

  void cache(const std::string& key, const std::string& value, double seconds) override {
    const int64_t now = clock_(), until = cached_until(now, seconds);
    if (!cache_.fits(value)) return;
    SqliteTransaction transaction(database_, statements_.transaction);
    cache_.keep(key, value, until);
    cache_.sweep_at_times(now);
    transaction.commit();
  }

 private:
  /// Several reads see one state of the journal.
  class SqliteReading {
   public:
    explicit SqliteReading(SqliteJournal& journal) : database_(journal.database_) { database_.run("BEGIN"); }
    ~SqliteReading() { database_.roll_back(); }
    SqliteReading(const SqliteReading&) = delete;
    SqliteReading& operator=(const SqliteReading&) = delete;

   private:
    SqliteDatabase& database_;
  };

  SqliteDatabase& prepared(Durability durability) {
    prepare_journal_schema(database_);
    database_.run(durability == Durability::power ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    database_.run("PRAGMA cell_size_check = ON");
    return database_;
  }

  std::optional<int64_t> number_of(const std::string& run) {
    SqliteQuery query(statements_.number_of_run);
    query << run;
    return query.next() ? std::optional(query.number(0)) : std::nullopt;
  }

  int64_t next_number() {
    SqliteQuery query(statements_.most_run_number);
    query.next();
    const int64_t most = query.number(0);
    if (most >= kMostEvents / 2) throw Error(ErrorCode::unsupported, "the journal has no numbers left for more runs");
    return most + 1;
  }

  /// At most `most` runs, from that number downwards.
  std::vector<RunRecord> records(int64_t from, size_t most);

  RunState load(int64_t number) {
    SqliteQuery query(statements_.state);
    query << number;
    if (!query.next()) database_.fail_damaged(fmt::format("the state of run number {} is missing", number));
    RunState run{number, query.text(0), query.number(1), {query.text(2), query.number(3), query.number(4)}};
    if (query.number(5) != checksum_of(run)) {
      database_.fail_damaged(fmt::format("the state of run number {} is damaged", number));
    }
    return run;
  }

  void save(const RunState& run) {
    SqliteQuery query(statements_.set_state);
    query << run.number << run.state << run.updated_nanoseconds << run.tenure.owner << run.tenure.until_nanoseconds;
    query << run.tenure.term << checksum_of(run);
    query.run();
  }

  RunState known(const std::string& run) {
    auto number = numbers_.find(run);
    if (number == numbers_.end()) {  // runs are never removed, and keep their numbers
      const std::optional<int64_t> found = number_of(run);
      if (!found) throw_no_such_run(run);
      number = numbers_.emplace(run, *found).first;
    }
    return load(number->second);
  }

  RunState writable(const std::string& run) {
    RunState found = known(run);
    taken_.expect_writable(run, found.tenure);
    return found;
  }

  /// The sequence and the time of the last event; 0, 0 where there is none.
  std::pair<int64_t, int64_t> last_event(int64_t run) {
    SqliteQuery query(statements_.last_event);
    query << first_id(run) << first_id(run) + kMostEvents;
    return query.next() ? std::pair(query.number(0) - first_id(run), query.number(1)) : std::pair<int64_t, int64_t>();
  }

  void add(int64_t id, const Event& event) {
    if ((id & kMostEvents) == 0) throw Error(ErrorCode::unsupported, "the run has too many events", database_.path());
    SqliteQuery query(statements_.add_event);
    query << id << event.at_nanoseconds << static_cast<int64_t>(event.kind) << event.step << event.item;
    query << int64_t{event.call} << int64_t{event.attempt} << event.input_hash << event.amount.pico_dollars;
    query << event.payload << checksum_of(id, event);
    query.run();
  }

  SqliteDatabase database_;
  WallClock clock_;
  Statements statements_;
  SqliteCache cache_;
  std::unordered_map<std::string, int64_t> numbers_;
  TakenRuns taken_;
};

std::vector<RunRecord> SqliteJournal::records(int64_t from, size_t most) {
  std::vector<RunRecord> found;
  SqliteQuery query(statements_.runs_before);
  query << from + 1 << static_cast<int64_t>(most);
  while (query.next()) {
    const int64_t number = query.number(0);
    RunRecord run{query.text(1),  query.text(2), query.text(3),
                  query.text(4),  query.text(5), query.text(6),
                  query.text(7),  query.text(8), {},
                  query.number(9)};
    if (query.number(10) != checksum_of(number, run)) {
      database_.fail_damaged(fmt::format("run number {} is damaged", number));
    }
    RunState state = load(number);
    run.state = std::move(state.state);
    run.updated_nanoseconds = std::max(state.updated_nanoseconds, last_event(number).second);
    run.is_worked_on = is_held(state.tenure, clock_());
    found.push_back(std::move(run));
  }
  return found;
}

std::vector<Event> SqliteJournal::events(const std::string& run, uint64_t after) {
  const std::optional<int64_t> number = number_of(run);
  if (!number) throw_no_such_run(run);
  const int64_t first = first_id(*number);
  auto expected = static_cast<int64_t>(std::min<uint64_t>(after, kMostEvents));
  std::vector<Event> found;
  SqliteQuery query(statements_.events);
  query << first + expected << first + kMostEvents;
  while (query.next()) {
    const int64_t id = query.number(0);
    Event event{static_cast<uint64_t>(id - first),
                query.number(1),
                static_cast<EventKind>(query.number(2)),
                query.text(3),
                query.number(4),
                static_cast<uint32_t>(query.number(5)),
                static_cast<uint32_t>(query.number(6)),
                query.text(7),
                {query.number(8)},
                query.text(9)};
    // One that is missing in the middle is damage, too.
    if (id != first + ++expected || query.number(10) != checksum_of(id, event)) {
      database_.fail_damaged(fmt::format("event {} of the run '{}' is damaged", expected, run));
    }
    found.push_back(std::move(event));
  }
  return found;
}

void SqliteJournal::commit(const std::string& run, std::span<JournalOperation> batch) {
  for (const JournalOperation& operation : batch) expect_sound(operation);
  if (batch.empty()) return;
  std::vector<std::optional<std::string>> short_of(batch.size());
  SqliteTransaction transaction(database_, statements_.transaction);
  const int64_t number = writable(run).number;
  SqliteBudgets budgets(database_, statements_, number);
  const int64_t before = last_event(number).first;
  int64_t sequence = before;
  for (size_t i = 0; i < batch.size(); ++i) {
    short_of[i] = apply_to_budgets(budgets, batch[i]);
    if (short_of[i]) continue;
    if (batch[i].event.at_nanoseconds == 0) batch[i].event.at_nanoseconds = clock_();
    add(first_id(number) + ++sequence, batch[i].event);
  }
  transaction.commit();
  sequence = before;
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i].sequence = short_of[i] ? 0 : static_cast<uint64_t>(++sequence);
    batch[i].short_of = std::move(short_of[i]);
  }
}

}  // namespace

std::unique_ptr<JournalStore> open_sqlite_journal(const std::string& path, const SqliteJournalOptions& options) {
  return std::make_unique<SqliteJournal>(path, options);
}

}  // namespace coppice
