// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/sqlite_database.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <cstring>
#include <thread>
#include <utility>

namespace coppice {
namespace {

constexpr const char* kRecover = "sqlite3 can save what is readable: sqlite3 FILE .recover | sqlite3 NEW";
constexpr const char* kStillThere = "what was there before is there still; mend the cause and try again";

/// SQLite takes "file:..." for a URI and ":memory:" for no file at all; a path with a folder is neither.
std::string plain_path(const std::string& path) {
  return path.starts_with('/') ? path : "./" + path;
}

std::string system_words(sqlite3* handle) {
  const int number = sqlite3_system_errno(handle);
  return number == 0 ? std::string() : fmt::format(" ({})", std::strerror(number));
}

}  // namespace

SqliteDatabase::SqliteDatabase(std::string path, std::chrono::milliseconds timeout)
    : path_(std::move(path)), timeout_(timeout) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(plain_path(path_).c_str(), &handle_, flags, nullptr);
  try {
    if (result != SQLITE_OK) fail(result);
    if (sqlite3_db_readonly(handle_, "main") == 1) fail(SQLITE_READONLY);
    sqlite3_busy_timeout(handle_, static_cast<int>(timeout_.count()));
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

SqliteDatabase::~SqliteDatabase() {
  sqlite3_close_v2(handle_);
}

void SqliteDatabase::run(const char* sql) {
  const int result = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(result);
}

void SqliteDatabase::roll_back() noexcept {
  // Some failures (no room, no memory) have rolled it back already.
  if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void SqliteDatabase::run_patiently(const char* sql) {
  const auto end = std::chrono::steady_clock::now() + timeout_;
  for (;;) {
    const int result = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (result == SQLITE_OK) return;
    if ((result & 0xFF) != SQLITE_BUSY || std::chrono::steady_clock::now() >= end) fail(result);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

int64_t SqliteDatabase::number_of(const char* sql) {
  SqliteStatement statement(*this, sql);
  SqliteQuery query(statement);
  return query.next() ? query.number(0) : 0;
}

Error SqliteDatabase::fault(int result) const {
  const auto io = [&](const std::string& what, const char* hint) { return Error(ErrorCode::io, what, path_, hint); };
  switch (result & 0xFF) {
    case SQLITE_NOMEM:
      return Error(ErrorCode::memory, "no memory is left for the database", path_);
    case SQLITE_NOTADB:
      return Error(ErrorCode::data, "the file is no SQLite database, or its beginning is damaged", path_,
                   "name another file, or one that is not there");
    case SQLITE_TOOBIG:
      return Error(ErrorCode::data, "got a text of more than a gigabyte, which SQLite does not take", path_);
    case SQLITE_CORRUPT:
      return io("the database is damaged", kRecover);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return io(fmt::format("the database is locked by another program, for longer than {} seconds",
                            static_cast<double>(timeout_.count()) / 1000),
                "end the program that holds it, and try again");
    case SQLITE_FULL:
      return io("the disk has no room for the database", kStillThere);
    case SQLITE_READONLY:
      return io("the database cannot be written" + system_words(handle_), "the file and its folder must be writable");
    case SQLITE_CANTOPEN:
      return io("cannot open the database" + system_words(handle_),
                "its folder must be there and be writable: two more files lie beside it");
    case SQLITE_IOERR:
      return io(fmt::format("cannot read or write the database: {}{}", sqlite3_errstr(result), system_words(handle_)),
                kStillThere);
    default:
      return io(fmt::format("the database refuses: {}",
                            handle_ == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle_)),
                "");
  }
}

void SqliteDatabase::expect_in_place() const {
  int has_moved = 0;
  const int result = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
  if (result != SQLITE_OK || has_moved == 0) return;
  throw Error(ErrorCode::io, "the database was moved or removed while it was in use", path_,
              "what was in it is lost unless it was moved: put it back, and try again");
}

void SqliteDatabase::fail(int result) const {
  throw fault(result);
}

void SqliteDatabase::fail_damaged(const std::string& what) const {
  throw Error(ErrorCode::io, what, path_, kRecover);
}

SqliteStatement::SqliteStatement(SqliteDatabase& database, const char* sql) : database_(database) {
  const int result = sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
  if (result == SQLITE_ERROR) {
    database.fail_damaged(fmt::format("the database lacks what a journal has: {}", sqlite3_errmsg(database.handle())));
  }
  if (result != SQLITE_OK) database.fail(result);
}

SqliteStatement::~SqliteStatement() {
  sqlite3_finalize(handle_);
}

SqliteQuery::~SqliteQuery() {
  sqlite3_reset(statement_.handle_);
  sqlite3_clear_bindings(statement_.handle_);  // they point at texts that end now
}

SqliteQuery& SqliteQuery::operator<<(int64_t number) {
  const int result = sqlite3_bind_int64(statement_.handle_, ++parameters_, number);
  if (result != SQLITE_OK) statement_.database_.fail(result);
  return *this;
}

SqliteQuery& SqliteQuery::operator<<(std::string_view text) {
  // An empty view may point nowhere, which SQLite would take for null.
  const char* begin = text.empty() ? "" : text.data();
  const int result =
      sqlite3_bind_text64(statement_.handle_, ++parameters_, begin, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (result != SQLITE_OK) statement_.database_.fail(result);
  return *this;
}

bool SqliteQuery::next() {
  const int result = sqlite3_step(statement_.handle_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) statement_.database_.fail(result);
  return false;
}

int64_t SqliteQuery::number(int column) const {
  return sqlite3_column_int64(statement_.handle_, column);
}

std::string SqliteQuery::text(int column) const {
  const unsigned char* begin = sqlite3_column_text(statement_.handle_, column);
  if (begin == nullptr) return {};
  const int bytes = sqlite3_column_bytes(statement_.handle_, column);
  return {reinterpret_cast<const char*>(begin), static_cast<size_t>(bytes)};
}

SqliteTransaction::Statements::Statements(SqliteDatabase& database)
    : begin(database, "BEGIN IMMEDIATE"), commit(database, "COMMIT") {}

SqliteTransaction::SqliteTransaction(SqliteDatabase& database, Statements& statements)
    : database_(database), statements_(statements) {
  SqliteQuery(statements_.begin).run();
}

SqliteTransaction::~SqliteTransaction() {
  database_.roll_back();
}

void SqliteTransaction::commit() {
  database_.expect_in_place();
  SqliteQuery(statements_.commit).run();
}

}  // namespace coppice
