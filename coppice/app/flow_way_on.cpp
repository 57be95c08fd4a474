// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flow_way_on.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "coppice/app/flow_options.h"
#include "coppice/flow/journal/journal.h"
#include "coppice/flow/run/run_commands.h"

namespace coppice::app {
namespace {

constexpr std::string_view kFile = "sqlite:";

bool is_plain(char c) {
  constexpr std::string_view kMore = "_./:+=,%-";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kMore.find(c) != kMore.npos;
}

/// "" where the journal is no file.
std::string file_of(const std::string& journal) {
  if (journal.starts_with(kFile)) return journal.substr(kFile.size());
  return journal.find(':') == journal.npos ? journal : std::string();
}

/// False only where it is known.
bool may_be_there(const EndedRun& run) {
  if (is_gone(run.journal)) return false;
  if (file_of(run.journal).empty()) return true;
  try {
    return open_journal(run.journal, Durability::process)->find(run.id).has_value();  // another one may lie there now
  } catch (const Error&) {
    return true;  // it has no room, or another program holds it
  }
}

}  // namespace

std::string for_shell(const std::string& word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string journal_flag(const std::string& journal) {
  if (journal == FlowOptions().journal) return {};
  const size_t server = journal.find("://");
  const bool may_hold_password = server != journal.npos && journal.find_first_of("@?", server) != journal.npos;
  return " --journal " + (may_hold_password ? journal.substr(0, server) + "://..." : for_shell(journal));
}

bool is_gone(const std::string& journal) {
  const std::string file = file_of(journal);
  std::error_code unknown;
  return !file.empty() && !std::filesystem::exists(file, unknown) && !unknown;
}

std::string way_on(const EndedRun& run) {
  if (run.journal == "memory:") return fmt::format("run {} cannot be resumed: its journal was in memory", run.id);
  if (!may_be_there(run)) {
    return fmt::format(
        "run {0} cannot be resumed: it is not in {1} any more; where its journal was moved, coppice flow resume {0} "
        "--journal FILE goes on, FILE being where it lies now",
        run.id, run.journal);
  }
  return resume_command(run.id, journal_flag(run.journal)) +
         (run.output.empty() ? "" : " -o " + for_shell(run.output)) +
         (run.has_all_outputs ? " writes what it came to" : " goes on");
}

Error with_way_on(const Error& error, const std::string& way) {
  return Error(error.code(), error.what(), error.where(), error.hint().empty() ? way : error.hint() + "; " + way);
}

}  // namespace coppice::app
