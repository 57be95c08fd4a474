// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/journal_sqlite_schema.h"

#include <fmt/core.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr int64_t kApplication = 0x43'70'63'4A;  // "CpcJ", in the file's header
constexpr int64_t kVersion = 1;

/// Runs change little and are large, their states change often and are small: so they have a table each. An event's id
/// is its run's number and its sequence (journal_sqlite.cpp): the table is in the order in which it is read, needs no
/// index, and one event more is one page more to write.
constexpr const char* kSchema = R"sql(
CREATE TABLE runs(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL, variant TEXT NOT NULL,
  tenant TEXT NOT NULL, parent TEXT NOT NULL, workflow_text TEXT NOT NULL, inputs TEXT NOT NULL,
  prices_hash TEXT NOT NULL, created INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE run_states(run INTEGER PRIMARY KEY, state TEXT NOT NULL, updated INTEGER NOT NULL, owner TEXT NOT NULL,
  owned_until INTEGER NOT NULL, term INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE events(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, step TEXT NOT NULL,
  item INTEGER NOT NULL, call INTEGER NOT NULL, attempt INTEGER NOT NULL, input_hash TEXT NOT NULL,
  amount INTEGER NOT NULL, payload TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE budgets(name TEXT PRIMARY KEY, spent INTEGER NOT NULL, reserved INTEGER NOT NULL,
  checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE reservations(run INTEGER, step TEXT, item INTEGER, call INTEGER, attempt INTEGER, scope TEXT,
  amount INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(run, step, item, call, attempt, scope)) WITHOUT ROWID;
)sql";

/// Came later. The version stays: a program that does not know the table leaves it alone, and loses nothing by it.
/// The index is what sweeps read: the texts may be large.
constexpr const char* kCacheSchema = R"sql(
CREATE TABLE IF NOT EXISTS cache(number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL,
  bytes INTEGER NOT NULL, expires INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS cache_by_end ON cache(expires, bytes);
)sql";

bool is_empty(SqliteDatabase& database) {
  return database.number_of("SELECT count(*) FROM sqlite_schema") == 0;
}

bool has_cache(SqliteDatabase& database) {
  return database.number_of("SELECT count(*) FROM sqlite_schema WHERE name IN ('cache', 'cache_by_end')") == 2;
}

/// Of several processes that find no tables, one makes them.
void make_tables(SqliteDatabase& database) {
  database.run("BEGIN IMMEDIATE");
  try {
    if (is_empty(database)) {
      database.run(kSchema);
      database.run(fmt::format("PRAGMA application_id = {}", kApplication).c_str());
      database.run(fmt::format("PRAGMA user_version = {}", kVersion).c_str());
    }
    database.run(kCacheSchema);
    database.run("COMMIT");
  } catch (...) {
    database.roll_back();
    throw;
  }
}

}  // namespace

void prepare_journal_schema(SqliteDatabase& database) {
  if (is_empty(database)) {
    // Only now: the mode is kept in the file, and a file that is not ours stays as it is.
    database.run_patiently("PRAGMA journal_mode = WAL");
    make_tables(database);
  }
  if (database.number_of("PRAGMA application_id") != kApplication) {
    throw Error(ErrorCode::data, "the file is an SQLite database, but no journal of runs", database.path(),
                "name another file, or one that is not there");
  }
  const int64_t version = database.number_of("PRAGMA user_version");
  if (version != kVersion) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the journal has version {}, and this program knows version {}", version, kVersion),
                database.path(), "use the program that wrote it, or a newer one");
  }
  if (!has_cache(database)) make_tables(database);
}

}  // namespace coppice
