// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace coppice::app {

/// A file that a command reads.
struct InputFile {
  std::string option;     ///< as its user writes it: "--dense"
  std::string path;       ///< "" = not given; "-" = standard input
  std::string held = {};  ///< what it holds, where that cannot be read from a stream: "a matrix (npz or npy)"
};

/// Told before anything is read, and not minutes later: throws `ErrorCode::usage` where standard input is to be read
/// twice, or as what cannot be streamed; `ErrorCode::io` for a file that is not there or cannot be opened. Pipes and
/// devices are not opened: a second opening might find them empty.
void expect_readable(const std::vector<InputFile>& files);

/// The paths of those that are given.
std::vector<std::string> paths_of(const std::vector<InputFile>& files);

inline constexpr const char* kMatrix = "a matrix (npz or npy)";
inline constexpr const char* kModel = "a model";

}  // namespace coppice::app
