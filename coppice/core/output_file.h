// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "coppice/core/progress.h"

namespace coppice {

/// A file that appears whole or not at all: written beside its place, fsynced and renamed by `commit`.
///
/// Without `commit` (an exception, say) the temporary file is removed; what a killed run of the same process id left
/// is, too, and nothing else that lies there already. A symbolic link stays one: the file it leads to is replaced. A
/// file that is replaced hands on its mode, and its owner and group where the system allows that. What is no file but a
/// stream is written as it comes: "-" (standard output), a named pipe, a character device such as /dev/null. Throws
/// `ErrorCode::io` with the system's words: no permission, disk full, no such folder; also for a folder, a socket or a
/// block device in the place of a file.
class OutputFile {
 public:
  /// `stop`, if given, outlives the file: a stream whose reader is slow is then given up (`ErrorCode::cancelled`) when
  /// a stop is requested. Opening a named pipe waits for its reader.
  explicit OutputFile(std::string path, const Progress* stop = nullptr);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  /// Overwrites bytes at an earlier place (a header whose fields are known last); not in streams.
  void write_at(uint64_t offset, std::span<const std::byte> bytes);

  uint64_t size_bytes() const noexcept { return size_; }

  void commit();

 private:
  void open_stream();
  void open_temporary();
  void flush();

  std::string path_;
  std::string target_path_;  ///< where links lead
  std::string temporary_path_;
  std::string buffer_;
  const Progress* stop_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

/// Is this the name of a stream: "-", a named pipe, a character device? Throws as `OutputFile` for what is neither
/// stream nor file.
bool is_output_stream(const std::string& path);

/// Throws what an `OutputFile` would, now and not after hours of work. Leaves nothing, and opens no pipe.
void expect_writable(const std::string& path);

}  // namespace coppice
