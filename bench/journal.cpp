// SPDX-License-Identifier: Apache-2.0
// coppice_bench_journal: what it takes to commit events of a run, one at a time and in batches, against SQLite's own
// calls that insert the same rows.
#include "coppice/http/awaitable.h"  // before other headers of coroutines

#include <fmt/core.h>
#include <sqlite3.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/flow/journal/group_commit.h"
#include "coppice/flow/journal/journal.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

struct Arguments {
  std::string folder;
  uint32_t commits = 2000;
  uint32_t payload_bytes = 2048;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("folder", arguments.folder, "Where the databases are made: of the disk that is to be measured.");
  table.add("commits", arguments.commits, 10, 1'000'000,
            "So many commits of each, and a tenth for each ten events that one holds.");
  table.add("payload_bytes", arguments.payload_bytes, 0, 1U << 20, "Of each event.");
}

/// A database of its own, with nothing but the calls that SQLite's documents name for the purpose.
class BareSqlite {
 public:
  BareSqlite(const std::string& path, Durability durability) {
    expect(sqlite3_open(path.c_str(), &database_));
    run("PRAGMA journal_mode = WAL");
    run(durability == Durability::power ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    run("CREATE TABLE events(id INTEGER PRIMARY KEY, at INTEGER, kind INTEGER, step TEXT, item INTEGER, call INTEGER, "
        "attempt INTEGER, input_hash TEXT, amount INTEGER, payload TEXT)");
    expect(sqlite3_prepare_v2(database_, "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", -1, &insert_,
                              nullptr));
    expect(sqlite3_prepare_v2(database_, "BEGIN IMMEDIATE", -1, &begin_, nullptr));
    expect(sqlite3_prepare_v2(database_, "COMMIT", -1, &commit_, nullptr));
  }
  ~BareSqlite() {
    for (sqlite3_stmt* statement : {insert_, begin_, commit_}) sqlite3_finalize(statement);
    sqlite3_close(database_);
  }
  BareSqlite(const BareSqlite&) = delete;
  BareSqlite& operator=(const BareSqlite&) = delete;

  void commit(const std::vector<JournalOperation>& batch) {
    if (batch.size() == 1) return insert(batch[0].event);
    step(begin_);
    for (const JournalOperation& operation : batch) insert(operation.event);
    step(commit_);
  }

 private:
  void expect(int result) {
    if (result != SQLITE_OK) throw Error(ErrorCode::io, sqlite3_errmsg(database_));
  }
  void run(const char* sql) { expect(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr)); }
  void step(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) throw Error(ErrorCode::io, sqlite3_errmsg(database_));
    sqlite3_reset(statement);
  }
  void insert(const Event& event) {
    const auto text = [&](int column, const std::string& value) {
      sqlite3_bind_text(insert_, column, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    };
    const auto number = [&](int column, int64_t value) { sqlite3_bind_int64(insert_, column, value); };
    number(1, ++id_);
    number(2, event.at_nanoseconds);
    number(3, static_cast<int64_t>(event.kind));
    text(4, event.step);
    number(5, event.item);
    number(6, event.call);
    number(7, event.attempt);
    text(8, event.input_hash);
    number(9, event.amount.pico_dollars);
    text(10, event.payload);
    step(insert_);
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt *insert_ = nullptr, *begin_ = nullptr, *commit_ = nullptr;
  int64_t id_ = 0;
};

JournalOperation operation_of(const Arguments& arguments, uint32_t number) {
  JournalOperation operation;
  operation.event.kind = EventKind::step_done;
  operation.event.at_nanoseconds = 1'800'000'000'000'000'000 + number;
  operation.event.step = "writer";
  operation.event.item = number;
  operation.event.input_hash = std::string(32, 'a');
  operation.event.payload = std::string(arguments.payload_bytes, 'x');
  return operation;
}

std::string fresh_file(const Arguments& arguments, const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(arguments.folder) / ("coppice_bench_" + name);
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + end);
  return path;
}

/// Times of one way to commit; those of several ways are taken in turns, so that all meet the same disk.
struct Timed {
  std::function<void()> commit;
  std::vector<double> microseconds;
  Spent spent;

  void run() {
    const Stopwatch watch;
    commit();
    const Spent once = watch.spent();
    microseconds.push_back(once.wall_seconds * 1e6);
    spent = spent + once;
  }
};

ordered_json report_of(const Timed& timed, size_t events) {
  const double all = static_cast<double>(events * timed.microseconds.size());
  return {{"commit_microseconds", quantiles(timed.microseconds)},
          {"cpu_microseconds_per_event", timed.spent.cpu_seconds * 1e6 / all},
          {"wall_microseconds_per_event", timed.spent.wall_seconds * 1e6 / all}};
}

constexpr uint32_t kTurn = 50;  ///< commits of one way before it is the other's turn

