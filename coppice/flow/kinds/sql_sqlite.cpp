// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <sqlite3.h>

#include <memory>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/kinds/sql_query.h"
#include "coppice/http/base64.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr int kBusyMilliseconds = 5000, kStepsBetweenLooks = 10'000;

struct Closer {
  void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Closer>;
using Statement = std::unique_ptr<sqlite3_stmt, Closer>;

Database open(const std::string& path, SqlAccess access) {
  sqlite3* opened = nullptr;
  const int flags = access == SqlAccess::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int failed = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  Database database(opened);
  if (failed != SQLITE_OK) {
    throw Error(ErrorCode::io, fmt::format("cannot open the database '{}': {}", path, sqlite3_errstr(failed)));
  }
  sqlite3_busy_timeout(opened, kBusyMilliseconds);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_limit(opened, SQLITE_LIMIT_ATTACHED, 0);  // no other file than the one that was named
  return database;
}

Statement prepare(sqlite3* database, const std::string& text) {
  sqlite3_stmt* made = nullptr;
  const char* rest = nullptr;
  const int failed = sqlite3_prepare_v2(database, text.data(), static_cast<int>(text.size()), &made, &rest);
  Statement statement(made);
  if (failed != SQLITE_OK) throw Error(ErrorCode::data, sqlite3_errmsg(database));
  if (!statement) throw Error(ErrorCode::usage, "the query is empty");
  const std::string left(rest, text.data() + text.size());
  if (left.find_first_not_of(" \t\r\n;") != left.npos)
    throw Error(ErrorCode::usage, "the query is more than one statement");
  return statement;
}

void bind(sqlite3_stmt* statement, int place, const Json& value) {
  if (value.is_null()) {
    sqlite3_bind_null(statement, place);
  } else if (value.is_boolean()) {
    sqlite3_bind_int(statement, place, value.get<bool>() ? 1 : 0);
  } else if (value.is_number_integer()) {
    sqlite3_bind_int64(statement, place, value.get<int64_t>());
  } else if (value.is_number()) {
    sqlite3_bind_double(statement, place, value.get<double>());
  } else {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    sqlite3_bind_text64(statement, place, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
}

/// Each parameter gets a value, and each value a parameter.
void bind_all(sqlite3_stmt* statement, const Json& parameters) {
  const int wanted = sqlite3_bind_parameter_count(statement);
  if (static_cast<size_t>(wanted) != parameters.size()) {
    throw Error(ErrorCode::usage, fmt::format("the query takes {} parameters, got {}", wanted, parameters.size()));
  }
  for (int place = 1; place <= wanted; ++place) {
    if (parameters.is_array()) {
      bind(statement, place, parameters[static_cast<size_t>(place - 1)]);
      continue;
    }
    const char* name = sqlite3_bind_parameter_name(statement, place);
    if (name == nullptr || !parameters.contains(name + 1)) {
      throw Error(ErrorCode::usage, fmt::format("no value for the query's parameter {}", name == nullptr ? "?" : name));
    }
    bind(statement, place, parameters[name + 1]);
  }
}

Json value_of(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
      return nullptr;
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    default:
      break;
  }
  const bool is_blob = sqlite3_column_type(statement, column) == SQLITE_BLOB;
  const void* bytes = is_blob ? sqlite3_column_blob(statement, column)
                              : static_cast<const void*>(sqlite3_column_text(statement, column));
  const std::string text(static_cast<const char*>(bytes == nullptr ? "" : bytes),
                         static_cast<size_t>(sqlite3_column_bytes(statement, column)));
  return is_blob ? Json{{"base64", base64(text)}} : Json(text);
}

int ask_to_go_on(void* query) {
  const auto& asked = *static_cast<const SqlQuery*>(query);
  const bool is_late = std::chrono::steady_clock::now() > asked.deadline;
  return is_late || (asked.is_cancelled && asked.is_cancelled()) ? 1 : 0;
}

[[noreturn]] void fail(sqlite3* database, int result, const SqlQuery& query) {
  if (result == SQLITE_INTERRUPT) {
    if (std::chrono::steady_clock::now() > query.deadline)
      throw Error(ErrorCode::timeout, "the query did not end in time");
    throw Error(ErrorCode::cancelled, "stopped on request");
  }
  if (result == SQLITE_READONLY) {
    throw Error(ErrorCode::data, "the query would write", {}, "write: true under 'with' lets it");
  }
  throw Error(result == SQLITE_BUSY ? ErrorCode::timeout : ErrorCode::data, sqlite3_errmsg(database));
}

}  // namespace

Json run_sqlite_query(const SqlQuery& query, const std::string& path) {
  const Database database = open(path, query.access);
  sqlite3_progress_handler(database.get(), kStepsBetweenLooks, ask_to_go_on, const_cast<SqlQuery*>(&query));
  const Statement statement = prepare(database.get(), query.text);
  bind_all(statement.get(), query.parameters);
  Json columns = Json::array(), rows = Json::array();
  const int count = sqlite3_column_count(statement.get());
  for (int i = 0; i < count; ++i) columns.push_back(sqlite3_column_name(statement.get(), i));
  int result = sqlite3_step(statement.get());
  for (; result == SQLITE_ROW; result = sqlite3_step(statement.get())) {
    if (rows.size() == query.most_rows) {
      throw Error(ErrorCode::data, fmt::format("the query gives more than {} rows", query.most_rows), {},
                  "a LIMIT in the query, or most_rows under 'with'");
    }
    Json row = Json::object();
    for (int i = 0; i < count; ++i)
      row[columns[static_cast<size_t>(i)].get<std::string>()] = value_of(statement.get(), i);
    rows.push_back(std::move(row));
  }
  if (result != SQLITE_DONE) fail(database.get(), result, query);
  return {{"columns", columns}, {"rows", rows}, {"changed", sqlite3_changes64(database.get())}};
}

}  // namespace coppice
