// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/journal/journal_rules.h"

namespace coppice {

struct PostgresJournalOptions {
  Durability durability = Durability::process;
  std::chrono::milliseconds timeout{10'000};  ///< how long to wait for others who write
  WallClock clock;                            ///< none = the server's
  CacheLimits cache = {};
};

/// A journal in a PostgreSQL database, by libpq: in tables whose names begin with coppice_, in the first schema of the
/// search path. Throws as `open_journal`.
///
/// A connection that was lost is made again at the next call; the call in which that happens fails.
std::unique_ptr<JournalStore> open_postgres_journal(const std::string& url, const PostgresJournalOptions& options = {});

}  // namespace coppice
