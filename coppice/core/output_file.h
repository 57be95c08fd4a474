// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace coppice {

/// A file that appears whole or not at all: written beside its place, fsynced and renamed by `commit`.
///
/// Without `commit` (an exception, say) the temporary file is removed. The path "-" is standard output, written as
/// it comes. Throws `ErrorCode::io` with the system's words: no permission, disk full, no such folder.
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  /// Overwrites bytes at an earlier place (a header whose fields are known last); not for standard output.
  void write_at(uint64_t offset, std::span<const std::byte> bytes);

  uint64_t size_bytes() const noexcept { return size_; }

  void commit();

 private:
  void flush();

  std::string path_;
  std::string temporary_path_;
  std::string buffer_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

}  // namespace coppice
