// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/input_files.h"

#include <filesystem>

#include "coppice/core/error.h"
#include "coppice/data/input_stream.h"

namespace coppice::app {
namespace {

/// Throws for what standard input cannot serve.
void expect_one_stream(const std::vector<InputFile>& files) {
  const InputFile* first = nullptr;
  for (const InputFile& file : files) {
    if (file.path != "-") continue;
    if (!file.held.empty()) {
      throw Error(ErrorCode::usage, file.held + " cannot be read from standard input", file.option,
                  "give it as a file");
    }
    if (first != nullptr) {
      throw Error(ErrorCode::usage,
                  "standard input can be read once only: both " + first->option + " and " + file.option + " are '-'",
                  {}, "give one of them as a file");
    }
    first = &file;
  }
}

}  // namespace

void expect_readable(const std::vector<InputFile>& files) {
  expect_one_stream(files);
  for (const std::string& path : paths_of(files)) {
    std::error_code unknown;
    const std::filesystem::file_type type = std::filesystem::status(path, unknown).type();
    const bool is_stream = path == "-" || type == std::filesystem::file_type::fifo ||
                           type == std::filesystem::file_type::character || type == std::filesystem::file_type::socket;
    if (!is_stream) InputStream::open(path);
  }
}

std::vector<std::string> paths_of(const std::vector<InputFile>& files) {
  std::vector<std::string> paths;
  for (const InputFile& file : files) {
    if (!file.path.empty()) paths.push_back(file.path);
  }
  return paths;
}

}  // namespace coppice::app
