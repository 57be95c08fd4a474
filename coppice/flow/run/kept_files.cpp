// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/kept_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// Two paths that lead to the same place have the same one, also where a file system knows no upper case.
std::string place_of(const fs::path& path) {
  std::error_code failed;
  const fs::path place = fs::weakly_canonical(fs::absolute(path), failed);
  return lower_case((failed ? fs::absolute(path).lexically_normal() : place).string());
}

bool is_in_own_folder(const fs::path& folder, const fs::path& inside) {
  const auto is_own = [](const fs::path& part) { return lower_case(part.string()) == ".coppice"; };
  return is_own(fs::path(place_of(folder)).filename()) || std::any_of(inside.begin(), inside.end(), is_own);
}

/// Two names of one file: a hard link.
bool is_same_file(const fs::path& one, const fs::path& other) {
  std::error_code failed;
  return fs::equivalent(one, other, failed) && !failed;
}

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::data, fmt::format("the output '{}' {}", path, what), {}, "nothing was written");
}

}  // namespace

std::vector<std::string> journal_files(const std::string& journal) {
  constexpr std::string_view kScheme = "sqlite:";
  const std::string file = journal.starts_with(kScheme) ? journal.substr(kScheme.size()) : journal;
  if (file.find(':') != file.npos) return {};
  return {file, file + "-wal", file + "-shm", file + "-journal"};
}

std::vector<std::string> files_read(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (event.kind != EventKind::run_started || event.payload.empty()) continue;
    return parse_json(event.payload).value("reads", std::vector<std::string>());
  }
  return {};
}

void expect_none_replaced(const std::string& folder, const std::vector<RunFile>& files,
                          const std::vector<std::string>& kept) {
  std::set<std::string> places;
  for (const std::string& path : kept) places.insert(place_of(path));
  for (const RunFile& file : files) {
    if (is_in_own_folder(folder, file.path)) refuse(file.path, "would lie in a folder .coppice, where journals are");
    const fs::path target = fs::path(folder) / file.path;
    const bool is_kept =
        places.contains(place_of(target)) ||
        std::any_of(kept.begin(), kept.end(), [&](const auto& one) { return is_same_file(target, one); });
    if (is_kept) refuse(file.path, "would replace the journal, the workflow or a file that the run reads");
  }
}

}  // namespace coppice
