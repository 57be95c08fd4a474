// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "coppice/core/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace coppice {

/// A connection to an SQLite file. Throws `ErrorCode::io` (locked for longer than the time-out, no room, damaged,
/// cannot be written), `data` (no database), `memory`; each with the file's name and what can be done.
class SqliteDatabase {
 public:
  /// Opens the file to read and write; one that is not there is made. A path is a path alone, never a URI.
  SqliteDatabase(std::string path, std::chrono::milliseconds timeout);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  /// Runs statements that give no rows.
  void run(const char* sql);
  /// The number that a statement gives.
  int64_t number_of(const char* sql);

  /// Ends a transaction, if there is one, without it.
  void roll_back() noexcept;

  /// Asks again until the time-out, where SQLite itself does not wait (changes of the journal mode).
  void run_patiently(const char* sql);

  /// Throws `ErrorCode::io` where the file was moved or removed since it was opened.
  void expect_in_place() const;

  const std::string& path() const noexcept { return path_; }
  sqlite3* handle() const noexcept { return handle_; }

  /// What a result code of SQLite's means for a user.
  Error fault(int result) const;
  [[noreturn]] void fail(int result) const;
  /// The file is an SQLite file, but what is in it cannot be ours as we wrote it.
  [[noreturn]] void fail_damaged(const std::string& what) const;

 private:
  std::string path_;
  std::chrono::milliseconds timeout_;
  sqlite3* handle_ = nullptr;
};

/// A statement that is compiled once.
class SqliteStatement {
 public:
  SqliteStatement(SqliteDatabase& database, const char* sql);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

 private:
  friend class SqliteQuery;
  SqliteDatabase& database_;
  sqlite3_stmt* handle_ = nullptr;
};

/// One execution of a statement: `<<` gives it its parameters, in order; texts are borrowed until it ends.
class SqliteQuery {
 public:
  explicit SqliteQuery(SqliteStatement& statement) noexcept : statement_(statement) {}
  ~SqliteQuery();
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;

  SqliteQuery& operator<<(int64_t number);
  SqliteQuery& operator<<(std::string_view text);

  /// Goes to the next row, if there is one.
  bool next();
  /// For what gives no rows.
  void run() {
    while (next()) {
    }
  }

  int64_t number(int column) const;
  std::string text(int column) const;

 private:
  SqliteStatement& statement_;
  int parameters_ = 0;
};

/// Everything until `commit`, or nothing of it. Begins as a writer: what is read cannot be changed by others meanwhile.
class SqliteTransaction {
 public:
  struct Statements {
    explicit Statements(SqliteDatabase& database);
    SqliteStatement begin, commit;
  };

  SqliteTransaction(SqliteDatabase& database, Statements& statements);
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  /// Throws `ErrorCode::io` also where the file is not there any more: what is written to it would be lost.
  void commit();

 private:
  SqliteDatabase& database_;
  Statements& statements_;
};

}  // namespace coppice
