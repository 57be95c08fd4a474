// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/journal.h"

#include <fmt/core.h>

#include <string_view>

#include "coppice/core/error.h"
#include "coppice/flow/journal/journal_memory.h"
#include "coppice/flow/journal/journal_postgres.h"
#include "coppice/flow/journal/journal_sqlite.h"

namespace coppice {
namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr const char* kForms = "name a file, sqlite:FILE, postgresql://USER@HOST/DATABASE, or memory:";

}  // namespace

std::unique_ptr<JournalStore> open_journal(const std::string& where, Durability durability) {
  if (where == "memory:" || where == ":memory:") return open_memory_journal();
  if (where.starts_with("postgresql://") || where.starts_with("postgres://")) {
    PostgresJournalOptions options;
    options.durability = durability;
    return open_postgres_journal(where, options);
  }
  const std::string path = where.starts_with(kSqlite) ? where.substr(kSqlite.size()) : where;
  if (path.empty()) throw Error(ErrorCode::usage, "got no place for the journal", {}, kForms);
  if (const size_t scheme = path.find("://"); scheme != path.npos) {
    // What comes after it may hold a password.
    throw Error(ErrorCode::usage, fmt::format("got a journal in '{}://', which is not known", path.substr(0, scheme)),
                {}, kForms);
  }
  SqliteJournalOptions options;
  options.durability = durability;
  return open_sqlite_journal(path, options);
}

}  // namespace coppice
