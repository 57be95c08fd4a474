// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/flow/journal/sqlite_database.h"

namespace coppice {

/// Makes the tables of a journal in a database that has none, and refuses one that is not ours (`ErrorCode::data`), or
/// of a newer version (`ErrorCode::unsupported`).
void prepare_journal_schema(SqliteDatabase& database);

}  // namespace coppice
