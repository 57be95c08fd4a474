// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/flow/journal/journal.h"
#include "coppice/flow/run/run_outcome.h"

namespace coppice {

/// The files of a journal that is one ("runs.db", "sqlite:runs.db"), with those that SQLite keeps beside it; none of a
/// server's, nor of one in memory.
std::vector<std::string> journal_files(const std::string& journal);

/// What a run reads, as its journal has it: the workflow's file, those that it names, the input's.
std::vector<std::string> files_read(const std::vector<Event>& events);

/// Throws `ErrorCode::data` where an output below `folder` would replace one of the files `kept`, or lie in a folder
/// `.coppice`: the path may come from a model. Links are followed, and letters in upper and lower case are the same.
void expect_none_replaced(const std::string& folder, const std::vector<RunFile>& files,
                          const std::vector<std::string>& kept);

}  // namespace coppice
