// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/sql_query.h"

namespace coppice {

nlohmann::json run_query(const SqlQuery& query) {
  const std::string& database = query.database;
  if (database.starts_with("postgresql://") || database.starts_with("postgres://")) return run_postgres_query(query);
  constexpr std::string_view kSqlite = "sqlite:";
  return run_sqlite_query(query, database.starts_with(kSqlite) ? database.substr(kSqlite.size()) : database);
}

std::string without_password(const std::string& database) {
  const size_t scheme = database.find("://");
  if (scheme == database.npos) return database;
  const size_t begin = scheme + 3;
  const size_t end = database.find_first_of("/?", begin);
  const size_t at = database.rfind('@', end == database.npos ? end : end - 1);
  if (at == database.npos || at < begin) return database;
  return database.substr(0, begin) + database.substr(at + 1);
}

}  // namespace coppice
