// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/recording_list.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "coppice/core/error.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

bool is_recording(const fs::path& path) {
  constexpr std::array<std::string_view, 7> kKinds{".wav", ".flac", ".ogg", ".oga", ".opus", ".aiff", ".au"};
  std::string kind = path.extension();
  std::transform(kind.begin(), kind.end(), kind.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

std::string before_underscore(const std::string& text) {
  return text.substr(0, text.find('_'));
}

/// LABEL_SPEAKER_NUMBER
RecordingFile named_file(const fs::path& path) {
  const std::string name = path.stem();
  const size_t first = name.find('_');
  if (first == std::string::npos || first == 0) {
    throw Error(ErrorCode::data, "the name says no label", path,
                "LABEL_SPEAKER_NUMBER.wav, or folders named by their labels; or a JSONL file with audio and labels");
  }
  return {path, name.substr(0, first), before_underscore(name.substr(first + 1))};
}

/// Calls `take` for each entry of a folder.
template <class Take>
void each_entry(const fs::path& folder, const Take& take) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) take(*at);
  if (error) throw Error(ErrorCode::io, error.message(), folder);
}

}  // namespace

std::string speaker_in(const std::string& path, const std::set<std::string>& known) {
  const std::string name = fs::path(path).stem();
  const size_t first = name.find('_');
  if (first == std::string::npos || first == 0) return {};
  const std::string before = name.substr(0, first), behind = before_underscore(name.substr(first + 1));
  return known.contains(before) && !known.contains(behind) ? before : behind;
}

std::vector<RecordingFile> find_recordings(const std::string& folder, RowsAre rows) {
  std::vector<RecordingFile> found;
  each_entry(folder, [&](const fs::directory_entry& entry) {
    if (entry.is_directory()) {
      each_entry(entry.path(), [&](const fs::directory_entry& inner) {
        if (!is_recording(inner.path())) return;
        found.push_back({inner.path(), entry.path().filename(), before_underscore(inner.path().stem())});
      });
    } else if (is_recording(entry.path())) {
      found.push_back(rows == RowsAre::queries ? RecordingFile{entry.path(), {}, {}} : named_file(entry.path()));
    }
  });
  if (found.empty()) throw Error(ErrorCode::data, "the folder holds no recordings (.wav, .flac, .ogg, ..)", folder);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return found;
}

}  // namespace coppice
