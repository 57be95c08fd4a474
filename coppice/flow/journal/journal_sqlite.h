// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/journal/journal_rules.h"

namespace coppice {

struct SqliteJournalOptions {
  Durability durability = Durability::process;
  std::chrono::milliseconds timeout{10'000};  ///< how long to wait for others who write
  WallClock clock = wall_nanoseconds;
  CacheLimits cache = {};
};

/// A journal in an SQLite file (write-ahead log): several processes of one machine may use it at once. Throws as
/// `open_journal`.
///
/// Every row has a checksum, as SQLite has none: a damaged one is an error, never an answer.
std::unique_ptr<JournalStore> open_sqlite_journal(const std::string& path, const SqliteJournalOptions& options = {});

}  // namespace coppice
