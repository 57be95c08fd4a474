// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/sqlite_cache.h"

#include <fmt/core.h>

#include "coppice/flow/journal/row_checksum.h"

namespace coppice {
namespace {

int64_t checksum_of(const std::string& key, const std::string& value, int64_t until) {
  return (RowChecksum() << key << value << until).value();
}

}  // namespace

SqliteCache::SqliteCache(SqliteDatabase& database, const CacheLimits& limits)
    : database_(database),
      limits_(limits),
      find_(database, "SELECT value, expires, checksum FROM cache WHERE key = ?"),
      keep_(database, "INSERT OR REPLACE INTO cache(key, value, bytes, expires, checksum) VALUES (?, ?, ?, ?, ?)"),
      drop_old_(database, "DELETE FROM cache WHERE expires <= ?"),
      all_bytes_(database, "SELECT coalesce(sum(bytes), 0) FROM cache"),
      drop_surplus_(database,
                    "DELETE FROM cache WHERE number IN (SELECT number FROM (SELECT number, sum(bytes) OVER (ORDER BY "
                    "expires DESC, number DESC) AS total FROM cache) WHERE total > ?)") {}

std::optional<std::string> SqliteCache::find(const std::string& key, int64_t now_nanoseconds) {
  SqliteQuery query(find_);
  query << key;
  if (!query.next()) return std::nullopt;
  std::string value = query.text(0);
  const int64_t until = query.number(1);
  if (query.number(2) != checksum_of(key, value, until)) {
    database_.fail_damaged(fmt::format("the cached output '{}' is damaged", key));
  }
  return until <= now_nanoseconds ? std::nullopt : std::optional(std::move(value));
}

void SqliteCache::keep(const std::string& key, const std::string& value, int64_t until_nanoseconds) {
  SqliteQuery query(keep_);
  query << key << value << static_cast<int64_t>(value.size()) + kCacheRowBytes << until_nanoseconds;
  query << checksum_of(key, value, until_nanoseconds);
  query.run();
}

void SqliteCache::sweep_at_times(int64_t now_nanoseconds) {
  if (writes_++ % limits_.writes_between_sweeps != 0) return;
  {
    SqliteQuery query(drop_old_);
    query << now_nanoseconds;
    query.run();
  }
  {
    SqliteQuery query(all_bytes_);
    query.next();
    if (query.number(0) <= limits_.all_bytes) return;
  }
  SqliteQuery query(drop_surplus_);
  query << limits_.all_bytes;
  query.run();
}

}  // namespace coppice
