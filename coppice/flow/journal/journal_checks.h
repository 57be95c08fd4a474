// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/journal/journal_rules.h"

namespace coppice {

/// Where a check finds a store: each call opens another connection to the same one, which is empty at first, and has
/// the limits `kSmallCache`.
struct StoreUnderTest {
  std::function<std::unique_ptr<JournalStore>()> open;
  std::shared_ptr<int64_t> now = std::make_shared<int64_t>(1'700'000'000'000'000'000);  ///< its clock
  bool has_connections = true;                                                          ///< more than one at a time
};

/// What stores under test keep of outputs: five texts of 1,000 bytes.
constexpr CacheLimits kSmallCache{1000, 5 * (1000 + kCacheRowBytes), 1};

/// What every store must do, whatever it is made of.
struct StoreCheck {
  std::string name;
  std::function<void(StoreUnderTest&)> run;
};
const std::vector<StoreCheck>& store_checks();

// For tests of stores.
RunRecord run_named(const std::string& id);
Event event_of(EventKind kind, const std::string& step, Money amount = {});
JournalOperation note_of(const std::string& payload);
/// Commits one operation and returns what came of it.
JournalOperation commit_one(JournalStore& store, const std::string& run, JournalOperation operation);

}  // namespace coppice
