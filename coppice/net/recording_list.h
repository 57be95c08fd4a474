// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "coppice/data/read_options.h"

namespace coppice {

/// A recording that has not been read yet.
struct RecordingFile {
  std::string path;
  std::string label;    ///< what is said
  std::string speaker;  ///< "": unknown
};

/// The recordings of a folder, by path. What is said and by whom stands in their names: `LABEL_SPEAKER_NUMBER.wav`, or,
/// in folders of one label each, `LABEL/SPEAKER_ANYTHING.wav`. Files of other kinds (.txt, .json, ..) are passed over.
/// Throws `ErrorCode::io` for a folder that cannot be read; `ErrorCode::data` for one without recordings, and for a
/// name that says no label, unless they are queries, whose names may be any.
std::vector<RecordingFile> find_recordings(const std::string& folder, RowsAre rows = RowsAre::examples);

/// The speaker in the name of a file, LABEL_SPEAKER_NUMBER, or SPEAKER_ANYTHING where that one is among `known`; ""
/// where it has no such name.
std::string speaker_in(const std::string& path, const std::set<std::string>& known);

}  // namespace coppice
