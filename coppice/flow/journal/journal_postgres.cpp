// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/journal_postgres.h"

#include "coppice/core/error.h"

#ifdef COPPICE_WITH_POSTGRES

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "coppice/flow/journal/postgres_connection.h"

namespace coppice {
namespace {

constexpr int64_t kVersion = 1;
constexpr int64_t kSchemaLock = 0x436F70706963654A;  ///< numbers that nobody else locks
constexpr int64_t kSweepLock = 0x436F707069636543;

constexpr const char* kTables[] = {
    "CREATE TABLE IF NOT EXISTS coppice_journal(version bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS coppice_runs(number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL "
    "UNIQUE, workflow text NOT NULL, variant text NOT NULL, tenant text NOT NULL, parent text NOT NULL, workflow_text "
    "text NOT NULL, inputs text NOT NULL, prices_hash text NOT NULL, created bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS coppice_run_states(run bigint PRIMARY KEY, state text NOT NULL, updated bigint NOT "
    "NULL, "
    "owner text NOT NULL, owned_until bigint NOT NULL, term bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS coppice_events(run bigint, sequence bigint, at bigint NOT NULL, kind smallint NOT "
    "NULL, "
    "step text NOT NULL, item bigint NOT NULL, call bigint NOT NULL, attempt bigint NOT NULL, input_hash text NOT "
    "NULL, "
    "amount bigint NOT NULL, payload text NOT NULL, PRIMARY KEY(run, sequence))",
    "CREATE TABLE IF NOT EXISTS coppice_budgets(name text PRIMARY KEY, spent bigint NOT NULL, reserved bigint NOT "
    "NULL)",
    "CREATE TABLE IF NOT EXISTS coppice_reservations(run bigint, step text, item bigint, call bigint, attempt bigint, "
    "scope text, amount bigint NOT NULL, PRIMARY KEY(run, step, item, call, attempt, scope))"};

/// Came later. The version stays: a program that does not know the table leaves it alone, and loses nothing by it.
constexpr const char* kCacheTables[] = {
    "CREATE TABLE coppice_cache(key text PRIMARY KEY, value text NOT NULL, bytes bigint NOT NULL, expires bigint NOT "
    "NULL)",
    "CREATE INDEX coppice_cache_by_end ON coppice_cache(expires, bytes)"};

/// Everything until `commit`, or nothing of it.
class Transaction {
 public:
  explicit Transaction(PostgresConnection& connection) : connection_(connection) { connection_.begin(); }
  ~Transaction() { connection_.roll_back(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() { connection_.commit(); }

 private:
  PostgresConnection& connection_;
};

/// The budgets of one commit. All of them are locked first, in the order of their names: so no two processes wait for
/// each other. Written back at the end.
class PostgresBudgets final : public BudgetBook {
 public:
  PostgresBudgets(PostgresConnection& connection, int64_t run) : connection_(connection), run_(run) {}

  void lock(const std::set<std::string>& scopes) {
    for (const std::string& scope : scopes) {
      PostgresRows found =
          connection_.run("SELECT spent, reserved FROM coppice_budgets WHERE name = $1 FOR UPDATE", {scope});
      const PostgresRows row = found.size() > 0 ? std::move(found) : made(scope);
      states_[scope].state = {{row.number(0, 0)}, {row.number(0, 1)}};
    }
  }

  BudgetState load(const std::string& scope) override { return locked(scope).state; }
  void save(const std::string& scope, const BudgetState& state) override { locked(scope) = {state, true}; }

  void reserve(const Event& event, const Reservation& reservation) override {
    std::vector<PostgresValue> values = call_of(event);
    values.emplace_back(reservation.scope);
    values.emplace_back(reservation.amount.pico_dollars);
    const PostgresRows done = connection_.run(
        "INSERT INTO coppice_reservations VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING", values);
    if (done.changed() == 0) throw_reserved_already(event);
  }

  std::vector<Reservation> release(const Event& event) override {
    const PostgresRows rows = connection_.run(
        "DELETE FROM coppice_reservations WHERE run = $1 AND step = $2 AND item = $3 AND call = $4 AND attempt = $5 "
        "RETURNING scope, amount",
        call_of(event));
    std::vector<Reservation> released;
    for (int i = 0; i < rows.size(); ++i) released.push_back({rows.text(i, 0), {rows.number(i, 1)}});
    return released;
  }

  void write_back() {
    for (const auto& [scope, kept] : states_) {
      if (!kept.is_changed) continue;
      connection_.run("UPDATE coppice_budgets SET spent = $2, reserved = $3 WHERE name = $1",
                      {scope, kept.state.spent.pico_dollars, kept.state.reserved.pico_dollars});
    }
  }

 private:
  struct Kept {
    BudgetState state;
    bool is_changed = false;
  };

  /// Locked, too, whether it is ours or another process was quicker.
  PostgresRows made(const std::string& scope) {
    return connection_.run(
        "INSERT INTO coppice_budgets VALUES ($1, 0, 0) ON CONFLICT (name) DO UPDATE SET spent = coppice_budgets.spent "
        "RETURNING spent, reserved",
        {scope});
  }

  Kept& locked(const std::string& scope) {
    const auto found = states_.find(scope);
    check(found != states_.end(), "a budget is locked before it is used");
    return found->second;
  }

  std::vector<PostgresValue> call_of(const Event& event) const {
    return {run_, event.step, event.item, int64_t{event.call}, int64_t{event.attempt}};
  }

  PostgresConnection& connection_;
  int64_t run_;
  std::map<std::string, Kept> states_;
};

/// What of a run changes.
struct RunState {
  int64_t number = 0;
  std::string state;
  int64_t updated_nanoseconds = 0;
  Tenure tenure;
};

class PostgresJournal final : public JournalStore {
 public:
  PostgresJournal(const std::string& url, const PostgresJournalOptions& options)
      : connection_(url, {options.timeout, options.durability == Durability::power ? "on" : "off"}),
        clock_(options.clock),
        cache_limits_(options.cache) {
    expect_utf8();
    prepare();
  }

  void create(const RunRecord& run) override {
    Transaction transaction(connection_);
    const int64_t created = run.created_nanoseconds != 0 ? run.created_nanoseconds : now();
    const PostgresRows row = connection_.run(
        "INSERT INTO coppice_runs(id, workflow, variant, tenant, parent, workflow_text, inputs, prices_hash, created) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING RETURNING number",
        {run.id, run.workflow, run.variant, run.tenant, run.parent, run.workflow_text, run.inputs, run.prices_hash,
         created});
    if (row.size() == 0) throw_run_exists(run.id);
    connection_.run("INSERT INTO coppice_run_states VALUES ($1, $2, $3, '', 0, 0)",
                    {row.number(0, 0), run.state, created});
    transaction.commit();
  }

  std::optional<RunRecord> find(const std::string& run) override {
    std::vector<RunRecord> found = records("WHERE r.id = $1", {run});
    return found.empty() ? std::nullopt : std::optional(std::move(found[0]));
  }

  std::vector<RunRecord> list(size_t most) override {
    constexpr size_t kAll = size_t{1} << 31;
    return records("ORDER BY r.number DESC LIMIT $1", {static_cast<int64_t>(std::min(most, kAll))});
  }

  void set_state(const std::string& run, const std::string& state) override {
    Transaction transaction(connection_);
    RunState changed = writable(run);
    changed.state = state;
    changed.updated_nanoseconds = now();
    save(changed);
    transaction.commit();
  }

  std::vector<Event> events(const std::string& run, uint64_t after) override;

  void take(const std::string& run, const std::string& owner, double seconds) override {
    Transaction transaction(connection_);
    RunState changed = locked(run);
    changed.tenure = taken(changed.tenure, {run, owner, seconds, now()});
    save(changed);
    transaction.commit();
    taken_.took(run, changed.tenure);
  }

  void give_back(const std::string& run, const std::string& owner) override {
    Transaction transaction(connection_);
    RunState changed = locked(run);
    if (changed.tenure.owner == owner) {
      changed.tenure = {"", 0, changed.tenure.term};
      save(changed);
    }
    transaction.commit();
    taken_.gave_back(run);
  }

  void commit(const std::string& run, std::span<JournalOperation> batch) override;

  BudgetState budget(const std::string& scope) override {
    Transaction transaction(connection_);
    const PostgresRows row = connection_.run("SELECT spent, reserved FROM coppice_budgets WHERE name = $1", {scope});
    return row.size() == 0 ? BudgetState{} : BudgetState{{row.number(0, 0)}, {row.number(0, 1)}};
  }

  std::optional<std::string> cached(const std::string& key) override {
    Transaction transaction(connection_);
    const PostgresRows row =
        connection_.run("SELECT value FROM coppice_cache WHERE key = $1 AND expires > $2", {key, now()});
    return row.size() == 0 ? std::nullopt : std::optional(row.text(0, 0));
  }

  void cache(const std::string& key, const std::string& value, double seconds) override;

 private:
  bool is_there(const std::string& table) {
    return connection_.run("SELECT 1 WHERE to_regclass($1) IS NOT NULL", {table}).size() > 0;
  }

  void expect_utf8() {
    const std::string encoding = connection_.run("SHOW server_encoding").text(0, 0);
    if (encoding == "UTF8") return;
    throw Error(ErrorCode::unsupported, fmt::format("the database has the encoding {}, expected UTF8", encoding),
                connection_.name(), "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0 makes one that has it");
  }

  void prepare() {
    Transaction transaction(connection_);
    // Of several processes that find no tables, one makes them.
    connection_.run("SELECT pg_advisory_xact_lock($1)", {kSchemaLock});
    if (!is_there("coppice_journal")) {
      for (const char* table : kTables) connection_.run(table);
      connection_.run("INSERT INTO coppice_journal VALUES ($1)", {kVersion});
    }
    const PostgresRows version = connection_.run("SELECT version FROM coppice_journal");
    const int64_t found = version.size() == 1 ? version.number(0, 0) : 0;
    if (found != kVersion) {
      throw Error(ErrorCode::unsupported,
                  fmt::format("the journal has version {}, and this program knows version {}", found, kVersion),
                  connection_.name(), "use the program that wrote it, or a newer one");
    }
    if (!is_there("coppice_cache")) {
      for (const char* table : kCacheTables) connection_.run(table);
    }
    transaction.commit();
  }

  int64_t now() {
    if (clock_) return clock_();
    return connection_.run("SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint").number(0, 0);
  }

  std::vector<RunRecord> records(const std::string& which, const std::vector<PostgresValue>& values);

  /// Until the end of the transaction nobody else changes it, nor writes to the run.
  RunState locked(const std::string& run) {
    const PostgresRows row = connection_.run(
        "SELECT s.run, s.state, s.updated, s.owner, s.owned_until, s.term FROM coppice_runs r JOIN coppice_run_states "
        "s "
        "ON s.run = r.number WHERE r.id = $1 FOR UPDATE OF s",
        {run});
    if (row.size() == 0) throw_no_such_run(run);
    return {row.number(0, 0), row.text(0, 1), row.number(0, 2), {row.text(0, 3), row.number(0, 4), row.number(0, 5)}};
  }

  RunState writable(const std::string& run) {
    RunState found = locked(run);
    taken_.expect_writable(run, found.tenure);
    return found;
  }

  void save(const RunState& run) {
    connection_.run(
        "UPDATE coppice_run_states SET state = $2, updated = $3, owner = $4, owned_until = $5, term = $6 WHERE run = "
        "$1",
        {run.number, run.state, run.updated_nanoseconds, run.tenure.owner, run.tenure.until_nanoseconds,
         run.tenure.term});
  }

  std::set<std::string> scopes_of(int64_t run, std::span<const JournalOperation> batch);
  void add(int64_t run, std::span<const Event* const> events, int64_t first_sequence);
  void sweep_cache(int64_t now_nanoseconds);

  PostgresConnection connection_;
  WallClock clock_;
  TakenRuns taken_;
  CacheLimits cache_limits_;
  uint64_t cache_writes_ = 0;
};

std::vector<RunRecord> PostgresJournal::records(const std::string& which, const std::vector<PostgresValue>& values) {
  Transaction transaction(connection_);
  const PostgresRows rows = connection_.run(
      "SELECT r.id, r.workflow, r.variant, r.tenant, r.parent, r.workflow_text, r.inputs, r.prices_hash, s.state, "
      "r.created, greatest(s.updated, (SELECT e.at FROM coppice_events e WHERE e.run = r.number ORDER BY e.sequence "
      "DESC "
      "LIMIT 1)), s.owner, s.owned_until, s.term FROM coppice_runs r JOIN coppice_run_states s ON s.run = r.number " +
          which,
      values);
  std::vector<RunRecord> found;
  const int64_t clock = rows.size() > 0 ? now() : 0;
  for (int i = 0; i < rows.size(); ++i) {
    found.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), rows.text(i, 3), rows.text(i, 4),
                     rows.text(i, 5), rows.text(i, 6), rows.text(i, 7), rows.text(i, 8), rows.number(i, 9),
                     rows.number(i, 10), is_held({rows.text(i, 11), rows.number(i, 12), rows.number(i, 13)}, clock)});
  }
  return found;
}

std::vector<Event> PostgresJournal::events(const std::string& run, uint64_t after) {
  Transaction transaction(connection_);
  const PostgresRows row = connection_.run("SELECT number FROM coppice_runs WHERE id = $1", {run});
  if (row.size() == 0) throw_no_such_run(run);
  constexpr uint64_t kMost = uint64_t{1} << 62;
  const PostgresRows rows = connection_.run(
      "SELECT sequence, at, kind, step, item, call, attempt, input_hash, amount, payload FROM coppice_events WHERE run "
      "= "
      "$1 AND sequence > $2 ORDER BY sequence",
      {row.number(0, 0), static_cast<int64_t>(std::min(after, kMost))});
  std::vector<Event> found;
  for (int i = 0; i < rows.size(); ++i) {
    found.push_back({static_cast<uint64_t>(rows.number(i, 0)),
                     rows.number(i, 1),
                     static_cast<EventKind>(rows.number(i, 2)),
                     rows.text(i, 3),
                     rows.number(i, 4),
                     static_cast<uint32_t>(rows.number(i, 5)),
                     static_cast<uint32_t>(rows.number(i, 6)),
                     rows.text(i, 7),
                     {rows.number(i, 8)},
                     rows.text(i, 9)});
  }
  return found;
}

std::set<std::string> PostgresJournal::scopes_of(int64_t run, std::span<const JournalOperation> batch) {
  std::set<std::string> scopes;
  bool settles = false;
  for (const JournalOperation& operation : batch) {
    settles |= settles_call(operation.event.kind);
    if (operation.event.amount == Money{}) continue;
    for (const BudgetScope& scope : operation.budgets) scopes.insert(scope.name);
  }
  if (settles) {
    const PostgresRows rows = connection_.run("SELECT DISTINCT scope FROM coppice_reservations WHERE run = $1", {run});
    for (int i = 0; i < rows.size(); ++i) scopes.insert(rows.text(i, 0));
  }
  return scopes;
}

void PostgresJournal::add(int64_t run, std::span<const Event* const> events, int64_t first_sequence) {
  constexpr size_t kFields = 11, kRows = 500;  // a statement has at most 65,535 parameters
  for (size_t begin = 0; begin < events.size(); begin += kRows) {
    const size_t end = std::min(events.size(), begin + kRows);
    std::string sql = "INSERT INTO coppice_events VALUES ";
    std::vector<PostgresValue> values;
    for (size_t i = begin; i < end; ++i) {
      const Event& event = *events[i];
      sql += i == begin ? "(" : ", (";
      for (size_t field = 1; field <= kFields; ++field)
        sql += fmt::format("{}${}", field == 1 ? "" : ", ", values.size() + field);
      sql += ")";
      values.insert(values.end(), {run, first_sequence + static_cast<int64_t>(i), event.at_nanoseconds,
                                   static_cast<int64_t>(event.kind), event.step, event.item, int64_t{event.call},
                                   int64_t{event.attempt}, event.input_hash, event.amount.pico_dollars, event.payload});
    }
    connection_.run(sql, values);
  }
}

void PostgresJournal::commit(const std::string& run, std::span<JournalOperation> batch) {
  for (const JournalOperation& operation : batch) expect_sound(operation);
  if (batch.empty()) return;
  Transaction transaction(connection_);
  const int64_t number = writable(run).number;
  PostgresBudgets budgets(connection_, number);
  budgets.lock(scopes_of(number, batch));
  std::vector<std::optional<std::string>> short_of(batch.size());
  std::vector<const Event*> added;
  for (size_t i = 0; i < batch.size(); ++i) {
    short_of[i] = apply_to_budgets(budgets, batch[i]);
    if (short_of[i]) continue;
    int64_t& at = batch[i].event.at_nanoseconds;
    if (at == 0) at = clock_ ? clock_() : wall_nanoseconds();
    added.push_back(&batch[i].event);
  }
  budgets.write_back();
  // A statement of its own: it must see what others have written while `writable` waited for them.
  int64_t sequence =
      connection_.run("SELECT coalesce(max(sequence), 0) FROM coppice_events WHERE run = $1", {number}).number(0, 0);
  add(number, added, sequence + 1);
  transaction.commit();
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i].sequence = short_of[i] ? 0 : static_cast<uint64_t>(++sequence);
    batch[i].short_of = std::move(short_of[i]);
  }
}

