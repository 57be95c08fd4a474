// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/app/flags.h"

namespace coppice::app {

/// A file that a command reads.
struct InputFile {
  std::string option;     ///< as its user writes it: "--dense"; an argument by its name: "model"
  std::string path;       ///< "" = not given; "-" = standard input
  std::string held = {};  ///< what it holds, where that cannot be read from a stream: "a matrix (npz or npy)"
};

/// Throws `ErrorCode::usage` for a path that is given and empty (--dense "$X", say): to go on without the file is
/// hardly what it means.
void expect_named(const std::vector<InputFile>& files, const Flags& flags);

/// Told before anything is read, and not minutes later: throws `ErrorCode::usage` where standard input is to be read
/// twice, or where it, a pipe or a device stands for what cannot be streamed; `ErrorCode::io` for a file that is not
/// there or cannot be opened. Other pipes and devices are not opened: a second opening might find them empty.
void expect_readable(const std::vector<InputFile>& files);

/// A model and the rows it is asked; a folder of recordings is left to those who list it.
std::vector<InputFile> model_and_rows(const std::string& model, const std::string& input);

/// The paths of a list, or "" for an empty one: that a list has no entry can be said of an `InputFile` only.
std::vector<std::string> one_at_least(std::vector<std::string> paths);

/// The paths of those that are given.
std::vector<std::string> paths_of(const std::vector<InputFile>& files);

inline constexpr const char* kMatrix = "a matrix (npz or npy)";
inline constexpr const char* kModel = "a model";

}  // namespace coppice::app
