// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/input_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "coppice/core/error.h"
#include "coppice/data/input_stream.h"

namespace coppice::app {
namespace {

/// "--labels-path" -> "labels_path"; "" for an argument.
std::string option_name(const std::string& flag) {
  if (!flag.starts_with("--")) return {};
  std::string name = flag.substr(2);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

/// Throws for a stream in the place of what cannot be streamed.
void expect_files(const std::vector<InputFile>& files) {
  for (const InputFile& file : files) {
    if (file.held.empty() || !is_stream(file.path)) continue;
    const std::string stream = file.path == "-" ? "standard input" : "a pipe or a device (" + file.path + ")";
    throw Error(ErrorCode::usage, file.held + " cannot be read from " + stream, file.option, "give it as a file");
  }
}

/// Throws where standard input is to be read twice.
void expect_one_reader(const std::vector<InputFile>& files) {
  const InputFile* first = nullptr;
  for (const InputFile& file : files) {
    if (file.path != "-") continue;
    if (first != nullptr) {
      throw Error(ErrorCode::usage,
                  "standard input can be read once only: both " + first->option + " and " + file.option + " are '-'",
                  {}, "give one of them as a file");
    }
    first = &file;
  }
}

}  // namespace

void expect_named(const std::vector<InputFile>& files, const Flags& flags) {
  for (const InputFile& file : files) {
    const std::string name = option_name(file.option);
    if (!file.path.empty() || (!name.empty() && !flags.given(name))) continue;
    throw Error(ErrorCode::usage, "the path is empty, expected that of a file", file.option,
                name.empty() ? std::string("is a variable of the shell not set?")
                             : "leave " + file.option + " out to do without it");
  }
}

void expect_readable(const std::vector<InputFile>& files) {
  expect_files(files);
  expect_one_reader(files);
  for (const std::string& path : paths_of(files)) {
    if (!is_stream(path)) InputStream::open(path);
  }
}

std::vector<InputFile> model_and_rows(const std::string& model, const std::string& input) {
  std::vector<InputFile> files{{"model", model, kModel}};
  std::error_code unknown;
  if (!std::filesystem::is_directory(input, unknown)) files.push_back({"input", input});
  return files;
}

std::vector<std::string> one_at_least(std::vector<std::string> paths) {
  if (paths.empty()) paths.emplace_back();
  return paths;
}

std::vector<std::string> paths_of(const std::vector<InputFile>& files) {
  std::vector<std::string> paths;
  for (const InputFile& file : files) {
    if (!file.path.empty()) paths.push_back(file.path);
  }
  return paths;
}

}  // namespace coppice::app