void PostgresJournal::cache(const std::string& key, const std::string& value, double seconds) {
  Transaction transaction(connection_);
  const int64_t at = now(), until = cached_until(at, seconds);
  if (static_cast<int64_t>(value.size()) > cache_limits_.value_bytes) return;
  connection_.run(
      "INSERT INTO coppice_cache VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO UPDATE SET value = excluded.value, bytes "
      "= excluded.bytes, expires = excluded.expires",
      {key, value, static_cast<int64_t>(value.size()) + kCacheRowBytes, until});
  if (cache_writes_++ % cache_limits_.writes_between_sweeps == 0) sweep_cache(at);
  transaction.commit();
}

void PostgresJournal::sweep_cache(int64_t now_nanoseconds) {
  // One process at a time, and nobody waits: two that remove the same rows in another order would wait for each other.
  const PostgresRows lock = connection_.run("SELECT 1 WHERE pg_try_advisory_xact_lock($1)", {kSweepLock});
  if (lock.size() == 0) return;
  connection_.run("DELETE FROM coppice_cache WHERE expires <= $1", {now_nanoseconds});
  connection_.run(
      "DELETE FROM coppice_cache WHERE key IN (SELECT key FROM (SELECT key, sum(bytes) OVER (ORDER BY expires DESC, "
      "key) AS total FROM coppice_cache) AS all_of_it WHERE total > $1)",
      {cache_limits_.all_bytes});
}

}  // namespace

std::unique_ptr<JournalStore> open_postgres_journal(const std::string& url, const PostgresJournalOptions& options) {
  return std::make_unique<PostgresJournal>(url, options);
}

}  // namespace coppice

#else

namespace coppice {

std::unique_ptr<JournalStore> open_postgres_journal(const std::string&, const PostgresJournalOptions&) {
  throw Error(ErrorCode::unsupported, "this program was built without PostgreSQL", {},
              "install libpq-dev and build it again, or name a file: SQLite needs no server");
}

}  // namespace coppice

#endif
