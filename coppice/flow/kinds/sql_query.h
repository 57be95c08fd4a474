// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

namespace coppice {

enum class SqlAccess { read, write };

struct SqlQuery {
  std::string database;  ///< "file.db", "sqlite:file.db" or "postgresql://..."
  std::string text;      ///< one statement; values stand in it as ?1 or :name (SQLite), $1 (PostgreSQL)
  nlohmann::json parameters = nlohmann::json::array();  ///< a list; for SQLite an object of names, too
  SqlAccess access = SqlAccess::read;
  size_t most_rows = 10'000;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::function<bool()> is_cancelled;
};

/// Runs one statement: {"columns": [...], "rows": [{column: value}], "changed": rows changed}. Blobs come as
/// {"base64": ...}. Reading cannot change anything: the connection is opened so.
/// Throws `ErrorCode::io` (cannot be opened), `usage` (parameters that are not those of the statement), `data` (the
/// database's own words), `timeout`, `cancelled`, `unsupported`.
nlohmann::json run_query(const SqlQuery& query);

/// "postgresql://name:secret@host/db" -> "postgresql://host/db", for messages.
std::string without_password(const std::string& database);

// One for each kind of database.
nlohmann::json run_sqlite_query(const SqlQuery& query, const std::string& path);
nlohmann::json run_postgres_query(const SqlQuery& query);

}  // namespace coppice
