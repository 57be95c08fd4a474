// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/core/error.h"

namespace coppice::app {

/// " --journal FILE", where a command that goes on with a run of it needs that: quoted for a shell; "" for the journal
/// that is meant unless one is named. Of a URL that may hold a password its beginning alone.
std::string journal_flag(const std::string& journal);

/// A word of a command, quoted where a shell would read more into it.
std::string for_shell(const std::string& word);

/// Is it a file that is not there any more?
bool is_gone(const std::string& journal);

/// A run that a fault has ended early.
struct EndedRun {
  std::string id, journal;
  std::string output;            ///< the folder that its files were to go to, or ""
  bool has_all_outputs = false;  ///< it was finished: nothing is left but to write its files
};

/// How it goes on: "coppice flow resume RUN goes on"; or why it cannot, where its journal was in memory alone, or is
/// not where it was.
std::string way_on(const EndedRun& run);

/// The error, with that behind its hint.
Error with_way_on(const Error& error, const std::string& way);

}  // namespace coppice::app
