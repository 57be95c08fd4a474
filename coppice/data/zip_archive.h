// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/output_file.h"

namespace coppice {

/// One member of an archive, read front to back; its checksum is compared at the end.
class ZipEntry {
 public:
  ~ZipEntry();
  ZipEntry(ZipEntry&&) noexcept;
  ZipEntry& operator=(ZipEntry&&) = delete;

  /// Decompressed bytes, as the directory says. Nothing is known to be there until it is read.
  uint64_t size_bytes() const noexcept { return size_; }

  /// Fills the front of `space`; 0 at the end only. Throws `ErrorCode::data` for damage.
  size_t read(std::span<char> space);

 private:
  friend class ZipArchive;
  struct Handle;
  ZipEntry(std::unique_ptr<Handle> handle, uint64_t size, std::string name);

  std::unique_ptr<Handle> handle_;
  uint64_t size_;
  std::string name_;
};

/// A zip archive in memory that outlives it. Threads: one at a time.
class ZipArchive {
 public:
  /// Throws `ErrorCode::data` for what is no archive.
  ZipArchive(std::span<const std::byte> bytes, const std::string& name);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  std::vector<std::string> names() const;
  std::optional<ZipEntry> open(const std::string& entry) const;

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
  std::string name_;
};

/// Writes an archive of stored (not compressed) members; ZIP64 where sizes ask for it, dates all 1980-01-01.
class ZipWriter {
 public:
  explicit ZipWriter(OutputFile& file) : file_(file), start_(file.size_bytes()) {}

  /// Adds a member whose content is `parts`, one after the other.
  void add(const std::string& entry, std::span<const std::span<const std::byte>> parts);

  /// Writes the directory; nothing may be added afterwards.
  void finish();

 private:
  struct Member {
    std::string name;
    uint32_t crc;
    uint64_t size;
    uint64_t offset;
  };

  OutputFile& file_;
  uint64_t start_;
  std::vector<Member> members_;
};

}  // namespace coppice
