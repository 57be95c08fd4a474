// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "coppice/flow/journal/journal_rules.h"
#include "coppice/flow/journal/sqlite_database.h"

namespace coppice {

/// The table of an SQLite journal that keeps outputs of steps for later runs (`JournalStore::cache`).
class SqliteCache {
 public:
  SqliteCache(SqliteDatabase& database, const CacheLimits& limits);

  /// Throws `ErrorCode::io` where the row is damaged.
  std::optional<std::string> find(const std::string& key, int64_t now_nanoseconds);

  /// Within a transaction.
  void keep(const std::string& key, const std::string& value, int64_t until_nanoseconds);
  bool fits(const std::string& value) const noexcept {
    return static_cast<int64_t>(value.size()) <= limits_.value_bytes;
  }

  /// Removes what is over or too much, at the first call and at every so many. Within a transaction.
  void sweep_at_times(int64_t now_nanoseconds);

 private:
  SqliteDatabase& database_;
  CacheLimits limits_;
  uint64_t writes_ = 0;
  SqliteStatement find_, keep_, drop_old_, all_bytes_, drop_surplus_;
};

}  // namespace coppice
