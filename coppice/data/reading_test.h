// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "coppice/core/error.h"
#include "coppice/data/reader.h"

namespace coppice {

/// Everything in `bytes`, as if it were the file "input".
inline Dataset read_bytes(std::string_view bytes, ReadOptions options, LabelIndex& labels) {
  return read_all(*open_examples(InputStream::from_memory(bytes, "input"), options, labels), labels);
}

inline Dataset read_bytes(std::string_view bytes, const ReadOptions& options) {
  LabelIndex labels;
  return read_bytes(bytes, options, labels);
}

inline Dataset read_bytes(std::string_view bytes, Format format) {
  ReadOptions options;
  options.format = format;
  return read_bytes(bytes, options);
}

/// The message of the error that `work` throws; "" if it throws none.
template <class Work>
std::string message_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return std::string(name(error.code())) + ": " + error.message();
  }
  return {};
}

inline std::string refusal(std::string_view bytes, const ReadOptions& options) {
  return message_of([&] { read_bytes(bytes, options); });
}
inline std::string refusal(std::string_view bytes, Format format) {
  return message_of([&] { read_bytes(bytes, format); });
}

/// The row of a matrix as "column:value column:value".
inline std::string row_text(const Csr& matrix, size_t i) {
  std::string text;
  const SparseRow row = matrix.row(i);
  for (size_t j = 0; j < row.size(); ++j) {
    char number[32];
    std::snprintf(number, sizeof number, "%g", static_cast<double>(row.values[j]));
    text += (j > 0 ? " " : "") + std::to_string(row.columns[j]) + ":" + number;
  }
  return text;
}

/// A folder of its own for one test, removed with it.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "coppice-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path(const std::string& file) const { return (path_ / file).string(); }
  std::string write(const std::string& file, std::string_view bytes) const {
    std::ofstream(path(file), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path(file);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace coppice
