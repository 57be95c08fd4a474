// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/journal/journal_rules.h"

namespace coppice {

/// A journal that ends with the process: for tests, and for runs that nobody resumes.
std::unique_ptr<JournalStore> open_memory_journal(WallClock clock = wall_nanoseconds, const CacheLimits& cache = {});

}  // namespace coppice