ordered_json measure_batch(const Arguments& arguments, Durability durability, uint32_t size) {
  const std::unique_ptr<JournalStore> store = open_journal(fresh_file(arguments, "journal.db"), durability);
  RunRecord run;
  run.id = "20261123-150405-k3f9x2";
  store->create(run);
  store->take(run.id, journal_owner(), 3600);
  BareSqlite bare(fresh_file(arguments, "bare.db"), durability);
  std::vector<JournalOperation> batch;
  for (uint32_t i = 0; i < size; ++i) batch.push_back(operation_of(arguments, i));
  Timed ours{[&] { store->commit(run.id, batch); }, {}, {}}, theirs{[&] { bare.commit(batch); }, {}, {}};
  const uint32_t commits = std::max(arguments.commits / std::max(size / 10, 1U), 20U);
  for (uint32_t done = 0; done < commits; done += kTurn) {
    for (Timed* way : {&ours, &theirs}) {
      for (uint32_t i = 0; i < std::min(kTurn, commits - done); ++i) way->run();
    }
  }
  return {{"durability", durability == Durability::power ? "power" : "process"},
          {"events_per_commit", size},
          {"ours", report_of(ours, size)},
          {"bare", report_of(theirs, size)}};
}

/// Money set aside for a call in three budgets, and settled: two commits.
ordered_json measure_call(const Arguments& arguments, Durability durability) {
  const std::unique_ptr<JournalStore> store = open_journal(fresh_file(arguments, "journal.db"), durability);
  RunRecord run;
  run.id = "20261123-150405-k3f9x2";
  store->create(run);
  store->take(run.id, journal_owner(), 3600);
  const Money limit{std::numeric_limits<int64_t>::max()};
  JournalOperation intent = operation_of(arguments, 0);
  intent.event.kind = EventKind::call_intended;
  intent.event.amount = {1000};
  intent.event.payload.resize(std::min<size_t>(intent.event.payload.size(), 100));
  intent.budgets = {{"run:" + run.id, limit}, {"day:2026-11-23", limit}, {"tenant:acme", limit}};
  JournalOperation answer = operation_of(arguments, 0);
  answer.event.kind = EventKind::call_answered;
  answer.event.amount = {700};
  answer.budgets = intent.budgets;
  Timed intend{[&] { store->commit(run.id, {&intent, 1}); }, {}, {}};
  Timed settle{[&] { store->commit(run.id, {&answer, 1}); }, {}, {}};
  for (uint32_t i = 0; i < arguments.commits; ++i) {
    intend.run();
    settle.run();
  }
  return {{"durability", durability == Durability::power ? "power" : "process"},
          {"budgets", intent.budgets.size()},
          {"intend", report_of(intend, 1)},
          {"settle", report_of(settle, 1)}};
}

Awaitable<void> chain(GroupCommit& commits, const Arguments& arguments, uint32_t steps) {
  for (uint32_t i = 0; i < steps; ++i) co_await commits.commit(operation_of(arguments, i));
}

/// Coroutines that each commit one event after another.
ordered_json measure_coroutines(const Arguments& arguments, const std::string& where, uint32_t side_by_side) {
  const std::unique_ptr<JournalStore> store = open_journal(where, Durability::process);
  RunRecord run;
  run.id = "r";
  store->create(run);
  boost::asio::io_context loop{1};
  GroupCommit commits(loop.get_executor(), *store, run.id);
  const uint32_t steps = std::max(arguments.commits / side_by_side, 2U);
  for (uint32_t i = 0; i < side_by_side; ++i) {
    boost::asio::co_spawn(loop, chain(commits, arguments, steps), boost::asio::detached);
  }
  const Stopwatch watch;
  loop.run();
  const Spent spent = watch.spent();
  const double events = static_cast<double>(side_by_side) * steps;
  return {{"store", where == "memory:" ? "memory" : "sqlite"},
          {"side_by_side", side_by_side},
          {"batches", commits.batches()},
          {"cpu_microseconds_per_event", spent.cpu_seconds * 1e6 / events},
          {"wall_microseconds_per_event", spent.wall_seconds * 1e6 / events}};
}

void run(int argc, char** argv) {
  Arguments arguments;
  arguments.folder = std::filesystem::temp_directory_path();
  OptionTable own;
  describe(own, arguments);
  Flags flags;
  flags.add("bench_", std::move(own));
  if (!flags.parse(argc, argv)) return;
  ordered_json report{{"given", flags.given()}, {"sqlite", sqlite3_libversion()}};
  report["payload_bytes"] = arguments.payload_bytes;
  for (const Durability durability : {Durability::process, Durability::power}) {
    for (const uint32_t size : {1U, 10U, 100U, 1000U}) {
      report["commits"].push_back(measure_batch(arguments, durability, size));
    }
    report["calls"].push_back(measure_call(arguments, durability));
  }
  for (const uint32_t side_by_side : {1U, 1000U}) {
    report["coroutines"].push_back(measure_coroutines(arguments, "memory:", side_by_side));
    report["coroutines"].push_back(measure_coroutines(arguments, fresh_file(arguments, "journal.db"), side_by_side));
  }
  for (const char* name : {"journal.db", "bare.db"}) fresh_file(arguments, name);
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
